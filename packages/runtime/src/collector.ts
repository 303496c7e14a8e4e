/**
 * Collecting cycles, a duty of the system thread: all of it but the moment of the cut happens while coroutines run. For what it
 * does to objects it has a slot of its own, like a thread that runs no coroutines; so it takes the GIL for that, where there is one.
 */
import { breakCycles, findGarbage, SnapshotLostError, settle, takeCut } from "@ungil/heap";
import { Kernel, Layout as L, type MachineHandle, OutOfMemoryError, StorageError } from "@ungil/kernel";

/** How long threads that are between two steps may be held up by one that is not: at first, and then twice as long. */
const BOUND = 0.5; // ms
const BOUND_MAX = 8;
/** How long a collection is tried, if there is always a thread in the middle of a long step. */
const PATIENCE = 10_000; // ms
/** Work between two turns of the event loop. */
const SLICE = 2; // ms
/** How long it waits for others to go on, so that what it has broken can be freed; what is left is freed by the next one. */
const SETTLE = 1000; // ms

export interface CollectionReport {
  /** Objects that there were. */
  readonly objects: number;
  /** Of these, objects that nothing led to. They are gone. */
  readonly collected: number;
  /** How long it took, and for how much of that the world was asked to stand still, in milliseconds. */
  readonly duration: number;
  readonly stopped: number;
}

export class CycleCollector {
  readonly #kernel: Kernel;
  readonly #closeCut: (cut: number) => Promise<void>;

  /** `closeCut`: the main thread gives back what was kept for a cut. */
  constructor(machine: MachineHandle, slot: number, closeCut: (cut: number) => Promise<void>) {
    this.#closeCut = closeCut;
    this.#kernel = new Kernel(machine, slot);
    this.#kernel.pageFault = (code) => {
      if (code === L.E_SWAP) throw new StorageError("A page could not be read", { cause: this.#kernel.swap?.error });
      throw new OutOfMemoryError("Collecting cycles");
    };
  }

  /** Null: there was no moment for it, or memory was too short to keep what the heap had been. Nothing has changed then. */
  async collect(): Promise<CollectionReport | null> {
    const began = performance.now();
    const cut = await this.#cut(began + PATIENCE);
    if (!cut) return null;
    const stopped = cut.stopped;
    let found: Awaited<ReturnType<typeof this.find>> | null;
    try {
      found = await this.find(cut);
    } catch (error) {
      if (!(error instanceof SnapshotLostError || error instanceof OutOfMemoryError)) throw error;
      found = null;
    } finally {
      await this.#closeCut(cut.cut);
    }
    if (!found) return null;
    await inSlices(breakCycles(this.#kernel, found.addresses));
    await this.#settle(performance.now() + SETTLE);
    const { objects, collected } = found;
    return { objects, collected, duration: performance.now() - began, stopped };
  }

  async find(cut: NonNullable<ReturnType<typeof takeCut>>) {
    return inSlices(findGarbage(this.#kernel, cut));
  }

  async #cut(until: number) {
    let stopped = 0;
    for (let bound = BOUND; performance.now() < until; bound = Math.min(2 * bound, BOUND_MAX)) {
      const began = performance.now();
      const cut = takeCut(this.#kernel, bound);
      stopped += performance.now() - began;
      if (cut) return { ...cut, stopped };
      await pause(bound);
    }
    return null;
  }

  async #settle(until: number): Promise<void> {
    for (;;) {
      const left = settle(this.#kernel);
      if (left === 0 || performance.now() > until) return;
      await (left === 1 ? pause(1) : turn());
    }
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function inSlices<T>(work: Generator<void, T>): Promise<T> {
  for (let until = performance.now() + SLICE; ; ) {
    const { done, value } = work.next();
    if (done) return value as T;
    if (performance.now() < until) continue;
    await turn();
    until = performance.now() + SLICE;
  }
}
