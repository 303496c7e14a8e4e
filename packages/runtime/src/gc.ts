/** `rt.gc`: the cycle collector as the main thread sees it. Counts free nearly everything at once; it finds what they cannot. */
import { RuntimeClosedError } from "@ungil/heap";
import { type Kernel, Layout as L } from "@ungil/kernel";
import type { CollectionReport } from "./collector.js";
import { awake } from "./waiting.js";

/** How often it is looked whether the heap has grown, or somebody has asked before there was a system thread. */
const LOOK = 250; // ms
/** Frames that a heap has before the first collection begins by itself: 8 MiB. */
const FIRST = (8 << 20) / L.PAGE_SIZE;

/** The system thread: it starts when it is needed. */
export interface Collecting {
  start(): Promise<unknown>;
  collect(stopWorld: boolean): Promise<CollectionReport | null>;
}

export interface CollectorStats {
  /** Collections that came to an end, and how many of them nobody had asked for. */
  readonly collections: number;
  readonly automatic: number;
  /** Objects that they have freed. */
  readonly collected: number;
  readonly last: CollectionReport | null;
}

export class CycleGarbage {
  readonly #kernel: Kernel;
  readonly #system: Collecting;
  readonly #isClosed: () => boolean;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<CollectionReport | null> | null = null;
  #stats: CollectorStats = { collections: 0, automatic: 0, collected: 0, last: null };
  #isEnabled = false;

  /** @internal */
  constructor(kernel: Kernel, system: Collecting, isClosed: () => boolean) {
    this.#kernel = kernel;
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
    if (this.#isClosed()) throw new RuntimeClosedError();
    return awake(this.#inTurn(stopWorld));
  }

  async #inTurn(stopWorld: boolean): Promise<CollectionReport | null> {
    await this.#running?.catch(() => null);
    return this.#collect(false, stopWorld);
  }

  /** Whether collections begin by themselves, when the heap has grown by half. */
  get isEnabled(): boolean {
    return this.#isEnabled;
  }

  enable(): void {
    this.#isEnabled = true;
  }

  /** No collection begins by itself any more. */
  disable(): void {
    this.#isEnabled = false;
  }

  stats(): CollectorStats {
    return this.#stats;
  }

  /** @internal */
  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#running || this.#isClosed()) return;
    if (this.#kernel.control(L.CB_COLLECT_ASKED))
      this.#system.start().catch(() => undefined); // it sees that then
    else if (this.#isEnabled && this.#framesUsed() > this.#next) this.#collect(true, false).catch(() => undefined);
  }

  #framesUsed(): number {
    return this.#kernel.control(L.CB_FRAMES) - this.#kernel.control(L.CB_FRAMES_FREE);
  }

  #next = FIRST;

  #collect(isAutomatic: boolean, stopWorld: boolean): Promise<CollectionReport | null> {
    const running = this.#system.collect(stopWorld).then((report) => {
      if (report) {
        const { collections, automatic, collected } = this.#stats;
        this.#stats = {
          collections: collections + 1,
          automatic: automatic + Number(isAutomatic),
          collected: collected + report.collected,
          last: report,
        };
      }
      return report;
    });
    const ended = () => {
      if (this.#running === running) this.#running = null;
      const used = this.#framesUsed();
      this.#next = Math.max(FIRST, used + Math.min(used / 2, (this.#kernel.control(L.CB_FRAMES) - used) / 2));
    };
    running.then(ended, ended);
    this.#running = running;
    return running;
  }
}
