/**
 * Least frequently used, in the cache: a page's count begins at 1 when it is loaded and is forgotten when it leaves. Of
 * equal counts the least recently used page leaves. Constant time by a chain of buckets, one for each count that occurs
 * (Shah, Mitra, Matani: An O(1) algorithm for implementing the LFU cache eviction scheme, 2010).
 *
 * No stack algorithm: with fewer frames a page may have been reloaded and counted from 1, so the order of pages depends
 * on the number of frames. (LFU over the counts of all time would be one; it would have to remember every page.)
 *
 * Invariant: frequencies rise strictly along `above`; no bucket in the chain is empty.
 */
import { PagePolicy } from "./base.js";
import { NIL } from "./page-table.js";
import { NONE } from "./policy.js";
import { SlotLists } from "./slot-lists.js";

const RESIDENT = 1;
/** Both ends of the chain. */
const END = 0;

export class Lfu extends PagePolicy {
  /** List b has the pages of bucket b; a slot has the index slot + offset in it. */
  private byCount!: SlotLists;
  private frequency!: Float64Array;
  private above!: Int32Array;
  private below!: Int32Array;
  private spare!: Int32Array;
  private spares = 0;
  private offset = 0;

  constructor(capacity: number) {
    super(capacity, capacity);
    this.prepare();
  }

  private prepare(): void {
    const buckets = this.table.slots + 1;
    this.offset = buckets;
    this.byCount = new SlotLists(buckets, this.table.first + this.table.slots);
    this.frequency = new Float64Array(buckets + 1);
    this.above = new Int32Array(buckets + 1);
    this.below = new Int32Array(buckets + 1);
    this.spare = new Int32Array(buckets);
    this.clear();
  }

  protected clear(): void {
    this.byCount.clear();
    this.above[END] = this.below[END] = END;
    this.spares = this.spare.length;
    for (let n = 0; n < this.spares; n++) this.spare[n] = this.spares - n;
  }

  protected hit(slot: number): void {
    const { byCount, frequency } = this;
    const at = slot + this.offset;
    const bucket = byCount.where[at]!;
    const count = frequency[bucket]! + 1;
    let up = this.above[bucket]!;
    if (up === END || frequency[up] !== count) {
      if (byCount.counts[bucket] === 1) {
        // Alone in it: the bucket rises with the page.
        frequency[bucket] = count;
        return;
      }
      up = this.bucketAfter(bucket, count);
    }
    byCount.move(up, at);
    if (byCount.counts[bucket] === 0) this.drop(bucket);
  }

  protected admit(slot: number): void {
    this.lists.where[slot] = RESIDENT;
    this.place(slot, 1);
  }

  /** As the youngest page of a count not above the lowest. */
  private place(slot: number, count: number): void {
    let bucket = this.above[END]!;
    if (bucket === END || this.frequency[bucket] !== count) bucket = this.bucketAfter(END, count);
    this.byCount.pushFront(bucket, slot + this.offset);
  }

  protected release(): number {
    for (let bucket = this.above[END]!; bucket !== END; bucket = this.above[bucket]!) {
      const { prev } = this.byCount;
      let at = prev[bucket]!;
      while (at !== bucket && this.isPinned(at - this.offset)) at = prev[at]!;
      if (at === bucket) continue;
      const slot = at - this.offset;
      this.unlink(slot);
      return this.forget(slot);
    }
    return NONE;
  }

  protected override unlink(slot: number): void {
    const bucket = this.byCount.where[slot + this.offset]!;
    this.byCount.remove(slot + this.offset);
    if (this.byCount.counts[bucket] === 0) this.drop(bucket);
  }

  private bucketAfter(bucket: number, count: number): number {
    const added = this.spare[--this.spares]!;
    const up = this.above[bucket]!;
    this.frequency[added] = count;
    this.above[bucket] = this.below[up] = added;
    this.below[added] = bucket;
    this.above[added] = up;
    return added;
  }

  private drop(bucket: number): void {
    const up = this.above[bucket]!;
    const down = this.below[bucket]!;
    this.above[down] = up;
    this.below[up] = down;
    this.spare[this.spares++] = bucket;
  }

  protected adapt(): void {
    const slots = this.table.slots;
    this.reserve(this.capacity);
    if (this.table.slots === slots) return;
    // Buckets are numbered below slots, so everything moves: from the highest count down, in each from the oldest page.
    const order: { slot: number; count: number }[] = [];
    for (let bucket = this.below[END]!; bucket !== END; bucket = this.below[bucket]!) {
      for (let at = this.byCount.prev[bucket]!; at !== bucket; at = this.byCount.prev[at]!) {
        order.push({ slot: at - this.offset, count: this.frequency[bucket]! });
      }
    }
    this.prepare();
    for (const { slot, count } of order) this.place(slot, count);
  }

  protected override check(): string[] {
    const wrong = this.byCount.verify();
    let last = 0;
    let pages = 0;
    for (let bucket = this.above[END]!; bucket !== END; bucket = this.above[bucket]!) {
      if (this.frequency[bucket]! <= last)
        wrong.push(`bucket ${bucket} has count ${this.frequency[bucket]} after ${last}`);
      if (this.byCount.counts[bucket] === 0) wrong.push(`bucket ${bucket} is empty`);
      last = this.frequency[bucket]!;
      pages += this.byCount.counts[bucket]!;
    }
    if (pages !== this.size) wrong.push(`${pages} pages in buckets, size ${this.size}`);
    return wrong;
  }

  /** The count of a resident page; 0 of another. */
  count(page: number): number {
    const slot = this.table.find(page);
    return slot === NIL ? 0 : this.frequency[this.byCount.where[slot + this.offset]!]!;
  }

  params(): Record<string, number | boolean> {
    return {};
  }
}
