/**
 * SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi: SIEVE is Simpler than LRU, NSDI 2024). One queue in the order of loading,
 * never reordered. A hand goes from the oldest to the youngest page, then begins again at the oldest: a page that was
 * visited since it passed loses the mark and stays *where it is*, the first one that was not leaves. Young pages
 * collect behind the hand, and one-time pages among them are sifted out quickly. A page comes in unmarked.
 */
import { PagePolicy } from "./base.js";
import { grown, NIL } from "./page-table.js";
import { NONE } from "./policy.js";

const QUEUE = 1;

export class Sieve extends PagePolicy {
  private visited: Uint8Array;
  /** Where to look next; NIL: at the oldest. */
  private hand = NIL;

  constructor(capacity: number) {
    super(capacity, capacity);
    this.visited = new Uint8Array(this.table.first + capacity);
  }

  protected hit(slot: number): void {
    this.visited[slot] = 1;
  }

  protected admit(slot: number): void {
    this.visited[slot] = 0;
    this.lists.pushFront(QUEUE, slot);
  }

  protected release(): number {
    const { visited } = this;
    const { prev } = this.lists;
    // Twice through the queue is enough, unless what is left is pinned.
    for (let left = 2 * this.size + 1; left > 0; left--) {
      if (this.hand === NIL) this.hand = prev[QUEUE]!;
      const slot = this.hand;
      const younger = prev[slot]!;
      if (visited[slot] === 1) visited[slot] = 0;
      else if (!this.isPinned(slot)) {
        this.unlink(slot);
        return this.forget(slot);
      }
      this.hand = younger === QUEUE ? NIL : younger;
    }
    return NONE;
  }

  protected override unlink(slot: number): void {
    if (slot === this.hand) {
      const younger = this.lists.prev[slot]!;
      this.hand = younger === QUEUE ? NIL : younger;
    }
    this.lists.remove(slot);
  }

  protected adapt(): void {
    this.reserve(this.capacity);
    this.visited = grown(this.visited, this.table.first + this.table.slots);
  }

  protected clear(): void {
    this.hand = NIL;
  }

  protected override check(): string[] {
    return this.hand !== NIL && this.lists.where[this.hand] !== QUEUE
      ? [`the hand is at ${this.hand}, not a page`]
      : [];
  }

  params(): Record<string, number | boolean> {
    return {};
  }
}
