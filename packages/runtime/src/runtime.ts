/** Runtime: threads, the heap they share, and the coroutines that run on them, from the main thread's point of view. */
import { availableParallelism } from "node:os";
import { type InspectOptions, inspect } from "node:util";
import { isMainThread } from "node:worker_threads";
import {
  RootNotFoundError,
  RuntimeClosedError,
  type Shared,
  scope,
  thread,
  tokenOf,
  type Verification,
  verifyHeap,
  within,
} from "@ungil/heap";
import {
  createMachine,
  defineInternalTypes,
  Kernel,
  Layout as L,
  OutOfMemoryError,
  type SwapHandle,
} from "@ungil/kernel";
import { ClosingTime } from "./closing.js";
import { ofSystemThread } from "./control.js";
import { breakDeadlocks } from "./deadlock-end.js";
import { Dues } from "./due.js";
import { CancelledError, OptionError, RuntimeInWorkerError } from "./errors.js";
import type { SyncExports } from "./exports.js";
import { CycleGarbage } from "./gc.js";
import { HeapMemory } from "./heap-memory.js";
import { type HostThread, PiscinaHost, type ThreadHost } from "./host.js";
import { OpenedImage } from "./images.js";
import { linkClasses } from "./links.js";
import { MainThread } from "./main.js";
import { MainHeap } from "./main-heap.js";
import { type SpawnOptions, splitOptions } from "./operations.js";
import {
  type CloseOptions,
  checkClose,
  checkOpenOptions,
  checkOptions,
  type RuntimeOptions,
  type Settings,
  timeoutOf,
} from "./options.js";
import { unpack } from "./rebuild.js";
import { recover } from "./recover.js";
import { type Snapshot, Snapshots } from "./snapshots.js";
import { type RuntimeStats, readStats } from "./stats.js";
import { endSwap, withSwap } from "./swap.js";
import { System } from "./system.js";
import type { Task } from "./task.js";
import type { Coroutine } from "./types.js";
import { tellTrouble, tellUnhandled } from "./unhandled.js";
import { VirtualMemory } from "./vm.js";
import { awake, bounded } from "./waiting.js";
import { stopWorld } from "./world.js";

/** How long a thread that has been asked to stop may take before it is terminated. */
const GRACE = 500;

export class Runtime {
  readonly #settings: Settings;
  readonly #main: MainThread;
  readonly #snapshots: Snapshots;
  readonly #host: ThreadHost;
  readonly #threads = new Map<number, HostThread>();
  readonly #system: System;
  readonly #dues: Dues;
  /** Cycles: the collector, and what it has found. */
  readonly gc: CycleGarbage;
  /** Where the memory is. */
  readonly heap: HeapMemory;
  #state: "open" | "closing" | "closed" = "open";
  #closing: Promise<void> | undefined;
  readonly #time: ClosingTime;
  /** Why it was closed, if nobody asked for that. */
  #ended: ErrorOptions | undefined;
  /** A thread has died: what it was doing at that moment may have counted something that nobody will release. */
  #crashed = false;
  #roots: Readonly<Record<string, Shared & Disposable>> = Object.freeze({});

  private constructor(settings: Settings, main: MainThread, host: ThreadHost) {
    this.#settings = settings;
    this.#main = main;
    this.#snapshots = new Snapshots(main, () => this.#threads.size === settings.threads);
    this.#host = host;
    this.#time = new ClosingTime(main);
    this.#system = new System(main, host, settings.swap?.policy ?? null, {
      died: () => {
        this.#crashed = true;
        return this.#state !== "closed";
      },
      closeCut: (cut) => this.#snapshots.closeCut(cut),
      collected: (report) => this.gc.collectedForMemory(report),
      policyFailed: (error) => tellTrouble(settings, error),
    });
    main.heap.hasCollector = () => this.#system.isRunning;
    this.gc = new CycleGarbage(main, this.#system, () => this.#state !== "open");
    this.heap = new HeapMemory(main, () => this.#mustBeOpen());
    this.#dues = new Dues(main, (error, task) => tellUnhandled(settings, error, task));
    const policy = () => this.#system.policy;
    this.vm = new VirtualMemory(main.kernel, policy, () => this.closed);
  }

  /** Starts threads over a new shared heap. On the main thread only; end it with `close()`. */
  static async start(options?: RuntimeOptions): Promise<Runtime> {
    if (!isMainThread) throw new RuntimeInWorkerError();
    return Runtime.#launch(checkOptions(options), null);
  }

  /**
   * Starts threads over the heap that `snapshot.save` has put into a file: objects, types, and the roots (`rt.root(name)`). The
   * options are those of `start`; memory is what the heap had when it was saved, unless told. Every page of the file is
   * checked first. O(image).
   */
  static async open(file: string | URL, options?: RuntimeOptions): Promise<Runtime> {
    if (!isMainThread) throw new RuntimeInWorkerError();
    const image = await OpenedImage.open(file);
    try {
      return await Runtime.#launch(checkOpenOptions(options, image), image);
    } finally {
      await image.close();
    }
  }

  static #launch(settings: Settings, image: OpenedImage | null): Promise<Runtime> {
    return withSwap(settings, (swap) => Runtime.#launchOn(settings, swap, image));
  }

  static async #launchOn(settings: Settings, swap: SwapHandle | null, image: OpenedImage | null): Promise<Runtime> {
    const { heapBytes, threads: workers, gil } = settings;
    const machine = createMachine({ heapBytes, slots: workers + 3, gil, swap });
    const kernel = new Kernel<SyncExports>(machine, 1);
    const x = kernel.exports;
    defineInternalTypes(x);
    await image?.load(kernel);
    // The main thread asks for the GIL at once: it does little with it, and people wait for it.
    if (x.syncInit(settings.switchMicroseconds, settings.threads) !== 0 || x.syncAttach(50) !== 0)
      throw new OutOfMemoryError("Starting a runtime");
    const heap = new MainHeap(kernel);
    const main: MainThread = new MainThread(kernel, heap, {
      unhandled: (error, task) => tellUnhandled(settings, error, task),
      stillness: () => runtime.#breakDeadlocks(),
      panic: (error) => runtime.#fatal(error),
    });
    const host = new PiscinaHost();
    const runtime: Runtime = new Runtime(settings, main, host);
    heap.isGone = (slot) => runtime.#isGone(slot);
    try {
      image?.bind(heap);
      const threads = Array.from({ length: settings.threads }, (_, n) => runtime.#startThread(2 + n));
      await awake(Promise.all([...threads, settings.swap && runtime.#system.start(), linkClasses()]));
    } catch (error) {
      runtime.#state = "closed";
      main.close();
      await host.close();
      throw error;
    }
    main.enter();
    if (image) runtime.#roots = image.roots(heap);
    return runtime;
  }

  get mode(): "gil" | "free" {
    return this.#settings.gil ? "gil" : "free";
  }

  /** Number of worker threads. */
  get threads(): number {
    return this.#settings.threads;
  }

  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { mode, threads, closed } = this;
    return `Runtime ${inspect({ mode, threads, closed }, options)}`;
  }

  get closed(): boolean {
    return this.#state === "closed";
  }

  // Objects.

  /** Makes a shared object. Its handle is counted, until it is released. */
  new<T extends Shared, A extends readonly unknown[]>(type: new (...args: A) => T, ...args: A): T & Disposable {
    this.#mustBeOpen();
    return this.#here(() => {
      if (!tokenOf(type)) throw new OptionError("rt.new()", "its first argument", "a struct class, List or Dict", type);
      return new type(...args) as T & Disposable;
    });
  }

  /** Does synchronous work on shared objects in one step: much faster than one step for each access. */
  scope<T>(work: () => T): T {
    this.#mustBeOpen();
    return this.#here(() => scope(work));
  }

  /** This runtime is the current one meanwhile. */
  #here<T>(work: () => T): T {
    const { heap } = this.#main;
    return thread.scope?.heap === heap ? work() : within(heap.root, work);
  }

  // Coroutines.

  /** Runs a coroutine on a worker thread: a promise of its result. */
  run<A extends readonly unknown[], R>(coroutine: Coroutine<A, R>, ...args: A): Promise<R>;
  run<A extends readonly unknown[], R>(options: SpawnOptions, coroutine: Coroutine<A, R>, ...args: A): Promise<R>;
  run(...args: unknown[]): Promise<unknown> {
    const at: { stack?: string } = {};
    Error.captureStackTrace(at, this.run);
    try {
      const task = this.#spawn("run()", args, at);
      const promise = task.then();
      task[Symbol.dispose]();
      return promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Starts a coroutine on a worker thread: a task, which can be awaited and cancelled. */
  spawn<A extends readonly unknown[], R>(coroutine: Coroutine<A, R>, ...args: A): Task<R>;
  spawn<A extends readonly unknown[], R>(options: SpawnOptions, coroutine: Coroutine<A, R>, ...args: A): Task<R>;
  spawn(...args: unknown[]): Task<unknown> {
    const at: { stack?: string } = {};
    Error.captureStackTrace(at, this.spawn);
    return this.#spawn("spawn()", args, at);
  }

  #spawn(what: string, args: unknown[], at: { stack?: string }): Task<unknown> {
    this.#mustBeOpen();
    const { signal, definition, rest } = splitOptions(what, args);
    if (signal?.aborted) throw new CancelledError(undefined, { cause: signal.reason });
    return this.#main.spawn(definition, rest, signal, at);
  }

  #mustBeOpen(): void {
    if (this.#state !== "open") throw new RuntimeClosedError(undefined, this.#ended);
  }

  // Snapshots and images.

  /** What the heap was saved with, by name, if it was opened from an image; else nothing. */
  get roots(): Readonly<Record<string, Shared & Disposable>> {
    return this.#roots;
  }

  /** One of them; RootNotFoundError if there is none of that name. */
  root<T extends Shared = Shared>(name: string): T & Disposable {
    if (!Object.hasOwn(this.#roots, name)) throw new RootNotFoundError(name, Object.keys(this.#roots));
    return this.#roots[name] as T & Disposable;
  }

  /**
   * The heap as it is between two steps of all coroutines, from now on, at a cost that does not depend on its size: what is
   * written later is kept aside first, a page at a time, until the snapshot is disposed of. Waits until no coroutine is in the
   * middle of a step, for `timeout` ms at most (10,000).
   */
  async snapshot(options: { timeout?: number } = {}): Promise<Snapshot> {
    this.#mustBeOpen();
    return this.#snapshots.take(timeoutOf("rt.snapshot()", options));
  }

  // Introspection.

  /** Stops the world and checks every invariant of the heap. For tests and for peace of mind: O(heap). */
  verify(): Verification {
    this.#mustBeOpen();
    const { kernel, heap } = this.#main;
    const isExact = () => !this.#crashed && kernel.control(L.CB_COLLECT_HOLDS) === 0;
    return stopWorld(this.#main, (held) => verifyHeap(kernel, [...heap.kept(), ...held], isExact()));
  }

  /** Memory and swap file: who is where, and who evicted what. */
  readonly vm: VirtualMemory;

  stats(): RuntimeStats {
    if (this.closed) this.#mustBeOpen();
    return readStats(this.#main.kernel);
  }

  // Threads.

  async #startThread(slot: number): Promise<void> {
    const { kernel } = this.#main;
    const cores = availableParallelism();
    const thread = await this.#host.start(
      // Spinning pays only while a core is left for whoever is to make the work.
      {
        kind: "worker",
        machine: kernel.machine,
        slot,
        spinRounds: this.#settings.threads < cores ? 2000 : this.#settings.threads === cores ? 500 : 10,
      },
      {
        unhandled: (task, wasCancelled) => this.#main.orphanFailed(task, wasCancelled),
        ...ofSystemThread,
      },
    );
    this.#threads.set(slot, thread);
    thread.exited.then((exit) => this.#threadExited(slot, thread, exit.code, exit.error));
    const prepared = thread.ask((control) => control.prepare(this.#settings.preload));
    const result = await Promise.race([prepared, thread.exited.then(() => null)]);
    if (result) throw unpack(result.failure, new Error().stack ?? "");
  }

  /** A thread is no more, whether its exit is known or not. */
  #isGone(slot: number): boolean {
    const { systemSlot, collectorSlot } = this.#main.kernel;
    const thread = slot === systemSlot || slot === collectorSlot ? this.#system : this.#threads.get(slot);
    const isGone = thread?.isGone() ?? false;
    if (isGone) this.#crashed = true;
    return isGone;
  }

  #threadExited(slot: number, thread: HostThread, code: number, error: unknown): void {
    if (this.#state === "closed" || this.#threads.get(slot) !== thread) return;
    this.#threads.delete(slot);
    this.#crashed = true;
    const obstacle = recover(this.#main, slot, code, error);
    if (!obstacle) this.#startThread(slot).catch((cause) => this.#fatal(cause));
    else if (!(obstacle instanceof RuntimeClosedError)) this.#fatal(obstacle);
  }

  async #breakDeadlocks(): Promise<void> {
    if (this.#threads.size === this.#settings.threads)
      await breakDeadlocks(this.#main, this.#threads, () => this.#state === "closed");
  }

  /** Nothing can go on: everybody who waits is told, and the threads are ended. */
  #fatal(error: unknown): void {
    if (this.#state === "closed") return;
    this.#ended ??= { cause: error };
    this.#main.rejectAll(() => error);
    this.close().catch(() => undefined);
  }

  /**
   * Ends the runtime. No task can be spawned any more; those that run get `timeout` milliseconds to end, then they are
   * cancelled; what has not ended half a second later (a coroutine that never yields) is ended with its thread, and its
   * promise rejects with RuntimeClosedError. So it takes at most about `timeout` + 1 s. Called again it waits for the same
   * end; a `timeout` can bring that forward.
   */
  close(options?: CloseOptions): Promise<void> {
    const timeout = checkClose(options);
    if (!this.#closing || options?.timeout !== undefined) this.#closeBy(performance.now() + timeout);
    this.#closing ??= awake(this.#close());
    return this.#closing;
  }

  /** When running work is cancelled, at the latest. */
  #closeBy(moment: number): void {
    if (this.#time.isBy(moment)) this.#main.heap.deadline = moment + GRACE;
  }

  async #close(): Promise<void> {
    const main = this.#main;
    this.#state = "closing";
    this.gc.close();
    try {
      await this.#windDown();
    } finally {
      // Whatever went wrong before: nothing of the runtime is left.
      main.rejectAll(() => new RuntimeClosedError("The runtime was closed before this coroutine had ended"));
      this.#state = "closed";
      this.#dues.close();
      this.#threads.clear();
      await this.#host.close().finally(() => {
        main.close();
        this.#snapshots.close();
        endSwap(main.kernel);
      });
    }
  }

  /** Waits for the tasks, asks those that are left to end, stops the threads. */
  async #windDown(): Promise<void> {
    const main = this.#main;
    this.#dues.deliver();
    await this.#time.give(this.#dues);
    if (main.outstanding > 0) {
      const asked = await main.cancelAll(new RuntimeClosedError("The runtime is closing"), GRACE);
      if (asked) await bounded(main.whenIdle(), GRACE);
    }
    main.rejectAll(() => new RuntimeClosedError("The runtime was closed before this coroutine had ended"));
    const stopped = [...this.#threads.values()].map((thread) => thread.ask((control) => control.stop()));
    await bounded(Promise.all([...stopped, this.#system.stop()]), GRACE / 2);
    // A failure that nobody has asked for is reported a turn of the event loop later, and its task is looked at then.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
