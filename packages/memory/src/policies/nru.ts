/**
 * Not recently used (Tanenbaum, Modern Operating Systems, 3.4.2). A page has a referenced bit, cleared by every tick, and a
 * modified bit; together they are its class, 2 x referenced + modified. A page of the lowest class that has any leaves,
 * drawn at random by a generator with a seed. A page comes in referenced.
 *
 * A tick comes after every `period` references (0: as many as frames), or from `tick()`.
 *
 * Classes are arrays: one leaves by having the last take its place; after a tick the pages of classes 2 and 3 follow
 * those of 0 and 1 in their order. So a draw is O(1), a tick O(pages referenced).
 */
import { PagePolicy } from "./base.js";
import { grown, NIL } from "./page-table.js";
import { NONE } from "./policy.js";
import { Random } from "./random.js";

const CLASSES = 4;

export class Nru extends PagePolicy {
  /** Slots by class. `where` of a slot is its class + 1. */
  private members: Int32Array[];
  private counts = new Int32Array(CLASSES);
  private place: Int32Array;
  private readonly random: Random;
  private references = 0;

  constructor(
    capacity: number,
    private readonly period: number,
    private readonly seed: number,
  ) {
    super(capacity, capacity);
    this.members = Array.from({ length: CLASSES }, () => new Int32Array(capacity));
    this.place = new Int32Array(this.table.first + capacity);
    this.random = new Random(seed);
  }

  protected hit(slot: number, write: boolean): void {
    const old = this.lists.where[slot]! - 1;
    const now = old | 2 | (write ? 1 : 0);
    if (now !== old) {
      this.unlink(slot);
      this.join(slot, now);
    }
    this.count();
  }

  protected admit(slot: number, write: boolean): void {
    this.join(slot, write ? 3 : 2);
    this.count();
  }

  protected release(): number {
    for (let which = 0; which < CLASSES; which++) {
      const count = this.counts[which]!;
      if (count === 0) continue;
      const drawn = this.random.below(count);
      const slot = this.pinned === undefined ? this.members[which]![drawn]! : this.unpinned(which, drawn);
      if (slot === NIL) continue;
      this.unlink(slot);
      return this.forget(slot);
    }
    return NONE;
  }

  /** The first at `from` or after it, round the class, that may leave. */
  private unpinned(which: number, from: number): number {
    const count = this.counts[which]!;
    for (let n = 0; n < count; n++) {
      const slot = this.members[which]![(from + n) % count]!;
      if (!this.isPinned(slot)) return slot;
    }
    return NIL;
  }

  override tick(): void {
    for (const which of [2, 3]) {
      const members = this.members[which]!;
      for (let n = 0; n < this.counts[which]!; n++) this.join(members[n]!, which - 2);
      this.counts[which] = 0;
    }
  }

  private get interval(): number {
    return this.period === 0 ? this.capacity : this.period;
  }

  private count(): void {
    if (++this.references < this.interval) return;
    this.references = 0;
    this.tick();
  }

  private join(slot: number, which: number): void {
    const at = this.counts[which]!++;
    this.members[which]![at] = slot;
    this.place[slot] = at;
    this.lists.where[slot] = which + 1;
  }

  protected override unlink(slot: number): void {
    const which = this.lists.where[slot]! - 1;
    const members = this.members[which]!;
    const last = members[--this.counts[which]!]!;
    const at = this.place[slot]!;
    members[at] = last;
    this.place[last] = at;
  }

  protected adapt(): void {
    this.reserve(this.capacity);
    this.members = this.members.map((members) => grown(members, this.table.slots));
    this.place = grown(this.place, this.table.first + this.table.slots);
  }

  protected clear(): void {
    this.counts.fill(0);
    this.references = 0;
    this.random.restart();
  }

  protected override check(): string[] {
    const wrong: string[] = [];
    for (let which = 0; which < CLASSES; which++) {
      for (let n = 0; n < this.counts[which]!; n++) {
        const slot = this.members[which]![n]!;
        if (this.place[slot] !== n || this.lists.where[slot] !== which + 1) wrong.push(`class ${which}: slot ${slot}`);
      }
    }
    const all = this.counts.reduce((sum, count) => sum + count, 0);
    if (all !== this.size) wrong.push(`${all} pages in classes, size ${this.size}`);
    return wrong;
  }

  params(): Record<string, number | boolean> {
    return { period: this.interval, seed: this.seed };
  }
}
