/**
 * What OPT needs of a trace that comes only once: all of it, twice. The references are written down as dense numbers of
 * their pages, then read backwards to find for each the position of the next one to the same page.
 *
 * Up to SPOOL_MEMORY references stay in memory; beyond it they go to two temporary files of 4 bytes a reference each
 * (TMPDIR says where), so memory is bounded by the number of distinct pages (about 30 bytes each) and not by the length.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { TraceError } from "../errors.js";
import { NEVER } from "../policies/index.js";
import { PageTable } from "../policies/page-table.js";
import type { References } from "./references.js";

/** References that are kept in memory. */
export const SPOOL_MEMORY = 1 << 22;
const BLOCK = 1 << 16;

export class Spool {
  length = 0;
  private readonly table = new PageTable(1, 1024);
  private readonly references: Column;
  private readonly nextUses: Column;
  private folder = "";

  constructor(memory = SPOOL_MEMORY) {
    const folder = () => (this.folder ||= mkdtempSync(path.join(tmpdir(), "ungil-opt-")));
    this.references = new Column(memory, () => path.join(folder(), "references"));
    this.nextUses = new Column(memory, () => path.join(folder(), "next-uses"));
  }

  get distinct(): number {
    return this.table.count;
  }

  append({ pages, count }: References): void {
    if (this.length + count >= NEVER) throw new TraceError("opt cannot look at more than 2^32 - 1 references");
    const { table } = this;
    const ids = new Uint32Array(count);
    for (let n = 0; n < count; n++) {
      const page = pages[n]!;
      let slot = table.find(page);
      if (slot === 0) {
        if (table.count === table.slots) table.reserve(2 * table.slots);
        slot = table.add(page);
      }
      ids[n] = slot;
    }
    this.references.write(this.length, ids);
    this.length += count;
  }

  /** Finds the next uses. `pause` is awaited now and then, with the share that is done. */
  async lookAhead(pause: (share: number) => Promise<void>): Promise<void> {
    const last = new Uint32Array(this.table.end).fill(NEVER);
    for (let end = this.length; end > 0; ) {
      const from = Math.floor((end - 1) / BLOCK) * BLOCK;
      const ids = this.references.read(from, end - from);
      const uses = new Uint32Array(ids.length);
      for (let n = ids.length - 1; n >= 0; n--) {
        const id = ids[n]!;
        uses[n] = last[id]!;
        last[id] = from + n;
      }
      this.nextUses.write(from, uses);
      end = from;
      await pause(1 - from / this.length);
    }
  }

  /** The trace again, in blocks: page numbers (dense ones) and next uses. */
  *blocks(): IterableIterator<{ pages: Uint32Array; future: Uint32Array; from: number }> {
    for (let from = 0; from < this.length; from += BLOCK) {
      const count = Math.min(BLOCK, this.length - from);
      yield { pages: this.references.read(from, count), future: this.nextUses.read(from, count), from };
    }
  }

  close(): void {
    this.references.close();
    this.nextUses.close();
    if (this.folder !== "") rmSync(this.folder, { recursive: true, force: true });
  }
}

/** An array of 32-bit numbers, the part above a limit in a file. */
class Column {
  private readonly memory: Uint32Array[] = [];
  private file = -1;

  constructor(
    private readonly limit: number,
    private readonly name: () => string,
  ) {}

  write(at: number, values: Uint32Array): void {
    let done = 0;
    for (; done < values.length && at + done < this.limit; ) {
      const block = Math.floor((at + done) / BLOCK);
      const offset = (at + done) % BLOCK;
      const count = Math.min(values.length - done, BLOCK - offset, this.limit - at - done);
      (this.memory[block] ??= new Uint32Array(BLOCK)).set(values.subarray(done, done + count), offset);
      done += count;
    }
    if (done === values.length) return;
    if (this.file < 0) this.file = openSync(this.name(), "w+", 0o600);
    const rest = values.subarray(done);
    const bytes = new Uint8Array(rest.buffer, rest.byteOffset, rest.byteLength);
    for (let n = 0; n < bytes.length; ) n += writeSync(this.file, bytes, n, bytes.length - n, (at + done) * 4 + n);
  }

  read(at: number, count: number): Uint32Array {
    const values = new Uint32Array(count);
    let done = 0;
    for (; done < count && at + done < this.limit; ) {
      const offset = (at + done) % BLOCK;
      const some = Math.min(count - done, BLOCK - offset, this.limit - at - done);
      values.set(this.memory[Math.floor((at + done) / BLOCK)]!.subarray(offset, offset + some), done);
      done += some;
    }
    const bytes = new Uint8Array(values.buffer, done * 4);
    for (let n = 0; n < bytes.length; ) {
      const got = readSync(this.file, bytes, n, bytes.length - n, (at + done) * 4 + n);
      if (got === 0) throw new TraceError("opt's temporary file has become shorter");
      n += got;
    }
    return values;
  }

  close(): void {
    if (this.file >= 0) closeSync(this.file);
    this.file = -1;
  }
}
