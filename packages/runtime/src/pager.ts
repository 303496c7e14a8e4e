/**
 * The pager: keeps frames free, so that threads which need one need not evict. It is woken when there are less than the low watermark,
 * and evicts until there are as many as the high one (the kernel's paging/watermarks.ts).
 */
import { type Kernel, Layout as L } from "@ungil/kernel";
import type { Duty } from "./duty.js";
import { Replacement } from "./replacement.js";

/** The policy that the kernel has itself: it needs no harvest. */
const KERNELS = "clock";
const BY_CLOCK = -1;
const LONGEST_PAUSE = 64; // ms

export class Pager implements Duty {
  readonly #kernel: Kernel;
  readonly #replacement: Replacement | null;
  readonly #low: number;
  readonly #high: number;
  /** ms; 0: the last round was not in vain. */
  #pause = 0;

  constructor(kernel: Kernel, policy: string) {
    this.#kernel = kernel;
    this.#replacement = policy === KERNELS ? null : new Replacement(kernel, policy);
    this.#low = kernel.exports.watermarkLow();
    this.#high = kernel.exports.watermarkHigh();
  }

  round(): number {
    const free = this.#kernel.control(L.CB_FRAMES_FREE);
    if (free >= this.#high || (free >= this.#low && this.#pause > 0)) {
      this.#pause = 0;
      return Number.POSITIVE_INFINITY;
    }
    if (this.#evict(this.#high - free) > 0) this.#pause = 0;
    // All pages are in use, the file is full, or the world stands still.
    else this.#pause = Math.min(LONGEST_PAUSE, 2 * this.#pause || 1);
    return this.#pause;
  }

  #evict(wanted: number): number {
    return this.#replacement?.evict(wanted) ?? this.#kernel.exports.pagerEvict(wanted, BY_CLOCK);
  }
}
