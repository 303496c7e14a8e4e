/**
 * Aging (Tanenbaum, Modern Operating Systems, 3.4.7): LRU in software. A page has a counter of `bits` bits and a referenced
 * bit. Every tick shifts the referenced bit into the counter from the left and clears it. The page with the lowest value
 * leaves; the referenced bit counts as the highest one, so that a page just loaded (it comes in referenced) does not go
 * first. Of equal pages the one leaves whose order was lower before the last bits fell off, at last the one that was
 * referenced first in its interval.
 *
 * A tick comes after every `period` references (0: as many as frames), or from `tick()`.
 *
 * Pages lie in a list for each value. A tick halves values, so list 2k and then list 2k + 1 become list k: whole lists
 * are joined, O(2^bits), and values are halved in one pass over an array. Between ticks the lowest value only rises.
 */
import { PagePolicy } from "./base.js";
import { grown, NIL } from "./page-table.js";
import { NONE } from "./policy.js";
import { SlotLists } from "./slot-lists.js";

const RESIDENT = 1;

export class Aging extends PagePolicy {
  /** By slot: 2^bits x referenced + counter. */
  private values: Int32Array;
  /** List v + 1 has the pages of value v, the next to leave at the back. */
  private byValue: SlotLists;
  private lowest = 0;
  private references = 0;
  private readonly referenced: number;
  /** Slots here are slots of the table, moved up past the lists' own numbers. */
  private readonly offset: number;

  constructor(
    capacity: number,
    private readonly period: number,
    private readonly bits: number,
  ) {
    super(capacity, capacity);
    this.referenced = 2 ** bits;
    this.offset = 2 * this.referenced;
    this.values = new Int32Array(this.table.first + capacity);
    this.byValue = new SlotLists(2 * this.referenced, this.table.first + capacity);
  }

  protected hit(slot: number): void {
    const value = this.values[slot]!;
    if (value < this.referenced) {
      this.byValue.remove(slot + this.offset);
      this.put(slot, value + this.referenced);
    }
    this.count();
  }

  protected admit(slot: number): void {
    this.lists.where[slot] = RESIDENT;
    this.put(slot, this.referenced);
    this.count();
  }

  protected release(): number {
    const { counts } = this.byValue;
    while (this.lowest < 2 * this.referenced && counts[this.lowest + 1] === 0) this.lowest++;
    for (let value = this.lowest; value < 2 * this.referenced; value++) {
      if (counts[value + 1] === 0) continue;
      const slot = this.oldestOf(value);
      if (slot === NIL) continue;
      this.byValue.remove(slot + this.offset);
      return this.forget(slot);
    }
    return NONE;
  }

  private oldestOf(value: number): number {
    const { prev } = this.byValue;
    let at = prev[value + 1]!;
    while (at !== value + 1 && this.isPinned(at - this.offset)) at = prev[at]!;
    return at === value + 1 ? NIL : at - this.offset;
  }

  private put(slot: number, value: number): void {
    this.values[slot] = value;
    this.byValue.pushFront(value + 1, slot + this.offset);
    if (value < this.lowest) this.lowest = value;
  }

  override tick(): void {
    const { byValue, values, offset } = this;
    for (let value = 1; value < 2 * this.referenced; value++) byValue.append(value + 1, (value >> 1) + 1);
    for (let slot = this.table.first; slot < this.table.end; slot++) {
      values[slot]! >>= 1;
      if (this.lists.where[slot] === RESIDENT) byValue.where[slot + offset] = values[slot]! + 1;
    }
    this.lowest = 0;
  }

  private get interval(): number {
    return this.period === 0 ? this.capacity : this.period;
  }

  private count(): void {
    if (++this.references < this.interval) return;
    this.references = 0;
    this.tick();
  }

  protected override unlink(slot: number): void {
    this.byValue.remove(slot + this.offset);
  }

  protected adapt(): void {
    this.reserve(this.capacity);
    this.values = grown(this.values, this.table.first + this.table.slots);
    this.byValue.reserve(this.table.first + this.table.slots);
  }

  protected clear(): void {
    this.byValue.clear();
    this.lowest = 0;
    this.references = 0;
  }

  protected override check(): string[] {
    const wrong = this.byValue.verify();
    for (let slot = this.table.first; slot < this.table.end; slot++) {
      if (this.lists.where[slot] !== RESIDENT) continue;
      const value = this.values[slot]!;
      if (this.byValue.where[slot + this.offset] !== value + 1)
        wrong.push(`slot ${slot} is not in the list of its value`);
      if (value < this.lowest) wrong.push(`value ${value} is below the lowest, ${this.lowest}`);
    }
    return wrong;
  }

  params(): Record<string, number | boolean> {
    return { period: this.interval, bits: this.bits };
  }
}
