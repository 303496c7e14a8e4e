/**
 * The pager: keeps frames free, so that threads which need one need not evict. It is woken when there are less than the low watermark,
 * and evicts until there are as many as the high one (the kernel's paging/watermarks.ts).
 *
 * A policy is a program, and may fail. It begins anew then; when it has failed a few times the kernel's own takes its place.
 */
import { type Kernel, Layout as L } from "@ungil/kernel";
import type { Duty } from "./duty.js";
import { Replacement } from "./replacement.js";

/** The policy that the kernel has itself: it needs no harvest. */
export const KERNELS = "clock";
const BY_CLOCK = -1;
const LONGEST_PAUSE = 64; // ms
const FAILURES_MAX = 3;

export class Pager implements Duty {
  readonly #kernel: Kernel;
  #replacement: Replacement | null = null;
  #policy: string;
  #failures = 0;
  readonly #gaveUp: (error: unknown) => void;
  readonly #low: number;
  readonly #high: number;
  /** ms; 0: the last round was not in vain. */
  #pause = 0;

  /** `gaveUp`: the policy is not asked any more; what it threw last. */
  constructor(kernel: Kernel, policy: string, gaveUp: (error: unknown) => void) {
    this.#kernel = kernel;
    this.#policy = policy;
    this.#gaveUp = gaveUp;
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
    if (this.#policy !== KERNELS) {
      try {
        this.#replacement ??= new Replacement(this.#kernel, this.#policy);
        return this.#replacement.evict(wanted);
      } catch (error) {
        this.#failed(error);
      }
    }
    return this.#kernel.exports.pagerEvict(wanted, BY_CLOCK);
  }

  /** It holds nothing of the kernel's while it thinks, and what it knows may be half changed. */
  #failed(error: unknown): void {
    this.#replacement = null;
    if (++this.#failures < FAILURES_MAX) return;
    this.#policy = KERNELS;
    this.#gaveUp(error);
  }
}
