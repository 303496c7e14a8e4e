/**
 * The scheduler of one worker thread. It runs steps in *runs*: synchronously, until there is nothing to do or it is time for
 * a turn of the event loop (timers, promises and messages come in there). In between the thread holds nothing.
 *
 *   what is next:  the fiber that was woken last (at most 3 times in a row: tokio's LIFO slot), then the other ready fibers
 *   in order, then a task to start: from the own deque, the injection queue, another thread's deque. Every 8th time the own
 *   deque comes before the ready fibers and every 61st the injection queue (Go's number), so that nothing starves; but a
 *   thread that has more fibers than the others leaves tasks to them.
 *
 *   RUNNING --nothing to do--> a turn of microtasks (a promise may be settled) --> spin --> PARKED in the event loop
 */
import { crossing, type Heap, Scope, thread, valueIn } from "@ungil/heap";
import { type Kernel, Layout as L, OutOfMemoryError, SyncLayout as S } from "@ungil/kernel";
import { argumentsIn, argumentsOut } from "./arguments.js";
import type { Definition } from "./coroutines.js";
import { CancelledError, OperationNotAwaitedError } from "./errors.js";
import type { SyncExports } from "./exports.js";
import { failureIn } from "./failure.js";
import { ENDED, Fiber, here, READY, RUNNING, WAITING } from "./fiber.js";
import { isOperation, WAIT } from "./operation.js";
import { unpack } from "./rebuild.js";
import { Ring } from "./ring.js";
import { Task, wrapTask } from "./task.js";
import { Thread } from "./thread.js";

/** What the scheduler asks of its worker. */
export interface Surroundings {
  /** The definition of a coroutine id, or a promise of it while its module is imported. */
  find(id: string): Definition | Promise<Definition>;
  /** A task failed, and its parent has ended and never asked for it. Address of the task, which is kept. */
  unhandled(task: number): void;
}

const LIFO_MAX = 3;
const OWN_EVERY = 8;
const INJECTION_EVERY = 61;
const TURN_WITH_PENDING = 2; // ms between turns of the event loop if timers or promises are waited for
const TURN = 8; // ms otherwise
const OTHERS_MAX = 30; // ms that tasks are left to threads with less to do

type Phase = "idle" | "running" | "parked" | "stopped";

export class Scheduler extends Thread {
  readonly #fibers: (Fiber | null)[] = [];
  readonly #free: number[] = [];
  readonly #ready = new Ring<Fiber>();
  #lifo: Fiber | null = null;
  #lifoRuns = 0;
  #tick = 0;
  #phase: Phase = "idle";
  #parkSerial = 0;
  #pending = 0;
  #sinceTurn = performance.now();
  /** Time as of a few steps ago. */
  #now = performance.now();
  /** Since when a task has been left to others, 0 if none has. */
  #leftSince = 0;
  /** Fibers whose module is being imported. */
  #loading = 0;
  #microtasksTried = false;
  readonly #service: Scope;
  readonly #definitions = new Map<number, Definition>();
  // Indexes of the words that every round looks at.
  readonly #inbox: number;
  readonly #delivered: number;
  readonly #cancels: number;
  readonly #task: number;
  readonly #park: number;
  readonly #load: number;

  constructor(
    kernel: Kernel<SyncExports>,
    heap: Heap,
    readonly surroundings: Surroundings,
    readonly spinRounds: number,
  ) {
    super(kernel, heap);
    this.#service = new Scope(heap, kernel.exports, false);
    const at = (field: number) => (kernel.block + field) >>> 2;
    this.#inbox = at(S.TB_INBOX);
    this.#delivered = at(S.TB_DELIVERED);
    this.#cancels = at(S.TB_CANCELS);
    this.#task = at(L.TB_TASK);
    this.#park = at(S.TB_PARK);
    this.#load = at(S.TB_LOAD);
  }

  // What wakes it.

  start(): void {
    setImmediate(() => this.#pump());
  }

  stop(): void {
    this.#phase = "stopped";
    this.x.parkEnd();
  }

  poke(): void {
    if (this.#phase !== "parked") return;
    this.#phase = "idle";
    this.x.parkEnd();
    queueMicrotask(() => this.#pump());
  }

  pendingMore(): void {
    this.pending = ++this.#pending;
  }

  pendingLess(): void {
    this.pending = --this.#pending;
  }

  /** The wait of a fiber has ended on this very thread. */
  wakeLocal(fiber: Fiber): void {
    if (fiber.state !== WAITING) return;
    fiber.state = READY;
    this.#ready.push(fiber);
    this.poke();
  }

  /** Resumes the fiber when the promise has settled, however. */
  waitForPromise(fiber: Fiber, promise: Promise<unknown>): void {
    this.pendingMore();
    const wake = () => {
      this.pendingLess();
      this.wakeLocal(fiber);
    };
    promise.then(wake, wake);
  }

  // Runs.

  #pump(): void {
    if (this.#phase === "running" || this.#phase === "stopped") return;
    this.#phase = "running";
    if (performance.now() - this.#sinceTurn > TURN) this.#sinceTurn = performance.now();
    const more = this.#run();
    if ((this.#phase as Phase) === "stopped") return;
    this.#phase = "idle";
    if (more) return this.#turn();
    if (this.#pending > 0 && !this.#microtasksTried && performance.now() - this.#sinceTurn < TURN_WITH_PENDING) {
      this.#microtasksTried = true;
      queueMicrotask(() => this.#pump());
      return;
    }
    this.#microtasksTried = false;
    this.#parkNow();
  }

  /** A turn of the event loop. */
  #turn(): void {
    setImmediate(() => {
      this.#sinceTurn = performance.now();
      this.#pump();
    });
  }

  #parkNow(): void {
    const { x, kernel } = this;
    if (x.parkSpin(this.spinRounds)) return this.#turn();
    if (!x.parkBegin()) return this.#turn();
    this.#phase = "parked";
    const serial = ++this.#parkSerial;
    // TypeScript's library has no Atomics.waitAsync yet.
    const { waitAsync } = Atomics as unknown as {
      waitAsync(array: Int32Array, index: number, value: number): { async: boolean; value: Promise<string> | string };
    };
    const wait = waitAsync(kernel.i32, this.#park, 1);
    const wake = () => {
      if (serial !== this.#parkSerial || this.#phase !== "parked") return;
      this.#phase = "idle";
      this.#sinceTurn = performance.now();
      this.#pump();
    };
    if (wait.async) (wait.value as Promise<string>).then(wake);
    else setImmediate(wake);
  }

  /** Runs steps; true if there is more to do after a turn of the event loop. */
  #run(): boolean {
    const { x, kernel } = this;
    const { u32 } = kernel;
    const outer = thread.scope;
    x.runBegin();
    this.#service.open = true;
    thread.scope = this.#service;
    try {
      let last = performance.now();
      this.#now = last;
      let every = 1;
      let left = every;
      for (;;) {
        if (u32[this.#inbox] !== 0 || u32[this.#delivered] !== 0) this.#messages();
        if (u32[this.#cancels] !== 0) this.#cancellations();
        const fiber = this.#next();
        if (fiber) {
          this.#microtasksTried = false;
          this.#step(fiber);
        } else if (this.#loading > 0) return true;
        else if (!x.workIsThere()) return false;
        if (--left > 0) continue;
        const now = performance.now();
        if (now - last < 0.05) every = Math.min(64, every * 2);
        else if (now - last > 0.5) every = Math.max(1, every >> 1);
        left = every;
        last = now;
        this.#now = now;
        if (now - this.#sinceTurn > (this.#pending > 0 ? TURN_WITH_PENDING : TURN)) return true;
        if ((this.#phase as Phase) === "stopped") return false;
      }
    } finally {
      u32[this.#task] = 0;
      x.stepFinish();
      this.#service.open = false;
      thread.scope = outer;
      u32[this.#load] = this.#ready.length + this.#loading;
      x.runEnd();
    }
  }

  #next(): Fiber | null {
    const lifo = this.#lifo;
    if (lifo) {
      this.#lifo = null;
      if (this.#lifoRuns++ < LIFO_MAX) return lifo;
      this.#ready.push(lifo);
    }
    this.#lifoRuns = 0;
    const tick = ++this.#tick;
    if (this.#ready.length > 0 && (tick % OWN_EVERY === 0 || tick % INJECTION_EVERY === 0) && this.#mayStart()) {
      const task = this.x.taskNext(tick % INJECTION_EVERY === 0 ? 1 : 0);
      if (task) return this.#begin(task);
    }
    const fiber = this.#ready.shift();
    if (fiber) return fiber;
    if (this.#loading > 0 && !this.#mayStart()) return null;
    const task = this.x.taskNext(0) || this.x.taskSteal();
    return task ? this.#begin(task) : null;
  }

  /**
   * Whether this thread, which has fibers to run, may start one more task: a started one stays here, so it is better left
   * to a thread with less to do, unless none has come for it for a while.
   */
  #mayStart(): boolean {
    const load = this.#ready.length + this.#loading;
    this.kernel.u32[this.#load] = load;
    const advice = this.x.startAdvice(load);
    if (advice === 3) return false;
    if (advice === 2) {
      this.#leftSince ||= this.#now;
      if (this.#now - this.#leftSince < OTHERS_MAX) return false;
    }
    this.#leftSince = 0;
    return advice !== 0;
  }

  #messages(): void {
    const { x, kernel } = this;
    const { u32 } = kernel;
    const at = kernel.scratch >>> 2;
    const watched: number[] = [];
    const messages = x.inboxTake();
    for (let n = 0; n < messages; n++) {
      const number = u32[at + 4 * n] as number;
      if (number >= 0x40000000) {
        watched.push(number, u32[at + 4 * n + 2] as number);
        continue;
      }
      const fiber = this.#fibers[number];
      if (!fiber || fiber.waiter === 0) continue;
      fiber.waiter = 0;
      fiber.payload = u32[at + 4 * n + 3] as number;
      if (fiber.state !== WAITING) continue; // it was cancelled a moment ago, and is ready already
      fiber.state = READY;
      if (this.#lifo) this.#ready.push(fiber);
      else this.#lifo = fiber;
    }
    if (watched.length === 0) return;
    for (let n = 0; n < watched.length; n += 2) this.watched(watched[n] as number, (watched[n + 1] as number) | 0);
    this.#serviceEnd();
  }

  /** What was done between steps is forgotten. */
  #serviceEnd(): void {
    this.kernel.u32[this.#task] = 0;
    this.x.stepFinish();
    this.x.stepBegin(0);
  }

  #cancellations(): void {
    for (;;) {
      const number = this.x.cancelTake();
      if (number < 0) break;
      const fiber = this.#fibers[number];
      if (!fiber || fiber.isCancelled) continue;
      fiber.isCancelled = true;
      this.cancelStrand(fiber, this.#reasonOf(fiber.task));
    }
    this.#serviceEnd();
  }

  #reasonOf(task: number): CancelledError {
    const address = this.x.taskReason(task);
    if (!address) return new CancelledError();
    return new CancelledError(undefined, { cause: unpack(this.failureAt(address), "") });
  }

  /** Throws into a fiber, where it waits or at its next step. */
  cancelStrand(fiber: Fiber, error: unknown): void {
    if (fiber.state === ENDED || fiber.ending) return;
    fiber.error = error;
    fiber.hasError = true;
    if (fiber.state !== WAITING) return;
    fiber.state = READY;
    this.#ready.push(fiber);
    this.poke();
  }

  /** A deadlock: fails the fibers that wait for a lock (or for a task). Number of them. */
  breakWaits(kind: number, error: () => unknown): number {
    let broken = 0;
    for (const fiber of this.#fibers) {
      if (!fiber || fiber.state !== WAITING || fiber.waiter === 0) continue;
      if (!fiber.ending && fiber.wait?.kind !== kind) continue;
      if (fiber.ending) continue;
      this.cancelStrand(fiber, error());
      broken++;
    }
    return broken;
  }

  // Starting and ending.

  #begin(picked: number): Fiber | null {
    const { x, kernel, heap } = this;
    const task = picked | 0;
    const index = this.#free.pop() ?? this.#fibers.length;
    const values = x.taskStart(task, index);
    if (values < -1) {
      this.#free.push(index);
      x.taskRequeue();
      x.reclaim();
      return null;
    }
    const address = kernel.i32[kernel.outRef] as number;
    const flags = kernel.u32[kernel.outA] as number;
    const fiber = new Fiber(this, index, task, new Scope(heap, x, false), null, null);
    this.#fibers[index] = fiber;
    kernel.u32[this.#load] = this.#ready.length + this.#loading + 1;
    if (values === -1) {
      kernel.u32[this.#task] = task;
      this.#finish(fiber, { failed: true, cancelled: true, value: this.#reasonOf(task) });
      return null;
    }
    const known = this.#definitions.get(address);
    if (known) return this.#enter(fiber, known, values, flags);
    return this.#resolve(fiber, address, flags);
  }

  /** The first coroutine of its name on this thread. */
  #resolve(fiber: Fiber, address: number, flags: number): Fiber | null {
    const { x, heap } = this;
    const found = this.surroundings.find(heap.strings.read(address));
    if (!(found instanceof Promise)) {
      this.#definitions.set(address, found);
      return this.#enter(fiber, found, x.taskArguments(fiber.task), flags);
    }
    fiber.state = WAITING;
    this.#loading++;
    found.then(
      (definition) => {
        this.#loading--;
        this.#definitions.set(address, definition);
        fiber.steps = this.#firstSteps(fiber, definition, flags);
      },
      (error) => {
        this.#loading--;
        fiber.steps = failing(error);
      },
    );
    this.waitForPromise(fiber, found);
    return null;
  }

  #enter(fiber: Fiber, definition: Definition, values: number, flags: number): Fiber | null {
    fiber.scope.open = true;
    thread.scope = fiber.scope;
    this.kernel.u32[this.#task] = fiber.task;
    try {
      const args = argumentsOut(this.heap, values, flags);
      fiber.steps = args.length === 0 ? definition.body() : definition.body(...args);
    } catch (error) {
      fiber.steps = failing(error);
    }
    fiber.scope.open = false;
    thread.scope = this.#service;
    return fiber;
  }

  /** The arguments are read when the first step runs: the thread holds nothing now. */
  #firstSteps(fiber: Fiber, definition: Definition, flags: number): Fiber["steps"] {
    const { heap, x } = this;
    return (function* () {
      const args = argumentsOut(heap, x.taskArguments(fiber.task), flags);
      return yield* definition.body(...args);
    })();
  }

  /** A fiber inside the task of another one. */
  strand(parent: Fiber, steps: Fiber["steps"], onEnd: NonNullable<Fiber["onEnd"]>): Fiber {
    const root = parent.root ?? parent;
    const index = this.#free.pop() ?? this.#fibers.length;
    const fiber = new Fiber(this, index, root.task, root.scope, root, onEnd);
    fiber.steps = steps;
    this.#fibers[index] = fiber;
    root.strands++;
    this.#ready.push(fiber);
    return fiber;
  }

  #step(fiber: Fiber): void {
    if (fiber.state !== READY) return;
    if (fiber.ending) return this.#settle(fiber);
    const { x, kernel } = this;
    kernel.u32[this.#task] = fiber.task;
    here.fiber = fiber;
    fiber.state = RUNNING;
    fiber.scope.open = true;
    thread.scope = fiber.scope;
    let result: IteratorResult<unknown, unknown>;
    try {
      if (fiber.hasError) result = this.#throwInto(fiber);
      else result = (fiber.steps as NonNullable<Fiber["steps"]>).next();
    } catch (error) {
      here.fiber = null;
      return this.#ended(fiber, true, error);
    }
    here.fiber = null;
    if (result.done) return this.#ended(fiber, false, result.value);
    const { value } = result;
    if (fiber.made !== null || (value !== undefined && value !== WAIT)) this.#misuse(fiber, value);
    if (value === WAIT) {
      // It may have been cancelled during the step.
      fiber.state = fiber.hasError ? READY : WAITING;
      if (fiber.hasError) this.#ready.push(fiber);
    } else {
      fiber.state = READY;
      this.#ready.push(fiber);
    }
    fiber.scope.open = false;
    thread.scope = this.#service;
    if (x.taskYield() !== 0) this.#outOfHandles(fiber);
  }

  #throwInto(fiber: Fiber): IteratorResult<unknown, unknown> {
    const { error } = fiber;
    fiber.error = undefined;
    fiber.hasError = false;
    if (!fiber.steps) throw error; // its module was still being imported
    return (fiber.steps as Required<Iterator<unknown, unknown, unknown>>).throw(error);
  }

  #misuse(fiber: Fiber, value: unknown): void {
    let error: unknown = fiber.takeUnawaited();
    if (!error && isOperation(value)) error = new OperationNotAwaitedError(value.label());
    else if (!error && value instanceof Task) error = new OperationNotAwaitedError("join(task)");
    else if (!error && value !== undefined && value !== WAIT) {
      error = new TypeError(
        `A coroutine yielded ${typeof value}. Use a plain yield, yield* operation, or yield* until(promise).`,
      );
    }
    if (!error) return;
    fiber.error = error;
    fiber.hasError = true;
  }

  /** Its handles could not be pinned, and are gone: it cannot go on. */
  #outOfHandles(fiber: Fiber): void {
    const root = fiber.root ?? fiber;
    this.cancelStrand(root, new OutOfMemoryError("The handles of a coroutine"));
  }

  #ended(fiber: Fiber, failed: boolean, value: unknown): void {
    if (!failed && fiber.made !== null) {
      failed = true;
      value = fiber.takeUnawaited();
    }
    if (!failed && isOperation(value)) {
      failed = true;
      value = new OperationNotAwaitedError(value.label());
    }
    fiber.wait = null;
    if (fiber.root) return this.#strandEnded(fiber, failed, value);
    if (fiber.guards) for (const guard of [...fiber.guards]) guard.release();
    const ending = { failed, cancelled: failed && fiber.isCancelled && value instanceof CancelledError, value };
    if (fiber.children === 0 && fiber.strands === 0) return this.#finish(fiber, ending);
    fiber.ending = ending;
    this.#encodeEarly(fiber);
    this.x.childrenCancel(fiber.task);
    this.#closeStep(fiber);
    this.#settle(fiber);
  }

  /** A value that cannot be shared is an error of this coroutine, also if its children are still ending. */
  #encodeEarly(fiber: Fiber): void {
    const ending = fiber.ending as NonNullable<Fiber["ending"]>;
    if (ending.failed) return;
    try {
      valueIn(fiber.scope, ending.value, "The result");
    } catch (error) {
      ending.failed = true;
      ending.value = error;
    }
  }

  #closeStep(fiber: Fiber): void {
    fiber.scope.open = false;
    thread.scope = this.#service;
    if (this.x.taskYield() !== 0) this.#outOfHandles(fiber);
  }

  #strandEnded(fiber: Fiber, failed: boolean, value: unknown): void {
    const root = fiber.root as Fiber;
    fiber.state = ENDED;
    this.#release(fiber);
    root.strands--;
    this.#closeStep(fiber);
    fiber.onEnd?.(fiber, failed, value);
    if (root.ending) this.#settle(root);
  }

  /** A coroutine that has ended waits for its strands and its children. */
  #settle(fiber: Fiber): void {
    const { x, kernel } = this;
    const ending = fiber.ending as NonNullable<Fiber["ending"]>;
    fiber.state = WAITING;
    kernel.u32[this.#task] = fiber.task;
    for (;;) {
      if (fiber.strands > 0 || fiber.waiter !== 0) break;
      const child = x.childFirst(fiber.task);
      if (!child) {
        fiber.ending = null;
        return this.#finish(fiber, ending);
      }
      const state = (kernel.u32[kernel.outA] as number) & S.TASK_STATE_MASK;
      if (state >= S.TASK_DONE) {
        this.#reportUnhandled(child);
        continue;
      }
      const status = x.taskJoin(child, fiber.index);
      if (status !== 0) continue;
      fiber.waiter = kernel.u32[kernel.outA] as number;
      x.waitsFor(S.WAIT_CHILDREN, child);
      break;
    }
    x.stepEnd();
  }

  /** The main thread reads the error from the task itself, which is kept for it. */
  #reportUnhandled(child: number): void {
    this.x.taskObserve(child);
    this.heap.adopt(child);
    this.surroundings.unhandled(child);
  }

  #finish(fiber: Fiber, ending: { failed: boolean; cancelled: boolean; value: unknown }): void {
    const { x, kernel } = this;
    fiber.state = ENDED;
    fiber.scope.open = true;
    thread.scope = fiber.scope;
    kernel.u32[this.#task] = fiber.task;
    let { failed, cancelled, value } = ending;
    if (!failed) {
      try {
        if (value === undefined) crossing.tag = L.TAG_UNDEFINED;
        else valueIn(fiber.scope, value, "The result");
      } catch (error) {
        failed = true;
        value = error;
      }
    }
    let error = 0;
    if (failed) {
      error = failureIn(fiber.scope, value);
      cancelled &&= value instanceof CancelledError;
      crossing.tag = L.TAG_UNDEFINED;
    }
    const state = failed ? (cancelled ? S.TASK_CANCELLED : S.TASK_FAILED) : S.TASK_DONE;
    fiber.scope.open = false;
    thread.scope = this.#service;
    this.#release(fiber);
    x.taskEnd(fiber.task, state, crossing.tag, crossing.ref, crossing.number, error);
  }

  #release(fiber: Fiber): void {
    this.#fibers[fiber.index] = null;
    this.#free.push(fiber.index);
  }

  // What operations ask for.

  spawn(parent: Fiber, definition: Definition, args: unknown[]): Task<unknown> {
    const { x, heap } = this;
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

function* failing(error: unknown): Generator<never, unknown, unknown> {
  throw error;
}
