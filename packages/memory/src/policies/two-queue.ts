/**
 * 2Q, the full version (Johnson, Shasha: 2Q, A Low Overhead High Performance Buffer Management Replacement Algorithm,
 * VLDB 1994). A1in is a FIFO of pages seen once, A1out remembers those that left it, Am is an LRU of pages that came
 * back while they were remembered. A reference to a page in A1in changes nothing: it is taken for part of the same use.
 *
 * The oldest of A1in leaves if A1in has more than `kin` of the frames (and is remembered), else the oldest of Am. At most
 * `kout` of the number of frames are remembered. A page that comes back leaves A1out before room is made for it.
 */
import { PagePolicy, share } from "./base.js";
import { NIL } from "./page-table.js";
import { NONE } from "./policy.js";

const A1IN = 1;
const AM = 2;
const A1OUT = 5;

export class TwoQueue extends PagePolicy {
  private inLimit = 0;
  private outLimit = 0;

  constructor(
    capacity: number,
    private readonly kin: number,
    private readonly kout: number,
  ) {
    super(capacity, capacity + outLimit(capacity, kout));
    this.limit();
  }

  protected hit(slot: number): void {
    if (this.lists.where[slot] === AM) this.lists.toFront(slot);
  }

  protected admit(slot: number, _write: boolean, from: number): void {
    this.lists.pushFront(from === A1OUT ? AM : A1IN, slot);
  }

  protected release(): number {
    const { lists } = this;
    const first = lists.counts[A1IN]! > this.inLimit || lists.counts[AM] === 0 ? A1IN : AM;
    let slot = this.oldest(first);
    if (slot === NIL) slot = this.oldest(first === A1IN ? AM : A1IN);
    if (slot === NIL) return NONE;
    const list = lists.where[slot];
    lists.remove(slot);
    if (list === AM || this.outLimit === 0) return this.forget(slot);
    if (lists.counts[A1OUT]! >= this.outLimit) this.dropGhost(A1OUT);
    return this.keepGhost(slot, A1OUT);
  }

  private limit(): void {
    this.inLimit = share(this.capacity, this.kin, 1, this.capacity);
    this.outLimit = outLimit(this.capacity, this.kout);
  }

  protected adapt(): void {
    this.limit();
    this.reserve(this.capacity + this.outLimit);
    while (this.lists.counts[A1OUT]! > this.outLimit) this.dropGhost(A1OUT);
  }

  protected clear(): void {}

  protected override check(): string[] {
    const ghosts = this.lists.counts[A1OUT]!;
    return ghosts > this.outLimit ? [`A1out has ${ghosts}, limit ${this.outLimit}`] : [];
  }

  params(): Record<string, number | boolean> {
    return { kin: this.kin, kout: this.kout };
  }
}

const outLimit = (capacity: number, kout: number): number => Math.floor(capacity * kout);
