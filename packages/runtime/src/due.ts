/**
 * Coroutines that are due because objects have died: the kernel queues their cells (heap/weak-due.ts), and the main thread starts them,
 * like any other task; what fails goes to the hook for failures that nobody waits for. Those of one object are run one after the other,
 * newest first, those of several side by side.
 */
import { type Heap, RuntimeClosedError, type Scope } from "@ungil/heap";
import { type Kernel, Layout as L, OutOfMemoryError, SyncLayout as S, StorageError } from "@ungil/kernel";
import { CancelledError } from "./errors.js";
import type { SyncExports } from "./exports.js";
import type { Task } from "./task.js";
import { cellWord } from "./weak.js";

/** A cell that was taken from the queue, and is counted until its task has been made. */
interface Due {
  /** Number of the death that it is due for. */
  readonly death: number;
  readonly cell: number;
  readonly kept: Scope;
}

/** How long it is tried again if there was no memory for it. */
const AGAIN = 20; // ms

/** In the place of an address: the queue is empty. */
const NONE = L.ERROR_LIMIT;

/** The runtime was closed before the coroutine had ended: that is no failure of it. */
const isOfClosing = (error: unknown) =>
  error instanceof RuntimeClosedError || (error instanceof CancelledError && error.cause instanceof RuntimeClosedError);

export interface Starter {
  readonly kernel: Kernel<SyncExports>;
  readonly heap: Heap;
  /** A task that `create` makes, which returns its address. */
  spawnAs(create: (scope: Scope) => number, at: { stack?: string }): Task<unknown>;
}

export class Dues {
  readonly #main: Starter;
  readonly #unhandled: (error: unknown, task: Task<unknown>) => void;
  readonly #word = (L.CB + L.CB_WEAK_DUES) >>> 2;
  #closed = false;
  #running = 0;
  #idle: (() => void)[] = [];
  /** What of a death runs, and until when. */
  readonly #deaths = new Map<number, Promise<void>>();

  constructor(main: Starter, unhandled: (error: unknown, task: Task<unknown>) => void) {
    this.#main = main;
    this.#unhandled = unhandled;
    this.#listen().catch(() => undefined);
  }

  /** A pending wait does not keep the process alive: what is due is told by whoever lets objects go meanwhile. */
  async #listen(): Promise<void> {
    const { i32 } = this.#main.kernel;
    // TypeScript's library has no Atomics.waitAsync yet.
    const { waitAsync } = Atomics as unknown as {
      waitAsync(array: Int32Array, index: number, value: number): { value: Promise<string> | string };
    };
    while (!this.#closed) {
      const seen = Atomics.load(i32, this.#word);
      this.deliver();
      await waitAsync(i32, this.#word, seen).value;
    }
  }

  /** Starts what is due. */
  deliver(): void {
    if (this.#closed || this.#main.heap.closed || this.#main.kernel.control(L.CB_WEAK_DUE_HEAD) === 0) return;
    const dues: Due[] = [];
    try {
      this.#main.heap.batch(() => this.#take(dues));
    } catch (error) {
      if (error instanceof OutOfMemoryError || error instanceof StorageError)
        setTimeout(() => this.deliver(), AGAIN).unref();
      else if (!(error instanceof RuntimeClosedError)) throw error;
    }
    for (let from = 0; from < dues.length; ) {
      let to = from + 1;
      while (to < dues.length && (dues[to] as Due).death === (dues[from] as Due).death) to++;
      this.#runAll(dues.slice(from, to));
      from = to;
    }
  }

  /** Nothing that was taken is left to be run. */
  whenIdle(): Promise<void> {
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Of one death. The others of it may come later: the thread on which the object died is still queueing them. */
  #runAll(dues: readonly Due[]): void {
    this.#running++;
    const { death } = dues[0] as Due;
    const run = async () => {
      await this.#deaths.get(death);
      for (const due of dues) await this.#run(due);
    };
    const ended = () => {
      if (this.#deaths.get(death) === all) this.#deaths.delete(death);
      if (--this.#running === 0) for (const idle of this.#idle.splice(0)) idle();
    };
    const all = run().then(ended, ended);
    this.#deaths.set(death, all);
  }

  async #run({ cell, kept }: Due): Promise<void> {
    let started: { task: Task<unknown> };
    try {
      started = await this.#start(cell);
    } finally {
      this.#main.heap.release(cell, kept);
    }
    const { task } = started;
    try {
      await task;
    } catch (error) {
      // What the hook throws is an uncaught exception, for nobody stands above it.
      if (!isOfClosing(error)) setImmediate(() => this.#unhandled(error, task));
    } finally {
      task[Symbol.dispose]();
    }
  }

  /** Tries until there is memory for it. (In an object: a promise of a task would be one of its result.) */
  async #start(cell: number): Promise<{ task: Task<unknown> }> {
    for (;;) {
      try {
        return { task: this.#main.spawnAs(() => this.#create(cell), {}) };
      } catch (error) {
        if (!(error instanceof OutOfMemoryError) || this.#closed) throw error;
        await new Promise<void>((resolve) => setTimeout(resolve, AGAIN));
      }
    }
  }

  /** The task of a cell: what it was made for. */
  #create(cell: number): number {
    const { kernel, heap } = this.#main;
    const x = kernel.exports;
    const word = (field: number) => cellWord(heap, cell, field);
    const isFinalizer = (word(L.OBJECT_TYPE) & L.TYPE_MASK) === L.TYPE_FINALIZER;
    const [object, list] = [word(L.WEAK_OBJECT), word(L.WEAK_ARGS)];
    const argument = object === 0 ? (isFinalizer ? list : cell) : list === 0 ? object : this.#prepend(object, list);
    const coroutine = word(L.WEAK_COROUTINE);
    x.objectImmortalize(coroutine); // of an image it may not be
    const task = heap.retry("A coroutine that is due", () => {
      kernel.u32[kernel.scratch >>> 2] = argument >>> 0;
      kernel.u32[(kernel.scratch + 4) >>> 2] = (L.BOX_REF << 16) >>> 0;
      return x.taskCreate(coroutine, argument === 0 ? 0 : 1, 0, isFinalizer && list !== 0 ? S.TASK_SPREAD : 0);
    });
    // It has done its duty: it holds nothing any more.
    for (const field of [L.WEAK_OBJECT, L.WEAK_ARGS])
      if (word(field)) heap.retry("A coroutine that is due", () => x.refStore(cell, field, 0) || NONE);
    return task;
  }

  #take(dues: Due[]): void {
    const { heap, kernel } = this.#main;
    for (;;) {
      const cell = heap.retry("A coroutine that is due", () => kernel.exports.dueTake() || NONE);
      if (cell === NONE) return;
      if (cellWord(heap, cell, L.WEAK_COROUTINE) === 0) continue;
      dues.push({ death: cellWord(heap, cell, L.WEAK_DEATH), cell, kept: heap.adopt(cell) });
    }
  }

  /** An array of an object and the elements of another array. */
  #prepend(object: number, list: number): number {
    const { heap, kernel } = this.#main;
    const x = kernel.exports;
    const what = "A destructor's arguments";
    const length = x.listLength(list);
    const all = heap.retry(what, () => x.listNew(L.TYPE_ARRAY, length + 1));
    heap.retryStatus(what, () => x.listPush(all, L.TAG_REF, object, 0));
    for (let n = 0; n < length; n++) {
      const tag = heap.retryStatus(what, () => x.listGet(list, n));
      const [ref, number] = [kernel.i32[kernel.outRef] as number, kernel.f64[kernel.outNumber] as number];
      heap.retryStatus(what, () => x.listPush(all, tag, ref, number));
    }
    return all;
  }

  close(): void {
    this.#closed = true;
    Atomics.notify(this.#main.kernel.i32, this.#word);
  }
}
