/**
 * What pages are read from and written to when they are not in memory: a mapped file, a swap file, or anything that
 * behaves like one. All calls are synchronous, for a fault is in the middle of an access.
 */
import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { StorageError } from "@ungil/kernel";
import { VirtualMemoryError } from "../errors.js";

export interface ByteStore {
  /** Reads into `bytes` from a position; returns how many it got. 0: the end. Throws if it cannot. */
  read(bytes: Uint8Array, position: number): number;
  /** Writes `bytes` at a position; returns how many it wrote, at least one. Throws if it cannot. */
  write(bytes: Uint8Array, position: number): number;
  /** Bytes that can be read, from position 0. */
  size(): number;
  /** Returns when all that was written is on the disk. */
  sync(): void;
  close(): void;
}

/** VirtualMemoryError if it is none. */
export function checkStore(store: ByteStore, what: string): void {
  const missing = (["read", "write", "size", "sync", "close"] as const).find(
    (name) => typeof store?.[name] !== "function",
  );
  if (missing !== undefined) throw new VirtualMemoryError(`${what} is no store: it has no method ${missing}`);
}

/** Reads all of `bytes`. StorageError if the store fails or ends before. */
export function readWhole(store: ByteStore, bytes: Uint8Array, position: number, what: string): void {
  let done = 0;
  try {
    while (done < bytes.length) {
      const got = store.read(bytes.subarray(done), position + done);
      if (!(got > 0 && got <= bytes.length - done)) break;
      done += got;
    }
  } catch (cause) {
    throw new StorageError(`${what} cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (done < bytes.length)
    throw new StorageError(`${what} is cut short: ${done} bytes of ${bytes.length} could be read`);
}

/** Writes all of `bytes`. StorageError if the store fails; what it wrote until then is written. */
export function writeWhole(store: ByteStore, bytes: Uint8Array, position: number, what: string): void {
  try {
    for (let done = 0; done < bytes.length; ) {
      const got = store.write(bytes.subarray(done), position + done);
      if (!(got > 0 && got <= bytes.length - done))
        throw new Error(`only ${done} bytes of ${bytes.length} were written`);
      done += got;
    }
  } catch (cause) {
    throw new StorageError(`${what} cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/** StorageError if the store cannot say how long it is. */
export function sizeOf(store: ByteStore, what: string): number {
  let size: unknown;
  try {
    size = store.size();
    if (typeof size === "number" && Number.isInteger(size) && size >= 0) return size;
  } catch (cause) {
    throw new StorageError(`${what} does not say its length: ${messageOf(cause)}`, { cause });
  }
  throw new StorageError(`${what} says its length is ${String(size)}`);
}

export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** A file on the disk. */
export class DiskFile implements ByteStore {
  private reader = -1;
  private writer = -1;

  /** VirtualMemoryError if it cannot be opened. */
  constructor(
    readonly path: string,
    writable: boolean,
  ) {
    this.reader = open(path, "r");
    try {
      if (writable) this.allowWrites();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Tells files apart, whatever their names: device and inode. */
  static identity(path: string): string {
    try {
      const status = statSync(path, { bigint: true });
      if (!status.isFile()) throw new Error("it is no regular file");
      return `${status.dev}:${status.ino}`;
    } catch (cause) {
      throw new VirtualMemoryError(`the file ${path} cannot be mapped: ${messageOf(cause)}`, { cause });
    }
  }

  /** A first shared, writable mapping of a file that was opened for reading. */
  allowWrites(): void {
    if (this.writer < 0) this.writer = open(this.path, "r+");
  }

  read(bytes: Uint8Array, position: number): number {
    return readSync(this.reader, bytes, 0, bytes.length, position);
  }

  write(bytes: Uint8Array, position: number): number {
    return writeSync(this.writer, bytes, 0, bytes.length, position);
  }

  size(): number {
    return fstatSync(this.reader).size;
  }

  sync(): void {
    if (this.writer >= 0) fdatasyncSync(this.writer);
  }

  close(): void {
    for (const file of [this.reader, this.writer]) if (file >= 0) closeSync(file);
    this.reader = this.writer = -1;
  }
}

function open(path: string, flags: string): number {
  try {
    return openSync(path, flags);
  } catch (cause) {
    const how = flags === "r" ? "read" : "written to";
    throw new VirtualMemoryError(`the file ${path} cannot be ${how}: ${messageOf(cause)}`, { cause });
  }
}
