/**
 * The file that pages are swapped to. It is made when the first page is written, and its name is taken away at once
 * where the system allows that: then the space is given back whatever becomes of the process. Otherwise `close` deletes it.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ByteStore } from "./byte-store.js";

export class SwapFile implements ByteStore {
  private file = -1;
  private own = "";
  private end = 0;

  constructor(private readonly folder = tmpdir()) {}

  read(bytes: Uint8Array, position: number): number {
    return this.file < 0 ? 0 : readSync(this.file, bytes, 0, bytes.length, position);
  }

  write(bytes: Uint8Array, position: number): number {
    if (this.file < 0) this.open();
    const written = writeSync(this.file, bytes, 0, bytes.length, position);
    this.end = Math.max(this.end, position + written);
    return written;
  }

  size(): number {
    return this.end;
  }

  sync(): void {}

  close(): void {
    if (this.file >= 0) closeSync(this.file);
    this.file = -1;
    this.remove();
  }

  private open(): void {
    this.own = mkdtempSync(path.join(this.folder, "ungil-swap-"));
    try {
      this.file = openSync(path.join(this.own, "swap"), "wx+", 0o600);
    } catch (error) {
      this.remove();
      throw error;
    }
    // Where an open file can be deleted, this does it.
    this.remove();
  }

  private remove(): void {
    if (this.own === "") return;
    try {
      rmSync(this.own, { recursive: true, force: true });
      this.own = "";
    } catch {
      // It is open, and this system minds: later, then.
    }
  }
}
