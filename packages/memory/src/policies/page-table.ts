/**
 * From page number to slot. A slot is a small integer that indexes a policy's typed arrays. A page has one while it is
 * resident, or remembered after it was evicted.
 *
 * Open addressing with linear probing over an Int32Array of slots, at most half full, so that a probe is one or two
 * loads; page numbers lie in an array by slot. Deletion shifts entries back instead of leaving tombstones (Knuth, TAOCP
 * volume 3, 6.4, algorithm R), so a table that churns for a hundred million steps does not slow down.
 *
 * Invariant: every slot in use is found from its page; its entry is reachable from its hash without an empty bucket
 * between; slots in use + free slots = slots ever handed out.
 */
import { PolicyError } from "../errors.js";
import { PAGE_MAX } from "./policy.js";

/** No slot. Slots start above the numbers that lists use for themselves. */
export const NIL = 0;

const EMPTY = 0;

export class PageTable {
  /** The page in each slot. */
  pages: Float64Array;
  /** Slots ever handed out are `first` to `end - 1`. */
  end: number;
  count = 0;
  private buckets: Int32Array;
  private mask: number;
  private shift: number;
  private free: Int32Array;
  private freeCount = 0;

  constructor(
    readonly first: number,
    slots: number,
  ) {
    this.end = first;
    this.pages = new Float64Array(first + slots);
    this.free = new Int32Array(slots);
    const bits = Math.max(4, Math.ceil(Math.log2(2 * slots)));
    this.buckets = new Int32Array(2 ** bits);
    this.mask = 2 ** bits - 1;
    this.shift = 32 - bits;
  }

  get slots(): number {
    return this.free.length;
  }

  /** The slot of a page, or NIL. */
  find(page: number): number {
    const { buckets, pages, mask } = this;
    let at = hash(page) >>> this.shift;
    for (;;) {
      const slot = buckets[at]!;
      if (slot === EMPTY || pages[slot] === page) return slot;
      at = (at + 1) & mask;
    }
  }

  /** Gives a page that has none a slot: the one that was freed last, else the next. */
  add(page: number): number {
    if (!(page >= 0 && page <= PAGE_MAX && Math.floor(page) === page)) {
      throw new PolicyError(`${page} is no page number: an integer from 0 to 2^52 is`);
    }
    const slot = this.freeCount > 0 ? this.free[--this.freeCount]! : this.end++;
    if (slot >= this.pages.length) throw new Error("a policy has used more slots than it reserved");
    this.pages[slot] = page;
    this.place(slot);
    this.count++;
    return slot;
  }

  /** Takes a slot's page out, and frees the slot. */
  remove(slot: number): void {
    const { buckets, pages, mask, shift } = this;
    let hole = hash(pages[slot]!) >>> shift;
    while (buckets[hole] !== slot) hole = (hole + 1) & mask;
    let at = hole;
    for (;;) {
      at = (at + 1) & mask;
      const other = buckets[at]!;
      if (other === EMPTY) break;
      // It may fill the hole unless its home lies between the hole and itself.
      const home = hash(pages[other]!) >>> shift;
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        buckets[hole] = other;
        hole = at;
      }
    }
    buckets[hole] = EMPTY;
    this.free[this.freeCount++] = slot;
    this.count--;
  }

  /** Room for so many slots at least. */
  reserve(slots: number): void {
    if (slots <= this.slots) return;
    this.pages = grown(this.pages, this.first + slots);
    this.free = grown(this.free, slots);
    const bits = Math.ceil(Math.log2(2 * slots));
    const old = this.buckets;
    if (2 ** bits <= old.length) return;
    this.buckets = new Int32Array(2 ** bits);
    this.mask = 2 ** bits - 1;
    this.shift = 32 - bits;
    for (const slot of old) if (slot !== EMPTY) this.place(slot);
  }

  clear(): void {
    this.buckets.fill(EMPTY);
    this.count = 0;
    this.freeCount = 0;
    this.end = this.first;
  }

  verify(): string[] {
    const wrong: string[] = [];
    const used = this.buckets.filter((slot) => slot !== EMPTY);
    if (used.length !== this.count) wrong.push(`table: ${used.length} buckets in use, count ${this.count}`);
    for (const slot of used) {
      if (this.find(this.pages[slot]!) !== slot) wrong.push(`table: page ${this.pages[slot]} does not lead to ${slot}`);
    }
    if (this.count + this.freeCount !== this.end - this.first) wrong.push("table: slots are lost");
    if (2 * this.count > this.buckets.length) wrong.push("table: more than half full");
    return wrong;
  }

  private place(slot: number): void {
    const { buckets, mask } = this;
    let at = hash(this.pages[slot]!) >>> this.shift;
    while (buckets[at] !== EMPTY) at = (at + 1) & mask;
    buckets[at] = slot;
  }
}

/**
 * Multiplicative hashing (Knuth, 6.4): the high bits of page times 2^32 / golden ratio. Runs of pages, and pages at
 * equal distances, spread evenly. Only the high bits are good.
 */
function hash(page: number): number {
  return Math.imul((page | 0) ^ Math.imul((page * 2 ** -32) | 0, 0x85ebca6b), 0x9e3779b1);
}

/** A longer copy. */
export function grown<A extends Float64Array | Int32Array | Uint8Array>(array: A, length: number): A {
  const longer = new (array.constructor as new (length: number) => A)(length);
  longer.set(array);
  return longer;
}
