/** The fibers of a thread: its table of those that have not ended, the queue of those that can go on, and what wakes them. */
import { type Heap, Room, releasing, Scope, thread } from "@ungil/heap";
import { type Kernel, Layout as L, OutOfMemoryError, SyncLayout as S, StorageError } from "@ungil/kernel";
import { argumentsIn } from "./arguments.js";
import type { Definition } from "./coroutines.js";
import { type FiberWait, waitsOf } from "./deadlock.js";
import { EventLoopThread } from "./event-loop.js";
import type { SyncExports } from "./exports.js";
import { ENDED, Fiber, READY, WAITING } from "./fiber.js";
import { Ring } from "./ring.js";
import { type Task, wrapTask } from "./task.js";

/** What the scheduler asks of its worker. */
export interface Surroundings {
  /** The definition of a coroutine id, or a promise of it while its module is imported. */
  find(id: string): Definition | Promise<Definition>;
  /**
   * A task failed, and its parent has ended and never asked for it. Address of the task, and the scope in which it is kept;
   * whether somebody has cancelled it.
   */
  unhandled(task: number, kept: Scope, wasCancelled: boolean): void;
}

export abstract class FiberThread extends EventLoopThread {
  readonly fibers: (Fiber | null)[] = [];
  readonly #free: number[] = [];
  readonly ready = new Ring<Fiber>();
  /** Fibers whose module is being imported. */
  loading = 0;
  /** Fibers that wait for a lock: they want to run as much as those that are ready. */
  protected lockWaits = 0;
  /** Where the thread stands between the steps of a run. */
  readonly service: Scope;
  /** Index of the word that names the task whose step runs. */
  readonly taskWord: number;

  constructor(
    kernel: Kernel<SyncExports>,
    heap: Heap,
    readonly surroundings: Surroundings,
    spinRounds: number,
  ) {
    super(kernel, heap, spinRounds);
    this.service = new Scope(heap, kernel.exports, false);
    this.taskWord = (kernel.block + L.TB_TASK) >>> 2;
  }

  // The table.

  /** A number for a fiber to come. */
  indexTake(): number {
    return this.#free.pop() ?? this.fibers.length;
  }

  indexFree(index: number): void {
    this.#free.push(index);
  }

  /** The fiber has ended. */
  forget(fiber: Fiber): void {
    this.fibers[fiber.index] = null;
    this.#free.push(fiber.index);
  }

  /** A fiber inside the task of another one. */
  strand(parent: Fiber, steps: Fiber["steps"], onEnd: NonNullable<Fiber["onEnd"]>): Fiber {
    const root = parent.root ?? parent;
    const index = this.indexTake();
    const fiber = new Fiber(this, index, root.task, root.scope, root, onEnd);
    fiber.steps = steps;
    this.fibers[index] = fiber;
    root.strands++;
    this.ready.push(fiber);
    return fiber;
  }

  /** How much this thread has to do: fibers that want to run now, or soon. */
  protected get load(): number {
    return this.ready.length + this.loading + this.lockWaits;
  }

  // What wakes them.

  protected suspend(fiber: Fiber): void {
    fiber.state = WAITING;
    if (fiber.wait?.kind === S.WAIT_LOCK) this.lockWaits++;
  }

  protected resume(fiber: Fiber): void {
    if (fiber.wait?.kind === S.WAIT_LOCK) this.lockWaits--;
    fiber.state = READY;
  }

  /** The wait that began in step `turn` of a fiber has ended, on this very thread. It may have been given up since. */
  wakeLocal(fiber: Fiber, turn: number): void {
    if (fiber.state !== WAITING || fiber.turn !== turn) return;
    this.resume(fiber);
    this.ready.push(fiber);
    this.poke();
  }

  /** Resumes the fiber when the promise has settled, however. */
  waitForPromise(fiber: Fiber, promise: Promise<unknown>): void {
    this.pendingMore();
    const { turn } = fiber;
    const wake = () => {
      this.pendingLess();
      this.wakeLocal(fiber, turn);
    };
    promise.then(wake, wake);
  }

  /** Throws into a fiber, where it waits or at its next step. */
  cancelStrand(fiber: Fiber, error: unknown): void {
    if (fiber.state === ENDED || fiber.ending) return;
    fiber.error = error;
    fiber.hasError = true;
    if (fiber.state !== WAITING) return;
    this.resume(fiber);
    this.ready.push(fiber);
    this.poke();
  }

  /** A deadlock: fails these fibers, if each still waits as it did when it was reported. */
  breakWaits(waits: readonly FiberWait[], error: () => unknown): void {
    const now = new Map(waitsOf(this).map((wait) => [wait.fiber, wait]));
    for (const { fiber, task, kind, target } of waits) {
      const same = now.get(fiber);
      if (same?.task !== task || same.kind !== kind || same.target !== target) continue;
      this.cancelStrand(this.fibers[fiber] as Fiber, error());
    }
  }

  /** The step of a fiber that goes on later is over. */
  stepOver(fiber: Fiber): void {
    fiber.scope.open = false;
    thread.scope = this.service;
    let status = releasing(() => this.x.taskYield(0));
    for (const room = new Room(this.heap, 1); status === L.E_MEMORY && room.make(); )
      status = releasing(() => this.x.taskYield(0));
    if (status === L.E_MEMORY) status = releasing(() => this.x.taskYield(1));
    if (status === 0) return;
    // Its handles could not be pinned, and are gone: it cannot go on.
    const what = "The handles of a coroutine";
    const { swap } = this.kernel;
    this.cancelStrand(
      fiber.root ?? fiber,
      status === L.E_MEMORY
        ? new OutOfMemoryError(what)
        : new StorageError(`${what} could not be read from the swap file`, { cause: swap?.error }),
    );
  }

  // What operations ask for.

  spawn(parent: Fiber, definition: Definition, args: unknown[]): Task<unknown> {
    const { x } = this;
    if (++parent.children >= parent.sweepAt) {
      parent.children = x.childrenSweep(parent.task);
      parent.sweepAt = Math.max(64, parent.children * 2);
    }
    const id = this.idAddress(definition);
    const values = argumentsIn(thread.scope as Scope, args);
    const flags = args.length > values ? S.TASK_SPREAD : 0;
    const task = x.taskCreate(id, values, parent.task, flags);
    if (task >= 0 && task < L.ERROR_LIMIT) return this.#spawnAgain(parent, id, args, flags);
    return wrapTask(task);
  }

  #spawnAgain(parent: Fiber, id: number, args: unknown[], flags: number): Task<unknown> {
    const { x, heap } = this;
    const task = heap.retry("spawn()", () =>
      x.taskCreate(id, argumentsIn(thread.scope as Scope, args), parent.task, flags),
    );
    return wrapTask(task);
  }
}
