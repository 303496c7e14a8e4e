/**
 * CLOCK, or second chance: a hand goes round the frames. A page whose reference bit is set loses the bit and stays; the
 * first one without it leaves, and the page that comes takes its frame, just behind the hand. (Corbato: A Paging
 * Experiment with the Multics System, 1968.)
 *
 * `referenced`: whether a page comes in with its bit set. True is the textbooks' (the fault is a reference); some
 * simulators count only later references.
 *
 * Frames are slots. The table hands out the slot that was freed last, which is what puts a page into its victim's frame.
 */
import { PagePolicy } from "./base.js";
import { grown } from "./page-table.js";
import { NONE } from "./policy.js";

const RESIDENT = 1;

export class Clock extends PagePolicy {
  private bits: Uint8Array;
  private hand: number;

  constructor(
    capacity: number,
    private readonly referenced: boolean,
  ) {
    super(capacity, capacity);
    this.bits = new Uint8Array(this.table.first + capacity);
    this.hand = this.table.first;
  }

  protected hit(slot: number): void {
    this.bits[slot] = 1;
  }

  protected admit(slot: number): void {
    this.lists.where[slot] = RESIDENT;
    this.bits[slot] = this.referenced ? 1 : 0;
  }

  protected release(): number {
    const { bits, table } = this;
    const { where } = this.lists;
    // Twice round is enough, unless what is left is pinned.
    for (let left = 2 * (table.end - table.first) + 1; left > 0; left--) {
      if (this.hand >= table.end) this.hand = table.first;
      const slot = this.hand++;
      if (where[slot] === 0) continue;
      if (bits[slot] === 1) bits[slot] = 0;
      else if (!this.isPinned(slot)) return this.forget(slot);
    }
    return NONE;
  }

  protected override unlink(): void {}

  protected adapt(): void {
    this.reserve(this.capacity);
    this.bits = grown(this.bits, this.table.first + this.table.slots);
  }

  protected clear(): void {
    this.hand = this.table.first;
  }

  params(): Record<string, number | boolean> {
    return { referenced: this.referenced };
  }
}
