/**
 * OPT: the page that is not needed for the longest time leaves. Nothing can do with fewer faults, and nothing but a
 * simulator can do it: each reference must come with the position of the next one to the same page. (Belady: A Study of
 * Replacement Algorithms for a Virtual-Storage Computer, IBM Systems Journal 5(2), 1966.) A stack algorithm.
 *
 * Resident pages lie in a binary heap, the one needed last on top. Positions are unique, and among pages that are never
 * needed again the choice makes no difference, so hits and faults are the same however ties are broken.
 *
 * Invariant: uses[heap[(n - 1) / 2]] >= uses[heap[n]]; heap[place[slot]] = slot.
 */
import { PolicyError } from "../errors.js";
import { PagePolicy } from "./base.js";
import { grown } from "./page-table.js";
import { NONE } from "./policy.js";

const RESIDENT = 1;

/** Position of a next use that never comes. */
export const NEVER = 0xffffffff;

export class Opt extends PagePolicy {
  private uses: Float64Array;
  private heap: Int32Array;
  private place: Int32Array;
  private length = 0;
  private future: ArrayLike<number> = [];
  private at = 0;

  constructor(capacity: number) {
    super(capacity, capacity);
    this.uses = new Float64Array(this.table.first + capacity);
    this.heap = new Int32Array(capacity);
    this.place = new Int32Array(this.table.first + capacity);
  }

  /** For each reference to come, in order, the position of the next reference to the same page, or NEVER. */
  foresee(future: ArrayLike<number>): void {
    this.future = future;
    this.at = 0;
  }

  protected hit(slot: number): void {
    this.uses[slot] = this.nextUse();
    this.rise(this.place[slot]!);
    this.sink(this.place[slot]!);
  }

  protected admit(slot: number): void {
    this.lists.where[slot] = RESIDENT;
    this.uses[slot] = this.nextUse();
    this.put(this.length, slot);
    this.rise(this.length++);
  }

  protected release(): number {
    let slot = this.heap[0]!;
    if (this.pinned !== undefined) {
      const free = [...this.heap.subarray(0, this.length)].filter((other) => !this.isPinned(other));
      if (free.length === 0) return NONE;
      slot = free.reduce((last, other) => (this.uses[other]! > this.uses[last]! ? other : last));
    }
    this.unlink(slot);
    return this.forget(slot);
  }

  protected override unlink(slot: number): void {
    const at = this.place[slot]!;
    const last = this.heap[--this.length]!;
    if (at === this.length) return;
    this.put(at, last);
    this.rise(at);
    this.sink(this.place[last]!);
  }

  protected adapt(): void {
    this.reserve(this.capacity);
    this.uses = grown(this.uses, this.table.first + this.table.slots);
    this.heap = grown(this.heap, this.table.slots);
    this.place = grown(this.place, this.table.first + this.table.slots);
  }

  protected clear(): void {
    this.length = 0;
    this.future = [];
    this.at = 0;
  }

  protected override check(): string[] {
    const wrong: string[] = [];
    if (this.length !== this.size) wrong.push(`heap: ${this.length} slots, size ${this.size}`);
    for (let n = 0; n < this.length; n++) {
      const slot = this.heap[n]!;
      if (this.place[slot] !== n) wrong.push(`heap: slot ${slot} is at ${n}, not ${this.place[slot]}`);
      if (n > 0 && this.uses[this.heap[(n - 1) >> 1]!]! < this.uses[slot]!) wrong.push(`heap: no heap at ${n}`);
    }
    return wrong;
  }

  params(): Record<string, number | boolean> {
    return {};
  }

  private nextUse(): number {
    if (this.at >= this.future.length) {
      throw new PolicyError("opt needs the future: tell it, with foresee(), the next uses of the references to come");
    }
    return this.future[this.at++]!;
  }

  private put(at: number, slot: number): void {
    this.heap[at] = slot;
    this.place[slot] = at;
  }

  private rise(at: number): void {
    const { heap, uses } = this;
    const slot = heap[at]!;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (uses[heap[parent]!]! >= uses[slot]!) break;
      this.put(at, heap[parent]!);
      at = parent;
    }
    this.put(at, slot);
  }

  private sink(at: number): void {
    const { heap, uses, length } = this;
    const slot = heap[at]!;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && uses[heap[child + 1]!]! > uses[heap[child]!]!) child++;
      if (uses[slot]! >= uses[heap[child]!]!) break;
      this.put(at, heap[child]!);
      at = child;
    }
    this.put(at, slot);
  }
}

/** The next uses of a trace that is in memory whole. */
export function nextUses(pages: ArrayLike<number>): Float64Array {
  const last = new Map<number, number>();
  const uses = new Float64Array(pages.length);
  for (let n = pages.length - 1; n >= 0; n--) {
    uses[n] = last.get(pages[n]!) ?? NEVER;
    last.set(pages[n]!, n);
  }
  return uses;
}
