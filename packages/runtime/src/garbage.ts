/**
 * Garbage of parked threads. What dies stands in the limbo list of the thread that let it go, and only that thread can free
 * it; and a page whose blocks others have freed is given back by its owner only. Before it parks a thread does what it can,
 * if the others let it (a grace period needs all that run), and who is out of memory wakes it. The main thread does so when
 * its program leaves it alone for a moment.
 */
import type { Heap } from "@ungil/heap";
import { type Kernel, Layout as L } from "@ungil/kernel";
import type { SyncExports } from "./exports.js";

const PATIENCE = 30; // ms

/**
 * Wakes the parked threads, which have been asked for their garbage and their empty pages, and gives them time: it ends when all
 * have answered, at the latest after PATIENCE (a thread may be in a long step).
 */
export function wakeForGarbage(kernel: Kernel, x: SyncExports): void {
  const others = Array.from({ length: kernel.control(L.CB_SLOTS) - 1 }, (_, n) => n + 1).filter(
    (slot) => slot !== kernel.slot,
  );
  const hasNotAnswered = (slot: number) => {
    const at = kernel.threadBlock(slot) >>> 2;
    const isThere = kernel.u32[at + (L.TB_STATE >>> 2)] !== L.THREAD_FREE;
    return isThere && (kernel.u32[at + (L.TB_REQUEST >>> 2)] as number) & L.REQUEST_ACKNOWLEDGE;
  };
  for (const slot of others) x.unpark(slot);
  for (let n = 0; n < PATIENCE && others.some(hasNotAnswered); n++) x.reclaimAwait();
}

const MOMENT = 1; // ms
const MOMENTS_MAX = 2000; // a step of another thread takes very long; the next batch begins anew

/** Frees the main thread's garbage a little at a time, between other things. Does not keep the process alive. */
export class IdleReclaimer {
  #timer: NodeJS.Timeout | undefined;
  #moments = 0;

  constructor(
    readonly heap: Heap,
    readonly x: SyncExports,
  ) {}

  /** A batch has ended. */
  look(): void {
    if (this.#timer || this.heap.closed || !this.x.garbageIsLeft()) return;
    this.#moments = 0;
    this.#wait();
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.#reclaim(), MOMENT).unref();
  }

  #reclaim(): void {
    if (this.heap.closed) return;
    const isLeft = this.heap.batch(() => this.x.limboSettle() !== 0);
    if (isLeft && ++this.#moments < MOMENTS_MAX) this.#wait();
    else this.#timer = undefined;
  }
}
