/**
 * The swap file: pages that have left memory, a slot each. It is read and written by whichever thread needs a page or a frame,
 * at once, through the one descriptor that the process has; nobody else can find it, for its name is gone as soon as it is open.
 */
import { closeSync, constants, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { StorageError } from "./errors.js";
import * as L from "./layout.js";

/** What a thread needs to use it: structured-clonable. */
export interface SwapHandle {
  readonly descriptor: number;
  /** Pages that it holds. */
  readonly slots: number;
}

let serial = 0;

/** Makes a swap file of `bytes` in a folder (the system's for temporary files unless told). It grows as it is used. */
export function openSwap(bytes: number, folder: string = tmpdir()): SwapHandle {
  const file = path.join(folder, `ungil-swap-${process.pid}-${serial++}`);
  try {
    const descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    unlinkSync(file);
    return { descriptor, slots: Math.floor(bytes / L.PAGE_SIZE) };
  } catch (cause) {
    throw new StorageError(`There can be no swap file in ${folder}`, { cause });
  }
}

/** Gives the file back. No thread may use it any more. */
export function closeSwap({ descriptor }: SwapHandle): void {
  closeSync(descriptor);
}

/** How one thread reads and writes it. Tests put themselves in its place. */
export class SwapFile {
  /** Why the last call failed. */
  error: unknown;
  /** While what is done is of no use unless all of it is: a call that fails throws, in the middle of anything. */
  mustWork = false;

  constructor(
    readonly descriptor: number,
    readonly memory: Uint8Array,
  ) {}

  /** Reads a slot to physical address `frame`; false if it cannot be read. */
  read(slot: number, frame: number): boolean {
    return this.#whole("read", () => readSync(this.descriptor, this.memory, frame, L.PAGE_SIZE, slot * L.PAGE_SIZE));
  }

  write(slot: number, frame: number): boolean {
    return this.#whole("written", () =>
      writeSync(this.descriptor, this.memory, frame, L.PAGE_SIZE, slot * L.PAGE_SIZE),
    );
  }

  #whole(what: string, transfer: () => number): boolean {
    try {
      const bytes = transfer();
      if (bytes === L.PAGE_SIZE) return true;
      this.error = new Error(`${bytes} of ${L.PAGE_SIZE} bytes were ${what}`);
    } catch (error) {
      this.error = error;
    }
    if (this.mustWork) throw new StorageError(`A page could not be ${what} in the swap file`, { cause: this.error });
    return false;
  }
}
