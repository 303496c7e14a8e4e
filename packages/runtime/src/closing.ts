/** How long what runs may go on when a runtime closes. */

import type { MainThread } from "./main.js";
import { bounded } from "./waiting.js";

export class ClosingTime {
  readonly #main: MainThread;
  /** When running work is cancelled, as performance.now() tells, and what wakes who waits for that moment. */
  #moment = Number.POSITIVE_INFINITY;
  #sooner: () => void = () => undefined;

  constructor(main: MainThread) {
    this.#main = main;
  }

  /** At the latest. True if that is sooner than was said before. */
  isBy(moment: number): boolean {
    if (moment >= this.#moment) return false;
    this.#moment = moment;
    this.#sooner();
    return true;
  }

  /** Until nothing runs any more, or it is time, which may become sooner. */
  async give(dues: { whenIdle(): Promise<void> }): Promise<void> {
    const until = this.#moment - performance.now();
    if (until > 0) await bounded(dues.whenIdle(), until);
    for (;;) {
      const left = this.#moment - performance.now();
      if (!(left > 0) || this.#main.outstanding === 0) return;
      const sooner = new Promise<void>((resolve) => {
        this.#sooner = resolve;
      });
      await bounded(Promise.race([this.#main.whenIdle(), sooner]), left);
    }
  }
}
