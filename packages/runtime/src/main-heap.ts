/** The heap of the main thread, which must never wait for a thread that is no more. */
import { RuntimeClosedError, type Scope } from "@ungil/heap";
import { type Kernel, Layout as L, SyncLayout as S } from "@ungil/kernel";
import type { SyncExports } from "./exports.js";
import { IdleReclaimer } from "./garbage.js";
import { RuntimeHeap } from "./runtime-heap.js";

const GIL_LOOK = 20_000; // microseconds

/**
 * It may wait in the middle of a batch, for the GIL, a kernel lock or a stop of the world, and events
 * wait meanwhile, the exit of the very thread that it waits for among them: so it looks from time to time whether that thread
 * is still there.
 */
export class MainHeap extends RuntimeHeap {
  /** The thread of a slot is no more. */
  isGone: (slot: number) => boolean = () => false;
  /** Until when a batch may wait for the GIL (the runtime is closing), as performance.now() tells. */
  deadline = Number.POSITIVE_INFINITY;

  /** Whether there is somebody who collects cycles while this thread waits. */
  hasCollector: () => boolean = () => false;

  override collect(): boolean {
    return this.hasCollector() && super.collect();
  }

  constructor(kernel: Kernel) {
    super(kernel);
    kernel.lockAwaited = (lock) => {
      this.recoverPages();
      const held = (slot: number) => kernel.u32[(kernel.threadBlock(slot) + L.TB_JOURNAL_LOCK) >>> 2];
      for (const slot of this.goneSlots()) if (held(slot) === lock) this.x.journalRecover(slot);
    };
  }

  /** Slots whose threads are no more, though their exits are not known yet. */
  goneSlots(): number[] {
    const slots = this.kernel.control(L.CB_SLOTS);
    return Array.from({ length: slots }, (_, slot) => slot).filter((slot) => slot > 1 && this.isGone(slot));
  }

  /**
   * What such a thread, or the system thread, was evicting, or reading from the swap file: whoever this thread waits for may
   * wait for that.
   */
  recoverPages(): void {
    const { systemSlot } = this.kernel;
    for (const slot of this.goneSlots()) this.x.residenceRecover(slot);
    if (this.isGone(systemSlot)) this.x.residenceRecover(systemSlot);
  }

  readonly #reclaimer = new IdleReclaimer(this, this.x as SyncExports);

  override batch<T>(work: (scope: Scope) => T): T {
    try {
      if (!this.takeGil(this.deadline))
        throw new RuntimeClosedError("The runtime is closing, and a thread keeps the GIL");
      return super.batch(work);
    } finally {
      this.#reclaimer.look();
    }
  }

  /** Waits for the GIL, if there is one, until then at most: true if it is this thread's now, and until its next batch ends. */
  takeGil(until: number): boolean {
    const x = this.x as SyncExports;
    while (this.kernel.gil && !this.closed && !x.gilTakeWithin(GIL_LOOK)) {
      const holder = this.kernel.control(S.CB_GIL_OWNER);
      this.recoverPages();
      if (holder > 1 && this.isGone(holder)) x.syncAbandon(holder);
      else if (performance.now() > until) return false;
    }
    return true;
  }
}
