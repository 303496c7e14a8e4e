/**
 * Doubly linked lists of slots, in arrays: what nearly every policy is made of. A slot is in one list at most.
 *
 * Lists have the numbers from 1; each is a ring through a sentinel at the index of its number, so that nothing is
 * ever tested for the end. Slots have numbers above those of the lists (PageTable.first). `next` leads from the front
 * (youngest) to the back (oldest).
 *
 * Invariant: next[prev[x]] = prev[next[x]] = x; `where` of a slot is the list that it is in, or 0; counts are lengths.
 */
import { grown, NIL } from "./page-table.js";

export class SlotLists {
  next: Int32Array;
  prev: Int32Array;
  where: Int32Array;
  readonly counts: Int32Array;

  constructor(
    readonly lists: number,
    slots: number,
  ) {
    this.next = new Int32Array(lists + 1 + slots);
    this.prev = new Int32Array(lists + 1 + slots);
    this.where = new Int32Array(lists + 1 + slots);
    this.counts = new Int32Array(lists + 1);
    this.clear();
  }

  /** The oldest slot of a list, or NIL. */
  back(list: number): number {
    const slot = this.prev[list]!;
    return slot === list ? NIL : slot;
  }

  pushFront(list: number, slot: number): void {
    const { next, prev } = this;
    const second = next[list]!;
    next[list] = slot;
    prev[slot] = list;
    next[slot] = second;
    prev[second] = slot;
    this.where[slot] = list;
    this.counts[list]!++;
  }

  remove(slot: number): void {
    const { next, prev, where } = this;
    const before = prev[slot]!;
    const after = next[slot]!;
    next[before] = after;
    prev[after] = before;
    this.counts[where[slot]!]!--;
    where[slot] = 0;
  }

  /** Within its list. */
  toFront(slot: number): void {
    const { next, prev } = this;
    const before = prev[slot]!;
    const after = next[slot]!;
    next[before] = after;
    prev[after] = before;
    const list = this.where[slot]!;
    const second = next[list]!;
    next[list] = slot;
    prev[slot] = list;
    next[slot] = second;
    prev[second] = slot;
  }

  move(list: number, slot: number): void {
    this.remove(slot);
    this.pushFront(list, slot);
  }

  /** All of `from` joins `to` as younger than what is there, in its order; the caller corrects `where`. O(1). */
  append(from: number, to: number): void {
    const { next, prev, counts } = this;
    if (counts[from] === 0) return;
    const first = next[from]!;
    const last = prev[from]!;
    const second = next[to]!;
    next[to] = first;
    prev[first] = to;
    next[last] = second;
    prev[second] = last;
    next[from] = prev[from] = from;
    counts[to]! += counts[from]!;
    counts[from] = 0;
  }

  reserve(slots: number): void {
    const length = this.lists + 1 + slots;
    if (length <= this.next.length) return;
    this.next = grown(this.next, length);
    this.prev = grown(this.prev, length);
    this.where = grown(this.where, length);
  }

  clear(): void {
    this.where.fill(0);
    this.counts.fill(0);
    for (let list = 1; list <= this.lists; list++) this.next[list] = this.prev[list] = list;
  }

  verify(): string[] {
    const wrong: string[] = [];
    for (let list = 1; list <= this.lists; list++) {
      let length = 0;
      for (let at = this.next[list]!; at !== list && length <= this.next.length; at = this.next[at]!) {
        length++;
        if (this.prev[this.next[at]!] !== at || this.next[this.prev[at]!] !== at) wrong.push(`list ${list}: broken`);
        if (this.where[at] !== list) wrong.push(`list ${list}: slot ${at} is said to be in ${this.where[at]}`);
      }
      if (length !== this.counts[list]) wrong.push(`list ${list}: ${length} slots, count ${this.counts[list]}`);
    }
    return wrong;
  }
}
