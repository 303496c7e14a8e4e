/**
 * S3-FIFO (Yang, Zhang, Qiu, Yue, Vigfusson: FIFO Queues are All You Need for Cache Eviction, SOSP 2023). A small queue
 * takes new pages, a main queue those that were asked for more than once there, a ghost queue remembers as many pages
 * as main has frames. A page counts its hits, to 3 at most.
 *
 * Small is evicted from when it has its share of the frames, else main. The oldest of small goes to main if it has two
 * hits or more (its count begins anew), else it leaves and is remembered. The oldest of main goes round again if it has
 * hits left, one of which it loses. A page that is remembered comes into main.
 */
import { PagePolicy, share } from "./base.js";
import { grown, NIL } from "./page-table.js";
import { NONE } from "./policy.js";

const SMALL = 1;
const MAIN = 2;
const GHOSTS = 5;
const MOST = 3;
/** Hits in small that make a page move to main. */
const PROVEN = 2;

export class S3Fifo extends PagePolicy {
  private hits: Uint8Array;
  private smallTarget: number;

  constructor(
    capacity: number,
    private readonly small: number,
  ) {
    super(capacity, 2 * capacity);
    this.hits = new Uint8Array(this.table.first + this.table.slots);
    this.smallTarget = share(capacity, small, 1, capacity);
  }

  protected hit(slot: number): void {
    if (this.hits[slot]! < MOST) this.hits[slot]!++;
  }

  protected admit(slot: number, _write: boolean, from: number): void {
    this.hits[slot] = 0;
    this.lists.pushFront(from === GHOSTS ? MAIN : SMALL, slot);
  }

  protected release(): number {
    const { hits, lists } = this;
    // Each step moves a page to main, takes a hit from one, or ends. Pinned pages go round for nothing, so steps are counted.
    for (let left = (MOST + 2) * this.size + 1; left > 0; left--) {
      const main = lists.counts[MAIN]!;
      const fromSmall = main === 0 || lists.counts[SMALL]! >= this.smallTarget;
      let slot = this.oldest(fromSmall ? SMALL : MAIN);
      if (slot === NIL) slot = this.oldest(fromSmall ? MAIN : SMALL);
      if (slot === NIL) return NONE;
      if (lists.where[slot] === SMALL) {
        lists.remove(slot);
        if (hits[slot]! < PROVEN) return this.remember(slot);
        hits[slot] = 0;
        lists.pushFront(MAIN, slot);
      } else if (hits[slot]! > 0) {
        hits[slot]!--;
        lists.toFront(slot);
      } else {
        lists.remove(slot);
        return this.forget(slot);
      }
    }
    return NONE;
  }

  private get ghostLimit(): number {
    return this.capacity - this.smallTarget;
  }

  private remember(slot: number): number {
    if (this.ghostLimit === 0) return this.forget(slot);
    if (this.lists.counts[GHOSTS]! >= this.ghostLimit) this.dropGhost(GHOSTS);
    return this.keepGhost(slot, GHOSTS);
  }

  protected adapt(): void {
    this.smallTarget = share(this.capacity, this.small, 1, this.capacity);
    this.reserve(2 * this.capacity);
    this.hits = grown(this.hits, this.table.first + this.table.slots);
    while (this.lists.counts[GHOSTS]! > this.ghostLimit) this.dropGhost(GHOSTS);
  }

  protected clear(): void {}

  protected override check(): string[] {
    const ghosts = this.lists.counts[GHOSTS]!;
    return ghosts > this.ghostLimit ? [`${ghosts} ghosts, limit ${this.ghostLimit}`] : [];
  }

  params(): Record<string, number | boolean> {
    return { small: this.small };
  }
}
