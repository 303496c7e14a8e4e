/**
 * From a frame to the page table entries that map it: chains through nodes in arrays, a node for each mapping.
 * (Linux calls it rmap. Without it, evicting a shared frame would search every page table.)
 *
 * Invariant: a node (frame, table, page) exists exactly if that table's entry of that page is PRESENT in that frame;
 * counts[frame] is the length of its chain.
 */
import type { PageTable } from "./page-table.js";

const NIL = -1;

export class ReverseMap {
  /** Mappings of each frame. */
  readonly counts: Int32Array;
  private readonly first: Int32Array;
  private next: Int32Array = new Int32Array(64);
  private pages: Int32Array = new Int32Array(64);
  private readonly tables: (PageTable | undefined)[] = [];
  private free = NIL;
  private end = 0;

  constructor(frames: number) {
    this.counts = new Int32Array(frames);
    this.first = new Int32Array(frames).fill(NIL);
  }

  add(frame: number, table: PageTable, page: number): void {
    const node = this.node();
    this.tables[node] = table;
    this.pages[node] = page;
    this.next[node] = this.first[frame]!;
    this.first[frame] = node;
    this.counts[frame]!++;
  }

  /** O(mappings of the frame). */
  remove(frame: number, table: PageTable, page: number): void {
    let before = NIL;
    let node = this.first[frame]!;
    while (this.tables[node] !== table || this.pages[node] !== page) {
      before = node;
      node = this.next[node]!;
    }
    if (before === NIL) this.first[frame] = this.next[node]!;
    else this.next[before] = this.next[node]!;
    this.tables[node] = undefined;
    this.next[node] = this.free;
    this.free = node;
    this.counts[frame]!--;
  }

  /** Calls back for each mapping; that one may be removed meanwhile. */
  each(frame: number, visit: (table: PageTable, page: number) => void): void {
    for (let node = this.first[frame]!; node !== NIL; ) {
      const next = this.next[node]!;
      visit(this.tables[node]!, this.pages[node]!);
      node = next;
    }
  }

  private node(): number {
    if (this.free !== NIL) {
      const node = this.free;
      this.free = this.next[node]!;
      return node;
    }
    if (this.end === this.next.length) {
      this.next = longer(this.next);
      this.pages = longer(this.pages);
    }
    return this.end++;
  }
}

function longer(array: Int32Array): Int32Array {
  const copy = new Int32Array(2 * array.length);
  copy.set(array);
  return copy;
}
