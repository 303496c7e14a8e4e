/**
 * Working set (Denning: The Working Set Model for Program Behavior, CACM 11(5), 1968). The working set is what was
 * referenced within the last `tau` references; a page outside it leaves, even when there is room. If the working set is
 * larger than memory, its least recently used page leaves too: so with any `tau` it faults at least as often as LRU, and
 * gains frames for others. `tau` 0, the default, is the number of frames: then it always fits.
 *
 * A stack algorithm for a given tau: resident is what LRU would keep, less what is older than tau.
 *
 * `access` lets pages go as they age; a pager asks for them with `trim`.
 */
import { PagePolicy } from "./base.js";
import { grown, NIL } from "./page-table.js";
import { NONE } from "./policy.js";

const RECENT = 1;

export class WorkingSet extends PagePolicy {
  private lastUse: Float64Array;
  private now = 0;
  /** Sum of the number of resident pages after each reference. */
  private residence = 0;

  constructor(
    capacity: number,
    private readonly tau: number,
  ) {
    super(capacity, capacity);
    this.lastUse = new Float64Array(this.table.first + capacity);
  }

  override access(page: number, write = false): boolean {
    while (this.trim() !== NONE);
    const hit = super.access(page, write);
    this.residence += this.size;
    return hit;
  }

  /** A reference at time `now` has not been counted yet: it will be number now + 1. */
  override trim(): number {
    const slot = this.lists.back(RECENT);
    if (slot === NIL || this.lastUse[slot]! > this.now - this.window) return NONE;
    this.lists.remove(slot);
    return this.forget(slot);
  }

  private get window(): number {
    return this.tau === 0 ? this.capacity : this.tau;
  }

  protected hit(slot: number): void {
    this.lastUse[slot] = ++this.now;
    this.lists.toFront(slot);
  }

  protected admit(slot: number): void {
    this.lastUse[slot] = ++this.now;
    this.lists.pushFront(RECENT, slot);
  }

  protected release(): number {
    const slot = this.oldest(RECENT);
    if (slot === NIL) return NONE;
    this.lists.remove(slot);
    return this.forget(slot);
  }

  protected adapt(): void {
    this.reserve(this.capacity);
    this.lastUse = grown(this.lastUse, this.table.first + this.table.slots);
  }

  protected clear(): void {
    this.now = 0;
    this.residence = 0;
  }

  protected override check(): string[] {
    const { next } = this.lists;
    const wrong: string[] = [];
    let last = Number.POSITIVE_INFINITY;
    for (let slot = next[RECENT]!; slot !== RECENT; slot = next[slot]!) {
      if (this.lastUse[slot]! >= last) wrong.push(`slot ${slot} is out of order`);
      last = this.lastUse[slot]!;
    }
    return wrong;
  }

  /** `meanResident`: frames that it has used on average, which is what it is about. */
  params(): Record<string, number | boolean> {
    const mean = this.now === 0 ? 0 : this.residence / this.now;
    return { tau: this.window, meanResident: Math.round(mean * 1000) / 1000 };
  }
}
