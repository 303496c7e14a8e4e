/**
 * Garbage of parked threads. What dies stands in the limbo list of the thread that let it go, and only that thread can free
 * it; and a page whose blocks others have freed is given back by its owner only. Before it parks a thread does what it can,
 * if the others let it (a grace period needs all that run), and who is out of memory wakes it. The main thread does so when
 * its program leaves it alone for a moment.
 */
import { type Heap, RuntimeClosedError, releasing } from "@ungil/heap";
import { type Kernel, Layout as L, OutOfMemoryError, StorageError } from "@ungil/kernel";
import type { SyncExports } from "./exports.js";

const PATIENCE = 30; // rounds of about a millisecond

/**
 * Memory is out: wakes the parked threads, asks all for their garbage and their empty pages, and gives them time. It ends when
 * nobody has any, at the latest after PATIENCE: a thread may be in a long step.
 */
export function wakeForGarbage(kernel: Kernel, x: SyncExports): void {
  for (let round = 0; round < PATIENCE; round++) {
    let isLeft = false;
    for (let slot = 1; slot < kernel.control(L.CB_SLOTS); slot++) {
      if (slot === kernel.slot || !hasGarbage(kernel, slot)) continue;
      isLeft = true;
      x.unpark(slot);
    }
    if (!isLeft) return;
    x.reclaimAwait();
    x.reclaim(); // asks again: who has answered may have had to wait for us
  }
}

/** Garbage that has been asked for, or that is there. What another thread says of itself may be a moment old. */
function hasGarbage(kernel: Kernel, slot: number): boolean {
  const word = (at: number) => kernel.u32[at >>> 2] as number;
  const block = kernel.threadBlock(slot);
  if (word(block + L.TB_STATE) === L.THREAD_FREE) return false;
  if (word(block + L.TB_REQUEST) & L.REQUEST_ACKNOWLEDGE || word(block + L.TB_LIMBO_COUNT) > 0) return true;
  const top = word(block + L.TB_DESTROY_TOP);
  return top !== 0 && ((top & L.PAGE_MASK) !== L.CHUNK_HEADER || word(top - L.CHUNK_HEADER) !== 0);
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
    if (!this.heap.closed && this.#settle() && ++this.#moments < MOMENTS_MAX) this.#wait();
    else this.#timer = undefined;
  }

  /** Whether something is left. */
  #settle(): boolean {
    try {
      return this.heap.batch(() => releasing(() => this.x.limboSettle()) !== 0);
    } catch (error) {
      // The runtime is closing, and another thread keeps the GIL to the end: there is nobody to tell, and nothing to do.
      if (error instanceof RuntimeClosedError) return false;
      // Nobody has asked for anything, so nobody is told of a page that cannot be had: who needs memory tries again.
      if (error instanceof OutOfMemoryError || error instanceof StorageError) return false;
      throw error;
    }
  }
}
