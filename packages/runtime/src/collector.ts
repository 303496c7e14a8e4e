/**
 * Collecting cycles, a duty of the system thread: all of it but the moment of the cut happens while coroutines run. For what it
 * does to objects it has a slot of its own, like a thread that runs no coroutines; so it takes the GIL for that, where there is one.
 */
import {
  atCut,
  breakCycles,
  type Cut,
  findGarbage,
  type Garbage,
  judgeGarbage,
  SnapshotLostError,
  settle,
} from "@ungil/heap";
import { Kernel, Layout as L, type MachineHandle, OutOfMemoryError, StorageError } from "@ungil/kernel";
import type { MainControl } from "./control.js";

/** How long threads that are between two steps may be held up by one that is not: at first, and then twice as long. */
const BOUND = 0.5; // ms
const BOUND_MAX = 8;
/** How long a collection is tried, if there is always a thread in the middle of a long step. */
const PATIENCE = 10_000; // ms
/** Work between two turns of the event loop. */
const SLICE = 2; // ms
/** How long it waits for others to go on, so that what it has broken can be freed; what is left is freed by the next one. */
const SETTLE = 1000; // ms

interface Found {
  readonly cut: number;
  readonly garbage: Garbage;
}

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
  #last: Promise<unknown> = Promise.resolve();
  #stopped = false;
  readonly #main: Pick<MainControl, "cutClosed" | "collected">;

  /** `main`: gives back what was kept for a cut, and keeps the books. */
  constructor(machine: MachineHandle, slot: number, main: Pick<MainControl, "cutClosed" | "collected">) {
    this.#main = main;
    this.#kernel = new Kernel(machine, slot);
    this.#kernel.pageFault = (code) => {
      if (code === L.E_SWAP) throw new StorageError("A page could not be read", { cause: this.#kernel.swap?.error });
      throw new OutOfMemoryError("Collecting cycles");
    };
  }

  /** Collects whenever a thread that is out of memory asks for it. */
  async listen(): Promise<void> {
    const { i32, u32 } = this.#kernel;
    const at = (L.CB + L.CB_COLLECT_ASKED) >>> 2;
    // TypeScript's library has no Atomics.waitAsync yet.
    const { waitAsync } = Atomics as unknown as {
      waitAsync(array: Int32Array, index: number, value: number): { value: Promise<string> | string };
    };
    for (;;) {
      await waitAsync(i32, at, 0).value;
      if (this.#stopped) return;
      Atomics.store(u32, at, 0);
      const report = await this.collect(true).catch(() => null); // who has asked finds that memory is still out
      if (report) this.#main.collected(report);
    }
  }

  stop(): void {
    this.#stopped = true;
    Atomics.notify(this.#kernel.i32, (L.CB + L.CB_COLLECT_ASKED) >>> 2);
  }

  /** One collection after the other. `stopWorld`: all stand still until the garbage is known, so nothing is kept of what they write. */
  collect(stopWorld: boolean): Promise<CollectionReport | null> {
    const report = this.#last.then(() => this.#collect(stopWorld));
    this.#last = report.catch(() => null).finally(() => this.#kernel.exports.collectEnd());
    return report;
  }

  /** Null: there was no moment for it, or memory was too short to keep what the heap had been. Nothing has changed then. */
  async #collect(stopWorld: boolean): Promise<CollectionReport | null> {
    const began = performance.now();
    const [at, stopped] = await this.#atCut(began + PATIENCE, (cut) => (stopWorld ? this.#findAtOnce(cut) : cut));
    if (!at) return null;
    const found = "open" in at ? await this.#find(at) : at;
    if (!found) return null;
    const { garbage } = found;
    try {
      await this.#inBatches(judgeGarbage(this.#kernel, found.cut, garbage, SETTLE));
      await this.#break(found.cut, Uint32Array.from(garbage.addresses()));
    } catch (error) {
      if (error instanceof SnapshotLostError) return null; // the heap was restored meanwhile
      throw error;
    }
    const { found: collected, graph } = garbage;
    await this.#settle(performance.now() + SETTLE);
    return { objects: graph.objects, collected, duration: performance.now() - began, stopped };
  }

  async #break(cut: number, addresses: Uint32Array): Promise<void> {
    const holds = (L.CB + L.CB_COLLECT_HOLDS) >>> 2;
    Atomics.store(this.#kernel.u32, holds, 1); // the verifier does not know these counts
    try {
      await this.#inBatches(breakCycles(this.#kernel, cut, addresses, SETTLE));
    } finally {
      Atomics.store(this.#kernel.u32, holds, 0);
    }
  }

  async #inBatches(work: Generator<boolean>): Promise<void> {
    let until = performance.now() + SLICE;
    for (const isDone of work) {
      if (isDone && performance.now() < until) continue;
      await (isDone ? turn() : pause(1));
      until = performance.now() + SLICE;
    }
  }

  #findAtOnce(cut: Cut): Found {
    try {
      const work = findGarbage(this.#kernel, cut);
      for (;;) {
        const { done, value } = work.next();
        if (done) return { cut: cut.cut, garbage: value };
      }
    } finally {
      this.#close(cut);
    }
  }

  async #find(cut: Cut): Promise<Found | null> {
    try {
      return { cut: cut.cut, garbage: await inSlices(findGarbage(this.#kernel, cut)) };
    } catch (error) {
      if (!(error instanceof SnapshotLostError || error instanceof OutOfMemoryError)) throw error;
      return null;
    } finally {
      this.#close(cut);
    }
  }

  /** The main thread gives back what was kept; it may be waiting for this very collection. */
  #close({ cut }: Cut): void {
    this.#kernel.exports.snapshotForget(cut);
    this.#main.cutClosed(cut);
  }

  /** And for how long the world was asked to stand still. */
  async #atCut<T>(until: number, work: (cut: Cut) => T): Promise<[T | null, number]> {
    let stopped = 0;
    for (let bound = BOUND; performance.now() < until; bound = Math.min(2 * bound, BOUND_MAX)) {
      const began = performance.now();
      const done = atCut(this.#kernel, bound, work);
      stopped += performance.now() - began;
      if (done) return [done, stopped];
      await pause(bound);
    }
    return [null, stopped];
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
