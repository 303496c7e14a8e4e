/** `rt.gc`: the cycle collector as the main thread sees it. Counts free nearly everything at once; it finds what they cannot. */
import { type Class, OptionError, RuntimeClosedError, referents, type Shared, type Wrapper } from "@ungil/heap";
import { type Kernel, Layout as L } from "@ungil/kernel";
import type { CollectionReport } from "./collector.js";
import type { MainThread } from "./main.js";
import { objectsOf, referrersOf } from "./referrers.js";
import { awake, raise } from "./waiting.js";

/** How often it is looked whether the heap has grown, or somebody has asked before there was a system thread. */
const LOOK = 250; // ms

/** When collections begin by themselves. */
export interface CollectorThreshold {
  /** Bytes that a heap has before the first one: 8 MiB. */
  readonly bytes: number;
  /** By how much it grows until the next one, as a share of what is in use then: 0.5. */
  readonly growth: number;
}

/** Why a collection began: somebody called `collect`, the heap had grown, or a thread was out of memory. */
export type CollectionReason = "asked" | "growth" | "memory";

export interface CollectorEvent {
  readonly reason: CollectionReason;
  /** Of one that has ended: what it found; null if there was no moment for it. */
  readonly report: CollectionReport | null;
}

/** Called when a collection begins and when it has ended, on the main thread. One for want of memory is told when it has ended. */
export type CollectorCallback = (phase: "start" | "stop", event: CollectorEvent) => void;

/** The system thread: it starts when it is needed. */
export interface Collecting {
  start(): Promise<unknown>;
  collect(stopWorld: boolean): Promise<CollectionReport | null>;
}

export interface CollectorStats {
  /** Collections that came to an end; how many of them began by themselves, and how many for want of memory. */
  readonly collections: number;
  readonly automatic: number;
  readonly forMemory: number;
  /** Objects that they have freed. */
  readonly collected: number;
  readonly last: CollectionReport | null;
}

export class CycleGarbage {
  readonly #main: MainThread;
  readonly #kernel: Kernel;
  readonly #system: Collecting;
  readonly #isClosed: () => boolean;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<CollectionReport | null> | null = null;
  #stats: CollectorStats = { collections: 0, automatic: 0, forMemory: 0, collected: 0, last: null };
  #isEnabled = false;
  #threshold: CollectorThreshold = { bytes: 8 << 20, growth: 0.5 };
  /** Bytes in use when the last one had ended. */
  #usedThen = 0;

  /** What is called at each collection; add to it, and take out of it. What one throws is an uncaught exception. */
  readonly callbacks: CollectorCallback[] = [];

  /** @internal */
  constructor(main: MainThread, system: Collecting, isClosed: () => boolean) {
    this.#main = main;
    this.#kernel = main.kernel;
    this.#system = system;
    this.#isClosed = isClosed;
    this.#timer = setInterval(() => this.#look(), LOOK).unref();
  }

  /**
   * Frees all objects that nothing but each other leads to, while coroutines run: they stand still only for the moment of a cut. What
   * became garbage before the call is gone when the promise resolves, to what was found. Calls take turns.
   * Null if a thread neither yielded nor used a shared object for 10 s, or no memory to keep what is written meanwhile. O(heap).
   * `stopWorld`: coroutines stand still until the garbage is known, which needs no memory, and is what most collectors do.
   */
  async collect({ stopWorld = false }: { stopWorld?: boolean } = {}): Promise<CollectionReport | null> {
    this.#mustBeOpen();
    return awake(this.#inTurn(stopWorld));
  }

  async #inTurn(stopWorld: boolean): Promise<CollectionReport | null> {
    await this.#running?.catch(() => null);
    this.#mustBeOpen();
    return this.#collect("asked", stopWorld);
  }

  /** Whether collections begin by themselves, when the heap has grown (`setThreshold`). Not unless `enable` was called. */
  get isEnabled(): boolean {
    return this.#isEnabled;
  }

  enable(): void {
    this.#isEnabled = true;
  }

  /** No collection begins by itself any more. (A thread that is out of memory still asks for one.) */
  disable(): void {
    this.#isEnabled = false;
  }

  getThreshold(): CollectorThreshold {
    return this.#threshold;
  }

  setThreshold({ bytes = this.#threshold.bytes, growth = this.#threshold.growth }: Partial<CollectorThreshold>): void {
    const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
    if (!isNumber(bytes) || bytes < 0) throw new OptionError("setThreshold", "bytes", "a number of at least 0", bytes);
    if (!isNumber(growth) || growth <= 0) throw new OptionError("setThreshold", "growth", "a number above 0", growth);
    this.#threshold = { bytes, growth };
  }

  /** Bytes of memory that have come into use since the last collection; below 0 if fewer are in use than then. */
  getCount(): number {
    this.#mustBeOpen();
    return this.#used() - this.#usedThen;
  }

  stats(): CollectorStats {
    return this.#stats;
  }

  // Who refers to whom.

  /**
   * All objects of the heap, or those of a class: structs, `List`, `Dict` and tasks. Structs whose module this thread has not imported
   * are not among them. All threads stand still meanwhile. O(heap); each object is a kept handle.
   */
  getObjects<T = Shared>(type?: Class<T>): T[] {
    this.#mustBeOpen();
    return objectsOf(this.#main, type as Class<unknown> | undefined) as T[];
  }

  /** Objects that refer to any of these directly: in a field, an element or an entry. All threads stand still meanwhile. O(heap). */
  getReferrers(...objects: Shared[]): Shared[] {
    this.#mustBeOpen();
    return referrersOf(this.#main, objects as unknown as Wrapper[]) as unknown as Shared[];
  }

  /** Objects that any of these refers to directly. O(what they contain). */
  getReferents(...objects: Shared[]): Shared[] {
    this.#mustBeOpen();
    return this.#main.heap.batch(() => objects.flatMap((object) => referents(object as unknown as Wrapper))) as never;
  }

  /** @internal */
  close(): void {
    clearInterval(this.#timer);
  }

  /** A thread was out of memory. @internal */
  collectedForMemory(report: CollectionReport): void {
    this.#note("memory", report);
    this.#tell("stop", { reason: "memory", report });
  }

  #mustBeOpen(): void {
    if (this.#isClosed()) throw new RuntimeClosedError();
  }

  #look(): void {
    if (this.#running || this.#isClosed()) return;
    if (this.#kernel.control(L.CB_COLLECT_ASKED))
      this.#system.start().catch(() => undefined); // it sees that then
    else if (this.#isEnabled && this.#used() > this.#next()) this.#collect("growth", false).catch(() => undefined);
  }

  #used(): number {
    return (this.#kernel.control(L.CB_FRAMES) - this.#kernel.control(L.CB_FRAMES_FREE)) * L.PAGE_SIZE;
  }

  /** Bytes in use at which the next one begins: half-way to the end of memory at the latest, so that it cannot run away. */
  #next(): number {
    const { bytes, growth } = this.#threshold;
    const all = this.#kernel.control(L.CB_FRAMES) * L.PAGE_SIZE;
    return Math.max(bytes, this.#usedThen + Math.min(growth * this.#usedThen, (all - this.#usedThen) / 2));
  }

  #note(reason: CollectionReason, report: CollectionReport): void {
    const { collections, automatic, forMemory, collected } = this.#stats;
    this.#stats = {
      collections: collections + 1,
      automatic: automatic + Number(reason === "growth"),
      forMemory: forMemory + Number(reason === "memory"),
      collected: collected + report.collected,
      last: report,
    };
    this.#usedThen = this.#used();
  }

  #tell(phase: "start" | "stop", event: CollectorEvent): void {
    for (const callback of [...this.callbacks]) {
      try {
        callback(phase, event);
      } catch (error) {
        setImmediate(() => raise(error));
      }
    }
  }

  async #collect(reason: CollectionReason, stopWorld: boolean): Promise<CollectionReport | null> {
    this.#tell("start", { reason, report: null });
    const running = this.#system.collect(stopWorld);
    this.#running = running;
    let report: CollectionReport | null = null;
    try {
      report = await running;
    } finally {
      if (this.#running === running) this.#running = null;
      if (report) this.#note(reason, report);
      this.#tell("stop", { reason, report });
    }
    return report;
  }
}
