/**
 * ARC (Megiddo, Modha: ARC, A Self-Tuning, Low Overhead Replacement Cache, FAST 2003, figure 4). T1 holds pages seen once
 * lately, T2 pages seen at least twice, B1 and B2 remember what left them. `target`, the paper's p, is how many frames T1
 * should have: a page that comes back from B1 says that T1 is too small, one from B2 that it is too large.
 *
 * Invariants (the paper's, c = capacity): |T1| + |T2| <= c; |T1| + |B1| <= c; all four together <= 2c; 0 <= p <= c.
 */
import { PagePolicy } from "./base.js";
import { NIL } from "./page-table.js";
import { NONE } from "./policy.js";

const T1 = 1;
const T2 = 2;
const B1 = 5;
const B2 = 6;

export class Arc extends PagePolicy {
  private target = 0;

  constructor(capacity: number) {
    super(capacity, 2 * capacity + 1);
  }

  protected hit(slot: number): void {
    if (this.lists.where[slot] === T2) this.lists.toFront(slot);
    else this.lists.move(T2, slot);
  }

  protected override learn(slot: number): void {
    const { where, counts } = this.lists;
    const [b1, b2] = [counts[B1]!, counts[B2]!];
    this.target =
      where[slot] === B1
        ? Math.min(this.capacity, this.target + Math.max(b2 / b1, 1))
        : Math.max(0, this.target - Math.max(b1 / b2, 1));
  }

  protected admit(slot: number, _write: boolean, from: number): void {
    if (from !== 0) {
      this.lists.pushFront(T2, slot);
      return;
    }
    // When pages leave one by one before each comes, as in a simulation, there is nothing to cut.
    const { counts } = this.lists;
    while (counts[B1]! > 0 && counts[T1]! + counts[B1]! >= this.capacity) this.dropGhost(B1);
    this.lists.pushFront(T1, slot);
    this.cut();
  }

  protected release(): number {
    const { counts } = this.lists;
    if (this.recalled === NIL) {
      // Case IV: a page that nobody remembers. L1 must not grow beyond c, all must not grow beyond 2c.
      if (counts[T1]! + counts[B1]! >= this.capacity) {
        if (counts[T1]! >= this.capacity || counts[B1] === 0) {
          const slot = this.oldest(T1);
          if (slot !== NIL) {
            this.lists.remove(slot);
            return this.forget(slot);
          }
        } else this.dropGhost(B1);
      } else if (counts[T1]! + counts[T2]! + counts[B1]! + counts[B2]! >= 2 * this.capacity) this.dropGhost(B2);
    }
    return this.replace();
  }

  /** REPLACE of the paper. */
  private replace(): number {
    const { counts } = this.lists;
    const t1 = counts[T1]!;
    const fromB2 = this.recalled !== NIL && this.recalledFrom === B2;
    const first = t1 >= 1 && ((fromB2 && t1 === this.target) || t1 > this.target || counts[T2] === 0) ? T1 : T2;
    let slot = this.oldest(first);
    if (slot === NIL) slot = this.oldest(first === T1 ? T2 : T1);
    if (slot === NIL) return NONE;
    const ghosts = this.lists.where[slot] === T1 ? B1 : B2;
    this.lists.remove(slot);
    return this.keepGhost(slot, ghosts);
  }

  private cut(): void {
    const { counts } = this.lists;
    while (counts[T1]! + counts[T2]! + counts[B1]! + counts[B2]! > 2 * this.capacity && counts[B1]! + counts[B2]! > 0) {
      this.dropGhost(counts[B2]! > 0 ? B2 : B1);
    }
  }

  protected adapt(): void {
    this.reserve(2 * this.capacity + 1);
    const { counts } = this.lists;
    this.target = Math.min(this.target, this.capacity);
    while (counts[B1]! > 0 && counts[T1]! + counts[B1]! > this.capacity) this.dropGhost(B1);
    this.cut();
  }

  protected clear(): void {
    this.target = 0;
  }

  protected override check(): string[] {
    const { counts } = this.lists;
    const [t1, t2, b1, b2] = [counts[T1]!, counts[T2]!, counts[B1]!, counts[B2]!];
    const wrong: string[] = [];
    if (!(this.target >= 0 && this.target <= this.capacity)) wrong.push(`p is ${this.target}`);
    // While a shrunken cache still holds more than its capacity, only the ghosts can obey.
    if (this.size > this.capacity) return wrong;
    if (b1 > 0 && t1 + b1 > this.capacity) wrong.push(`|T1| + |B1| = ${t1 + b1} > ${this.capacity}`);
    if (t1 + t2 + b1 + b2 > 2 * this.capacity) wrong.push(`${t1 + t2 + b1 + b2} pages in all four lists`);
    return wrong;
  }

  params(): Record<string, number | boolean> {
    return {};
  }
}
