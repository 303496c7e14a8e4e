/**
 * CLOCK-Pro (Jiang, Chen, Zhang: CLOCK-Pro, An Effective Improvement of the CLOCK Replacement, USENIX ATC 2005): LIRS with
 * reference bits. Hot and cold pages stand in one circle; a new page is cold and begins its *test period*; evicted in it,
 * it stays in the circle without a frame until the period ends. Three hands go round. The list's head is the place just
 * behind the hot hand, where it comes last.
 *
 *   cold hand   finds the victim: a cold page without a reference leaves. One that was referenced in its test becomes hot,
 *               at the head; one referenced outside it begins a test, at the head.
 *   hot hand    runs while there are more hot pages than frames - cold target: a hot page that was referenced loses the
 *               bit, one that was not becomes cold, where it is. It ends the test of the cold pages that it passes.
 *   test hand   runs while more pages than frames are without one: ends tests.
 *
 * A page that comes back without a frame becomes hot, at the head. The cold target adapts: up by one for a reference in
 * a test, down by one for a test that ends without. It stays between `cold` x frames (one at least) and frames less that.
 * Until memory is full for the first time, new pages are hot as far as the target leaves room for hot pages (the
 * authors' program does that; the paper does not say).
 *
 * Invariant: hot + cold = size; pages without a frame <= frames, and all of them in test; hot <= frames - cold target
 * after every page that comes (a test that ends on the way may raise the target before the hot hand runs).
 */
import { PagePolicy, share } from "./base.js";
import { grown, NIL } from "./page-table.js";
import { NONE } from "./policy.js";

const HOT = 1;
const COLD = 2;
const GHOST = 5;

export class ClockPro extends PagePolicy {
  private next: Int32Array;
  private prev: Int32Array;
  private referenced: Uint8Array;
  private inTest: Uint8Array;
  /** Pages by kind: HOT, COLD, GHOST. */
  private counts = new Int32Array(GHOST + 1);
  private handHot = NIL;
  private handCold = NIL;
  private handTest = NIL;
  private coldLeast = 1;
  private coldTarget = 1;
  private warm = false;

  constructor(
    capacity: number,
    private readonly cold: number,
  ) {
    super(capacity, 2 * capacity + 1);
    const length = this.table.first + this.table.slots;
    this.next = new Int32Array(length);
    this.prev = new Int32Array(length);
    this.referenced = new Uint8Array(length);
    this.inTest = new Uint8Array(length);
    this.coldLeast = share(capacity, cold, 1, capacity);
    this.coldTarget = this.coldLeast;
  }

  protected hit(slot: number): void {
    this.referenced[slot] = 1;
  }

  protected override learn(): void {
    this.aim(1);
  }

  protected admit(slot: number, _write: boolean, from: number): void {
    const hot = from === GHOST || (!this.warm && this.counts[HOT]! < this.capacity - this.coldTarget);
    this.referenced[slot] = 0;
    this.inTest[slot] = hot ? 0 : 1;
    this.become(slot, hot ? HOT : COLD);
    this.toHead(slot);
    this.balance();
  }

  protected release(): number {
    this.warm = true;
    const { lists, referenced, inTest } = this;
    // A page is passed twice at most before it leaves, unless it is pinned.
    for (let left = 4 * this.table.count + 4; left > 0; left--) {
      while (this.counts[COLD] === 0 && this.counts[HOT]! > 0) this.stepHot();
      while (lists.where[this.handCold] !== COLD) this.handCold = this.next[this.handCold]!;
      const slot = this.handCold;
      this.handCold = this.next[slot]!;
      if (referenced[slot] === 1) {
        referenced[slot] = 0;
        this.leaveRing(slot);
        if (inTest[slot] === 1) {
          inTest[slot] = 0;
          this.aim(1);
          this.become(slot, HOT);
        } else inTest[slot] = 1;
        this.toHead(slot);
        this.balance();
      } else if (!this.isPinned(slot)) return this.leave(slot);
    }
    return this.releaseAny();
  }

  /** Everything that the hands came by is pinned. */
  private releaseAny(): number {
    for (let slot = this.table.first; slot < this.table.end; slot++) {
      const kind = this.lists.where[slot]!;
      if ((kind === HOT || kind === COLD) && !this.isPinned(slot)) return this.leave(slot);
    }
    return NONE;
  }

  private leave(slot: number): number {
    if (this.inTest[slot] === 0) {
      this.unlink(slot);
      return this.forget(slot);
    }
    this.become(slot, GHOST);
    this.size--;
    const page = this.table.pages[slot]!;
    while (this.counts[GHOST]! > this.capacity) this.stepTest();
    return page;
  }

  /** Hot pages have no more frames than the cold target leaves. */
  private balance(): void {
    while (this.counts[HOT]! > this.capacity - this.coldTarget) this.stepHot();
  }

  private stepHot(): void {
    const slot = this.handHot;
    this.handHot = this.next[slot]!;
    if (this.lists.where[slot] !== HOT) this.endTest(slot);
    else if (this.referenced[slot] === 1) this.referenced[slot] = 0;
    else this.become(slot, COLD);
  }

  private stepTest(): void {
    const slot = this.handTest;
    this.handTest = this.next[slot]!;
    if (this.lists.where[slot] !== HOT) this.endTest(slot);
  }

  private endTest(slot: number): void {
    if (this.inTest[slot] === 0) return;
    this.inTest[slot] = 0;
    this.aim(this.referenced[slot] === 1 ? 1 : -1);
    if (this.lists.where[slot] !== GHOST) return;
    this.unlink(slot);
    this.lists.where[slot] = 0;
    this.table.remove(slot);
  }

  private aim(step: number): void {
    const most = Math.max(this.coldLeast, this.capacity - this.coldLeast);
    this.coldTarget = Math.max(this.coldLeast, Math.min(most, this.coldTarget + step));
  }

  private become(slot: number, kind: number): void {
    const { where } = this.lists;
    if (where[slot] !== 0) this.counts[where[slot]!]!--;
    where[slot] = kind;
    this.counts[kind]!++;
  }

  private toHead(slot: number): void {
    const { next, prev } = this;
    if (this.handHot === NIL) {
      next[slot] = prev[slot] = slot;
      this.handHot = this.handCold = this.handTest = slot;
      return;
    }
    const after = this.handHot;
    const before = prev[after]!;
    next[before] = prev[after] = slot;
    prev[slot] = before;
    next[slot] = after;
  }

  private leaveRing(slot: number): void {
    const { next, prev } = this;
    const after = next[slot] === slot ? NIL : next[slot]!;
    if (this.handHot === slot) this.handHot = after;
    if (this.handCold === slot) this.handCold = after;
    if (this.handTest === slot) this.handTest = after;
    next[prev[slot]!] = next[slot]!;
    prev[next[slot]!] = prev[slot]!;
  }

  protected override unlink(slot: number): void {
    this.counts[this.lists.where[slot]!]!--;
    this.leaveRing(slot);
  }

  protected adapt(): void {
    this.reserve(2 * this.capacity + 1);
    const length = this.table.first + this.table.slots;
    this.next = grown(this.next, length);
    this.prev = grown(this.prev, length);
    this.referenced = grown(this.referenced, length);
    this.inTest = grown(this.inTest, length);
    this.coldLeast = share(this.capacity, this.cold, 1, this.capacity);
    this.aim(0);
    this.balance();
    while (this.counts[GHOST]! > this.capacity) this.stepTest();
  }

  protected clear(): void {
    this.counts.fill(0);
    this.handHot = this.handCold = this.handTest = NIL;
    this.coldTarget = this.coldLeast;
    this.warm = false;
  }

  protected override check(): string[] {
    const wrong: string[] = [];
    const [hot, cold, ghosts] = [this.counts[HOT]!, this.counts[COLD]!, this.counts[GHOST]!];
    if (hot + cold !== this.size) wrong.push(`${hot} hot and ${cold} cold pages, size ${this.size}`);
    if (hot > this.capacity - this.coldLeast)
      wrong.push(`${hot} hot pages, ${this.coldLeast} frames are for cold ones`);
    if (this.coldTarget < this.coldLeast) wrong.push(`cold target ${this.coldTarget}`);
    if (ghosts > this.capacity) wrong.push(`${ghosts} pages without a frame`);
    let length = 0;
    for (let slot = this.handHot; slot !== NIL; ) {
      length++;
      if (this.next[this.prev[slot]!] !== slot || this.prev[this.next[slot]!] !== slot)
        wrong.push("the ring is broken");
      if (this.lists.where[slot] === GHOST && this.inTest[slot] === 0) wrong.push(`slot ${slot}: a ghost not in test`);
      if (this.lists.where[slot] === HOT && this.inTest[slot] === 1) wrong.push(`slot ${slot}: a hot page in test`);
      slot = this.next[slot]!;
      if (slot === this.handHot || length > this.table.count) break;
    }
    if (length !== hot + cold + ghosts) wrong.push(`${length} pages in the ring, not ${hot + cold + ghosts}`);
    return wrong;
  }

  params(): Record<string, number | boolean> {
    return { cold: this.cold };
  }
}
