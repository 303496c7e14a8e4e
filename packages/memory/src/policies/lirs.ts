/**
 * LIRS (Jiang, Zhang: LIRS, An Efficient Low Inter-reference Recency Set Replacement Policy, SIGMETRICS 2002). A page whose
 * last two references were close together (low inter-reference recency, LIR) keeps its frame; the others (HIR) share a few
 * frames and leave in the order of queue Q. Stack S holds, by recency, all LIR pages, and those HIR pages, resident or
 * not, that are more recent than the oldest LIR page: one of them that is referenced again while it is in S has proved a
 * lower recency than that page, and they change places.
 *
 * `hir` is the share of frames for HIR pages (1 % in the paper, but two frames at least, one if there are only two).
 * The paper lets S grow without bound; here it remembers at most `ghosts` x frames non-resident pages, and forgets those
 * first that left first. While LIR pages are fewer than their frames, new pages become LIR.
 *
 * Invariant: the bottom of S is a LIR page (S is *pruned* until it is, or empty); every LIR page and every non-resident
 * page is in S; |LIR| <= frames - HIR frames.
 */
import { PagePolicy, share } from "./base.js";
import { NIL } from "./page-table.js";
import { NONE } from "./policy.js";
import { SlotLists } from "./slot-lists.js";

const LIR = 1;
const Q = 2;
const GHOSTS = 5;
/** The one list of `stack`. */
const S = 1;

export class Lirs extends PagePolicy {
  private readonly stack: SlotLists;
  private lirLimit = 0;
  private ghostLimit = 0;

  constructor(
    capacity: number,
    private readonly hir: number,
    private readonly ghosts: number,
  ) {
    super(capacity, capacity + Math.floor(capacity * ghosts) + 1);
    this.stack = new SlotLists(1, this.table.first + this.table.slots);
    this.limit();
  }

  protected hit(slot: number): void {
    const { lists, stack } = this;
    if (lists.where[slot] === LIR) {
      stack.toFront(slot);
      this.prune();
    } else if (stack.where[slot] === S) {
      stack.toFront(slot);
      lists.move(LIR, slot);
      this.demote();
    } else {
      stack.pushFront(S, slot);
      lists.toFront(slot);
      this.prune();
    }
  }

  protected admit(slot: number, _write: boolean, from: number): void {
    const { lists } = this;
    this.stack.pushFront(S, slot);
    lists.pushFront(from === GHOSTS || lists.counts[LIR]! < this.lirLimit ? LIR : Q, slot);
    this.demote();
  }

  /** While there are too many LIR pages, the one at the bottom of the stack becomes HIR. */
  private demote(): void {
    while (this.lists.counts[LIR]! > this.lirLimit) {
      this.prune();
      const slot = this.stack.back(S);
      this.stack.remove(slot);
      this.lists.move(Q, slot);
    }
    this.prune();
  }

  private prune(): void {
    const { stack, lists } = this;
    for (;;) {
      const slot = stack.back(S);
      if (slot === NIL || lists.where[slot] === LIR) return;
      stack.remove(slot);
      if (lists.where[slot] === GHOSTS) {
        lists.remove(slot);
        this.table.remove(slot);
      }
    }
  }

  protected release(): number {
    const { lists, stack } = this;
    const slot = this.oldest(Q);
    if (slot === NIL) return this.releaseLir();
    lists.remove(slot);
    if (stack.where[slot] !== S) return this.forget(slot);
    if (this.ghostLimit === 0) {
      stack.remove(slot);
      return this.forget(slot);
    }
    if (lists.counts[GHOSTS]! >= this.ghostLimit) this.dropGhost(GHOSTS);
    return this.keepGhost(slot, GHOSTS);
  }

  /** Only where HIR pages have been removed, or all are pinned. */
  private releaseLir(): number {
    const { prev } = this.stack;
    for (let slot = prev[S]!; slot !== S; slot = prev[slot]!) {
      if (this.lists.where[slot] !== LIR || this.isPinned(slot)) continue;
      this.unlink(slot);
      return this.forget(slot);
    }
    return NONE;
  }

  protected override unlink(slot: number): void {
    this.lists.remove(slot);
    if (this.stack.where[slot] === S) this.stack.remove(slot);
    this.prune();
  }

  private limit(): void {
    const { capacity } = this;
    this.lirLimit =
      capacity - share(capacity, this.hir, Math.min(2, Math.max(1, capacity - 1)), Math.max(1, capacity - 1));
    this.ghostLimit = Math.floor(capacity * this.ghosts);
  }

  protected adapt(): void {
    this.limit();
    this.reserve(this.capacity + this.ghostLimit + 1);
    this.stack.reserve(this.table.first + this.table.slots);
    this.demote();
    while (this.lists.counts[GHOSTS]! > this.ghostLimit) this.dropGhost(GHOSTS);
  }

  protected clear(): void {
    this.stack.clear();
  }

  protected override check(): string[] {
    const { lists, stack } = this;
    const wrong = stack.verify();
    const bottom = stack.back(S);
    if (bottom !== NIL && lists.where[bottom] !== LIR) wrong.push("the bottom of S is not LIR");
    if (lists.counts[LIR]! > this.lirLimit) wrong.push(`${lists.counts[LIR]} LIR pages, limit ${this.lirLimit}`);
    if (lists.counts[GHOSTS]! > this.ghostLimit) wrong.push(`${lists.counts[GHOSTS]} ghosts, limit ${this.ghostLimit}`);
    for (const list of [LIR, GHOSTS]) {
      for (let slot = lists.next[list]!; slot !== list; slot = lists.next[slot]!) {
        if (stack.where[slot] !== S) wrong.push(`slot ${slot} of list ${list} is not in S`);
      }
    }
    return wrong;
  }

  params(): Record<string, number | boolean> {
    return { hir: this.hir, ghosts: this.ghosts };
  }
}
