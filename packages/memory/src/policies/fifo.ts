/** First in, first out: the page that was loaded first leaves first. References change nothing. */
import { PagePolicy } from "./base.js";
import { NIL } from "./page-table.js";
import { NONE } from "./policy.js";

const QUEUE = 1;

export class Fifo extends PagePolicy {
  constructor(capacity: number) {
    super(capacity, capacity);
  }

  protected hit(): void {}

  protected admit(slot: number): void {
    this.lists.pushFront(QUEUE, slot);
  }

  protected release(): number {
    const slot = this.oldest(QUEUE);
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
