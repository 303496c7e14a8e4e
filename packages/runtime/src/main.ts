/**
 * The main thread's side of a runtime: it spawns tasks and waits for them. It runs no coroutines: each of its accesses is a
 * step of its own, so it never delays anybody. Results come into its inbox; it is woken through its park word, in its event
 * loop. A pending wait on that word does not keep a process alive, so a timer does while tasks are outstanding; the same
 * timer looks for deadlocks.
 */
import { RuntimeClosedError, type Scope, thread } from "@ungil/heap";
import {
  type Kernel,
  KernelPanicError,
  Layout as L,
  OutOfMemoryError,
  SyncLayout as S,
  StorageError,
} from "@ungil/kernel";
import { onAbort } from "./abort.js";
import { argumentsIn } from "./arguments.js";
import type { Definition } from "./coroutines.js";
import { CancelledError } from "./errors.js";
import type { SyncExports } from "./exports.js";
import type { MainHeap } from "./main-heap.js";
import { cancelTask, setPromise, settle, type Task, wrapTask } from "./task.js";
import { type Outcome, Thread } from "./thread.js";

/** Of the runtimes that are open, in the order of their start: the newest is where this thread stands outside coroutines. */
const roots: Scope[] = [];

/** A task that this thread has spawned and that has not ended. */
interface Outstanding {
  readonly task: number;
  readonly reject: (error: unknown) => void;
  /** The same, and the hook for failures gets to know if nobody has asked for its promise. */
  readonly fail: (error: unknown) => void;
}

export interface MainEvents {
  /** A task failed and nobody has asked for its promise. */
  unhandled(error: unknown, task: Task<unknown>): void;
  /** Nothing has happened for a while, and nothing can by itself: is it a deadlock? */
  stillness(): Promise<void>;
  /** The kernel has given up. */
  panic(error: Error): void;
}

/**
 * Whoever cancels a task wants it to end with a CancelledError, be it the one of another task, cancelled as well, that it
 * waited for. A task that nobody has cancelled has failed if it ends with one: its work is not done, and nobody asked for
 * that. The same for tasks of the main thread and of coroutines.
 */
const isWanted = (error: unknown, wasCancelled: boolean) => wasCancelled && error instanceof CancelledError;

const HEARTBEAT = 50; // ms; a deadlock is one that two heartbeats have seen

export class MainThread extends Thread {
  declare readonly heap: MainHeap;
  readonly #events: MainEvents;
  readonly #outstanding = new Set<Outstanding>();
  #timer: NodeJS.Timeout | undefined;
  #parkSerial = 0;
  #parked = false;
  #closed = false;
  #stillness = -1;
  #breaking = false;
  #idle: (() => void)[] = [];
  readonly #park: number;

  constructor(kernel: Kernel<SyncExports>, heap: MainHeap, events: MainEvents) {
    super(kernel, heap);
    this.#events = events;
    this.#park = (kernel.block + S.TB_PARK) >>> 2;
    this.#parkNow();
  }

  get outstanding(): number {
    return this.#outstanding.size;
  }

  // Waking.

  poke(): void {
    if (!this.#parked || !this.x.workIsThere()) return;
    this.#parked = false;
    this.x.parkEnd();
    queueMicrotask(() => this.#receive());
  }

  #parkNow(): void {
    if (this.#closed) return;
    const { x, kernel } = this;
    if (!x.parkBegin()) {
      queueMicrotask(() => this.#receive());
      return;
    }
    this.#parked = true;
    const serial = ++this.#parkSerial;
    const { waitAsync } = Atomics as unknown as {
      waitAsync(array: Int32Array, index: number, value: number): { async: boolean; value: Promise<string> | string };
    };
    const wait = waitAsync(kernel.i32, this.#park, 1);
    const wake = () => {
      if (serial !== this.#parkSerial || !this.#parked) return;
      x.parkEnd();
      this.#parked = false;
      this.#receive();
    };
    if (wait.async) (wait.value as Promise<string>).then(wake);
    else queueMicrotask(wake);
  }

  /** Takes what is in the inbox, in one batch. */
  #receive(): void {
    if (this.#closed) return;
    try {
      this.#takeInbox();
    } catch (error) {
      if (error instanceof RuntimeClosedError) return; // closing: what is outstanding is rejected
      if (error instanceof OutOfMemoryError) {
        setTimeout(() => this.#receive(), HEARTBEAT).unref(); // what is left is in the inbox still
        return;
      }
      this.#parkNow();
      throw error;
    }
    this.#parkNow();
  }

  #takeInbox(): void {
    this.heap.batch(() => {
      const { u32, scratch } = this.kernel;
      const at = scratch >>> 2;
      for (;;) {
        const messages = this.x.inboxTake();
        if (messages === 0) break;
        const ended: [number, number][] = [];
        for (let n = 0; n < messages; n++) ended.push([u32[at + 4 * n] as number, (u32[at + 4 * n + 2] as number) | 0]);
        for (const [number, task] of ended) {
          try {
            this.watched(number, task);
          } catch (error) {
            this.failed(task, error); // the others are told all the same
          }
        }
      }
    });
  }

  // Spawning.

  /** Spawns a task. `at`: where, for the stack of its error. */
  spawn(
    definition: Definition,
    args: unknown[],
    signal: AbortSignal | undefined,
    at: { stack?: string },
  ): Task<unknown> {
    return this.spawnAs(
      (scope) => {
        const id = this.idAddress(definition);
        return this.heap.retry("spawn()", () => {
          const values = argumentsIn(scope, args);
          return this.x.taskCreate(id, values, 0, args.length > values ? S.TASK_SPREAD : 0);
        });
      },
      at,
      signal,
    );
  }

  /** A task that `create` makes, which returns its address. */
  spawnAs(create: (scope: Scope) => number, at: { stack?: string }, signal?: AbortSignal): Task<unknown> {
    const { heap } = this;
    let resolve!: (value: unknown) => void;
    let reject!: (error: unknown) => void;
    let promise: Promise<unknown> | undefined;
    let result: (() => void) | undefined;
    // The promise is made when somebody asks for it: one that nobody has asked for cannot be an unhandled rejection.
    const ask = (): Promise<unknown> => {
      promise ??= new Promise((yes, no) => {
        resolve = yes;
        reject = no;
        result?.();
      });
      return promise;
    };
    let kept!: Task<unknown>;
    this.inStep((scope) => {
      const address = create(scope);
      kept = heap.keep(wrapTask(address) as never) as never;
      const settled = (set: () => void) => {
        this.#less(entry);
        forget?.();
        result = set;
        if (promise) set();
      };
      const entry: Outstanding = {
        task: address,
        reject: (error) => settled(() => reject(error)),
        fail: (error) => {
          settled(() => reject(error));
          if (!promise) this.#unawaited(error, kept, () => promise !== undefined);
        },
      };
      const ended = (outcome: Outcome) => {
        if (!this.#outstanding.has(entry)) return;
        const wasCancelled = (this.x.taskInspect(address) & S.TASK_CANCELLING) !== 0;
        const failed = (error: unknown) => (isWanted(error, wasCancelled) ? entry.reject : entry.fail)(error);
        settle(this, outcome, at, (value) => settled(() => resolve(value)), failed);
      };
      const forget = signal && onAbort(signal, () => this.#cancel([entry], signal.reason));
      this.#more(entry);
      try {
        this.watch(address, ended);
      } catch (error) {
        // No memory for watching it: nobody would ever hear of it, so it must not run.
        cancelTask(this, address, error);
        entry.reject(error);
        throw error;
      }
    });
    setPromise(kept, ask);
    return kept;
  }

  /**
   * As node treats a rejected promise: somebody may still ask for it in this turn of the event loop. What the hook throws is
   * an uncaught exception, for nobody stands above it then.
   */
  #unawaited(error: unknown, task: Task<unknown>, isAsked: () => boolean): void {
    setImmediate(() => {
      if (!isAsked()) this.#events.unhandled(error, task);
    });
  }

  /** A failed child of a coroutine that never asked for it. It is kept for us meanwhile. */
  orphanFailed(address: number, wasCancelled: boolean): void {
    if (this.#closed) return;
    this.heap.batch(() => {
      const task = this.heap.keep(wrapTask(address) as never) as unknown as Task<unknown>;
      const outcome = this.outcome(this.x.taskOutcome(address));
      settle(
        this,
        outcome,
        {},
        () => undefined,
        (error) => {
          if (!isWanted(error, wasCancelled)) this.#unawaited(error, task, () => false);
        },
      );
    });
  }

  #more(entry: Outstanding): void {
    this.#outstanding.add(entry);
    if (this.#outstanding.size > 1) return;
    if (this.#timer) this.#timer.ref();
    else this.#timer = setInterval(() => this.#beat(), HEARTBEAT);
  }

  #less(entry: Outstanding): void {
    if (!this.#outstanding.delete(entry) || this.#outstanding.size > 0) return;
    this.#timer?.unref();
    this.#stillness = -1;
    for (const idle of this.#idle.splice(0)) idle();
  }

  /** Resolves when no task is outstanding. */
  whenIdle(): Promise<void> {
    return this.#outstanding.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  #beat(): void {
    if (this.#outstanding.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const code = this.kernel.control(L.CB_PANIC);
    if (code) return this.#events.panic(new KernelPanicError(`code ${code}`));
    if (!this.isStill()) {
      this.#stillness = -1;
      return;
    }
    if (this.#breaking) return;
    const steps = this.progress();
    if (steps !== this.#stillness) {
      this.#stillness = steps;
      return;
    }
    this.#stillness = -1;
    this.#breaking = true;
    const ended = () => {
      this.#breaking = false;
    };
    this.#events.stillness().then(ended, ended);
  }

  /** Nothing can happen by itself, as far as can be seen. */
  isStill(): boolean {
    return this.settling === 0 && this.x.everythingIsStill() !== 0;
  }

  /** Grows whenever anything happens. */
  progress(): number {
    let sum = 0;
    for (let slot = 1; slot < this.kernel.control(L.CB_SLOTS); slot++) {
      for (const counter of [S.COUNTER_STEPS, S.COUNTER_CREATED, S.COUNTER_STARTED, S.COUNTER_PARKS])
        sum += this.kernel.counter(slot, counter);
    }
    return sum;
  }

  /** Objects that are made outside coroutines belong to this runtime from now on, until it closes. */
  enter(): void {
    roots.push(this.heap.root);
    thread.scope = this.heap.root;
  }

  // Ending.

  /** Asks every outstanding task to end; false if a thread kept the GIL all the time. */
  async cancelAll(reason: unknown, patience: number): Promise<boolean> {
    if (this.#outstanding.size === 0) return true;
    const until = performance.now() + patience;
    while (!this.x.gilTakeWithin(2000)) {
      if (performance.now() > until) return false;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return this.#cancel(this.#outstanding, reason);
  }

  /** Asks tasks to end; false if the runtime is closing and a thread keeps the GIL: they end with their threads. */
  #cancel(entries: Iterable<Outstanding>, reason: unknown): boolean {
    try {
      this.inStep(() => {
        for (const { task } of entries) cancelTask(this, task, reason);
      });
      return true;
    } catch (error) {
      if (error instanceof RuntimeClosedError) return false;
      throw error;
    }
  }

  /** A task has failed with an error for which there is no room in shared memory. */
  failed(task: number, error: unknown): void {
    for (const entry of [...this.#outstanding]) if (entry.task === task) entry.fail(error);
  }

  /** The disk has failed where nothing can be undone: the runtime ends. */
  panic(cause: unknown): Error {
    const error = new StorageError("The heap could not be restored, and is lost", { cause });
    this.#events.panic(error);
    return error;
  }

  rejectAll(make: () => unknown): void {
    for (const entry of [...this.#outstanding]) entry.reject(make());
  }

  close(): void {
    this.#closed = true;
    this.#parked = false;
    clearInterval(this.#timer);
    this.x.parkEnd();
    const at = roots.indexOf(this.heap.root);
    if (at >= 0) roots.splice(at, 1);
    if (thread.scope === this.heap.root) thread.scope = roots.at(-1) ?? null;
    this.heap.close();
  }
}
