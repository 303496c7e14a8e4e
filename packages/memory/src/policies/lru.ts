/**
 * Least recently used: the page whose last reference lies furthest back leaves. A stack algorithm: with more frames
 * the resident pages are a superset, so more frames never fault more (Mattson, Gecsei, Slutz, Traiger: Evaluation
 * Techniques for Storage Hierarchies, IBM Systems Journal 9(2), 1970).
 */
import { PagePolicy } from "./base.js";
import { NIL } from "./page-table.js";
import { NONE } from "./policy.js";

const RECENT = 1;

export class Lru extends PagePolicy {
  constructor(capacity: number) {
    super(capacity, capacity);
  }

  protected hit(slot: number): void {
    this.lists.toFront(slot);
  }

  protected admit(slot: number): void {
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
  }

  protected clear(): void {}

  params(): Record<string, number | boolean> {
    return {};
  }
}
