/**
 * W-TinyLFU (Einziger, Friedman, Manes: TinyLFU, A Highly Efficient Cache Admission Policy, ACM Transactions on Storage
 * 13(4), 2017). A small LRU window takes new pages. What leaves the window is compared, by a sketch of how often pages
 * were referenced lately, with what would leave the main space, and the less frequent one goes; on a tie the newcomer.
 * The main space is a segmented LRU: a page that is referenced in probation becomes protected, the least recently used
 * protected one falls back to probation when they are too many.
 *
 * The sketch counts a page's references when they happen, that of a fault once there is room.
 *
 * Invariant: window pages <= window frames; protected pages <= their limit; while frames are free, nothing is compared.
 */
import { PagePolicy, share } from "./base.js";
import { FrequencySketch } from "./frequency-sketch.js";
import { NIL } from "./page-table.js";
import { NONE } from "./policy.js";

const WINDOW = 1;
const PROBATION = 2;
const PROTECTED = 3;

export class WTinyLfu extends PagePolicy {
  private readonly sketch: FrequencySketch;
  private windowLimit = 0;
  private protectedLimit = 0;

  constructor(
    capacity: number,
    private readonly window: number,
    private readonly protectedShare: number,
    private readonly sample: number,
  ) {
    super(capacity, capacity);
    this.sketch = new FrequencySketch(capacity, sample);
    this.limit();
  }

  protected hit(slot: number): void {
    const { lists } = this;
    this.sketch.increment(this.table.pages[slot]!);
    if (lists.where[slot] !== PROBATION) {
      lists.toFront(slot);
      return;
    }
    lists.move(PROTECTED, slot);
    this.settleLists();
  }

  protected admit(slot: number): void {
    this.lists.pushFront(WINDOW, slot);
    this.settleLists();
    this.sketch.increment(this.table.pages[slot]!);
  }

  private settleLists(): void {
    const { lists } = this;
    while (lists.counts[WINDOW]! > this.windowLimit) lists.move(PROBATION, lists.back(WINDOW));
    while (lists.counts[PROTECTED]! > this.protectedLimit) lists.move(PROBATION, lists.back(PROTECTED));
  }

  protected release(): number {
    const candidate = this.oldest(WINDOW);
    let victim = this.oldest(PROBATION);
    if (victim === NIL) victim = this.oldest(PROTECTED);
    const slot = this.loser(candidate, victim);
    if (slot === NIL) return NONE;
    this.lists.remove(slot);
    return this.forget(slot);
  }

  private loser(candidate: number, victim: number): number {
    const { pages } = this.table;
    if (candidate === NIL || victim === NIL) return candidate === NIL ? victim : candidate;
    if (this.lists.counts[WINDOW]! < this.windowLimit) return victim;
    return this.sketch.estimate(pages[candidate]!) > this.sketch.estimate(pages[victim]!) ? victim : candidate;
  }

  private limit(): void {
    this.windowLimit = share(this.capacity, this.window, 1, this.capacity);
    this.protectedLimit = Math.floor((this.capacity - this.windowLimit) * this.protectedShare);
  }

  protected adapt(): void {
    this.reserve(this.capacity);
    this.limit();
    this.settleLists();
    this.sketch.resize(this.capacity);
  }

  protected clear(): void {
    this.sketch.clear();
  }

  protected override check(): string[] {
    const { counts } = this.lists;
    const wrong: string[] = [];
    if (counts[WINDOW]! > this.windowLimit) wrong.push(`${counts[WINDOW]} pages in a window of ${this.windowLimit}`);
    if (counts[PROTECTED]! > this.protectedLimit) wrong.push(`${counts[PROTECTED]} protected pages`);
    return wrong;
  }

  params(): Record<string, number | boolean> {
    return { window: this.window, protected: this.protectedShare, sample: this.sample };
  }
}
