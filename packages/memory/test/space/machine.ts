// Small machines for tests: checked and closed when their test ends.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type ByteStore, PhysicalMemory, type PhysicalMemoryOptions } from "@ungil/memory";
import { afterEach, expect } from "vitest";

export const PAGE = 512;

const open: PhysicalMemory[] = [];
const folders: string[] = [];

export function machine(frames: number, options: PhysicalMemoryOptions = {}): PhysicalMemory {
  const memory = new PhysicalMemory({ size: frames * PAGE, pageSize: PAGE, ...options });
  open.push(memory);
  return memory;
}

/** A folder that is deleted when the test has ended. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "ungil-space-"));
  folders.push(folder);
  return folder;
}

afterEach(() => {
  for (const memory of open.splice(0)) {
    expect(memory.verify()).toEqual([]);
    memory.close();
    expect(memory.pager.frames.freeCount).toBe(memory.pager.frames.count);
    expect(memory.pager.swap.used).toBe(0);
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** What a function throws. */
export function thrown(work: () => unknown): any {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("it did not throw");
}

/** A store in memory, whose next operations can be made to fail. */
export class TestStore implements ByteStore {
  bytes = new Uint8Array(0);
  /** Called before each operation; what it throws is the disk's error. */
  before: (operation: "read" | "write" | "sync") => void = () => undefined;
  /** Bytes that an operation handles at most. */
  portion = Number.POSITIVE_INFINITY;
  writes = 0;
  reads = 0;
  closed = false;

  read(bytes: Uint8Array, position: number): number {
    this.before("read");
    this.reads++;
    const got = this.bytes.subarray(position, position + Math.min(bytes.length, this.portion));
    bytes.set(got);
    return got.length;
  }

  write(bytes: Uint8Array, position: number): number {
    this.before("write");
    this.writes++;
    const some = bytes.subarray(0, this.portion);
    if (this.bytes.length < position + some.length) {
      const longer = new Uint8Array(position + some.length);
      longer.set(this.bytes);
      this.bytes = longer;
    }
    this.bytes.set(some, position);
    return some.length;
  }

  size(): number {
    return this.bytes.length;
  }

  sync(): void {
    this.before("sync");
  }

  close(): void {
    this.closed = true;
  }
}
