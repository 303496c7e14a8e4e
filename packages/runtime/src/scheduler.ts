/**
 * The scheduler of one worker thread: which fiber's step runs next, and the step itself.
 *
 *   what is next:  the fiber that was woken last (at most 3 times in a row: tokio's LIFO slot), then the other ready fibers
 *   in order, then a task to start: from the own deque, the injection queue, another thread's deque. Every 8th time the own
 *   deque comes before the ready fibers and every 61st the injection queue (Go's number), so that nothing starves; but a
 *   thread that has more fibers than the others leaves tasks to them.
 */
import { type Heap, releasing, thread } from "@ungil/heap";
import { type Kernel, SyncLayout as S } from "@ungil/kernel";
import { Endings } from "./endings.js";
import { OperationNotAwaitedError, YieldedValueError } from "./errors.js";
import type { SyncExports } from "./exports.js";
import { type Fiber, here, READY, RUNNING, WAITING } from "./fiber.js";
import { FiberThread, type Surroundings } from "./fibers.js";
import { isOperation, WAIT } from "./operation.js";
import { Starts } from "./starts.js";
import { Task } from "./task.js";

const LIFO_MAX = 3;
const OWN_EVERY = 8;
const INJECTION_EVERY = 61;
const OTHERS_MAX = 100; // ms that tasks are left to threads with less to do

export class Scheduler extends FiberThread {
  readonly #endings = new Endings(this);
  readonly #starts = new Starts(this, this.#endings);
  #lifo: Fiber | null = null;
  #lifoRuns = 0;
  #tick = 0;
  /** Time as of a few steps ago. */
  #now = performance.now();
  /** Since when a task has been left to others, 0 if none has. */
  #leftSince = 0;
  // Indexes of the words that every round looks at.
  readonly #inbox: number;
  readonly #delivered: number;
  readonly #cancels: number;
  readonly #load: number;

  constructor(kernel: Kernel<SyncExports>, heap: Heap, surroundings: Surroundings, spinRounds: number) {
    super(kernel, heap, surroundings, spinRounds);
    const at = (field: number) => (kernel.block + field) >>> 2;
    this.#inbox = at(S.TB_INBOX);
    this.#delivered = at(S.TB_DELIVERED);
    this.#cancels = at(S.TB_CANCELS);
    this.#load = at(S.TB_LOAD);
  }

  protected run(): boolean {
    const { x, kernel } = this;
    const { u32 } = kernel;
    const outer = thread.scope;
    x.runBegin();
    this.service.open = true;
    thread.scope = this.service;
    try {
      let last = performance.now();
      this.#now = last;
      let every = 1;
      let left = every;
      for (;;) {
        this.heap.strings.heed();
        if (u32[this.#inbox] !== 0 || u32[this.#delivered] !== 0) this.#messages();
        if (u32[this.#cancels] !== 0) this.#cancellations();
        const fiber = this.#next();
        if (fiber) {
          this.microtasksTried = false;
          this.#step(fiber);
        } else if (this.loading > 0) return true;
        else if (!x.workIsThere()) return false;
        else x.runOffer();
        if (--left > 0) continue;
        const now = performance.now();
        if (now - last < 0.05) every = Math.min(64, every * 2);
        else if (now - last > 0.5) every = Math.max(1, every >> 1);
        left = every;
        last = now;
        this.#now = now;
        if (this.isTurnDue(now)) return true;
        if (this.isStopped) return false;
      }
    } finally {
      u32[this.taskWord] = 0;
      releasing(() => x.stepFinish());
      this.service.open = false;
      thread.scope = outer;
      u32[this.#load] = this.load;
      x.runEnd();
    }
  }

  // What is next.

  #next(): Fiber | null {
    const lifo = this.#lifo;
    if (lifo) {
      this.#lifo = null;
      if (this.#lifoRuns++ < LIFO_MAX) return lifo;
      this.ready.push(lifo);
    }
    this.#lifoRuns = 0;
    const tick = ++this.#tick;
    if (this.ready.length > 0 && (tick % OWN_EVERY === 0 || tick % INJECTION_EVERY === 0) && this.#mayStart(0)) {
      const task = this.x.taskNext(tick % INJECTION_EVERY === 0 ? 1 : 0);
      if (task) return this.#begin(task);
    }
    const fiber = this.ready.shift();
    if (fiber) return fiber;
    // Nothing can run, but that is not for long: its fibers wait for locks, or for a module.
    if (this.load > 0 && !this.#mayStart(1)) return null;
    const task = this.x.taskNext(0) || this.x.taskSteal();
    return task ? this.#begin(task) : null;
  }

  #begin(task: number): Fiber | null {
    const fiber = this.#starts.begin(task);
    this.kernel.u32[this.#load] = this.load + (fiber ? 1 : 0);
    return fiber;
  }

  /**
   * Whether this thread, which has fibers of its own, may start one more task: a started one stays here, so it is better left
   * to a thread with less to do, unless none has come for it for a while. `steal`: 1 if it would look into the others' queues.
   */
  #mayStart(steal: 0 | 1): boolean {
    const { load } = this;
    this.kernel.u32[this.#load] = load;
    const advice = this.x.startAdvice(load, steal);
    if (advice === 2) {
      this.#leftSince ||= this.#now;
      if (this.#now - this.#leftSince < OTHERS_MAX) return false;
    }
    this.#leftSince = 0;
    return advice !== 0;
  }

  // What comes from other threads.

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
      const fiber = this.fibers[number];
      if (!fiber || fiber.waiter === 0) continue;
      fiber.waiter = 0;
      fiber.payload = u32[at + 4 * n + 3] as number;
      if (fiber.state !== WAITING) continue; // it was cancelled a moment ago, and is ready already
      this.resume(fiber);
      if (this.#lifo) this.ready.push(fiber);
      else this.#lifo = fiber;
    }
    if (watched.length === 0) return;
    for (let n = 0; n < watched.length; n += 2) this.watched(watched[n] as number, (watched[n + 1] as number) | 0);
    this.#serviceEnd();
  }

  /** What was done between steps is forgotten. */
  #serviceEnd(): void {
    this.kernel.u32[this.taskWord] = 0;
    releasing(() => this.x.stepFinish());
    this.x.stepBegin(0);
  }

  #cancellations(): void {
    for (;;) {
      const number = this.x.cancelTake();
      if (number < 0) break;
      const fiber = this.fibers[number];
      if (!fiber || fiber.isCancelled) continue;
      fiber.isCancelled = true;
      this.cancelStrand(fiber, this.#starts.reasonOf(fiber.task));
    }
    this.#serviceEnd();
  }

  // Steps.

  #step(fiber: Fiber): void {
    if (fiber.state !== READY) return;
    if (fiber.ending) return this.#endings.settle(fiber);
    this.kernel.u32[this.taskWord] = fiber.task;
    here.fiber = fiber;
    fiber.state = RUNNING;
    fiber.turn = (fiber.turn + 1) | 0;
    fiber.scope.open = true;
    thread.scope = fiber.scope;
    let result: IteratorResult<unknown, unknown>;
    try {
      if (fiber.hasError) result = throwInto(fiber);
      else result = (fiber.steps as NonNullable<Fiber["steps"]>).next();
    } catch (error) {
      here.fiber = null;
      return this.#endings.ended(fiber, true, error);
    }
    here.fiber = null;
    if (result.done) return this.#endings.ended(fiber, false, result.value);
    const { value } = result;
    if (fiber.made !== null || (value !== undefined && value !== WAIT)) misuse(fiber, value);
    // It may have been cancelled during the step.
    if (value === WAIT && !fiber.hasError) this.suspend(fiber);
    else {
      fiber.state = READY;
      this.ready.push(fiber);
    }
    this.stepOver(fiber);
  }
}

function throwInto(fiber: Fiber): IteratorResult<unknown, unknown> {
  const { error } = fiber;
  fiber.error = undefined;
  fiber.hasError = false;
  if (!fiber.steps) throw error; // its module was still being imported
  return (fiber.steps as Required<Iterator<unknown, unknown, unknown>>).throw(error);
}

/** A step yielded something else than operations do, or left one behind: its next step is a throw. */
function misuse(fiber: Fiber, value: unknown): void {
  let error: unknown = fiber.takeUnawaited();
  if (!error && isOperation(value)) error = new OperationNotAwaitedError(value.label());
  else if (!error && value instanceof Task) error = new OperationNotAwaitedError("join(task)");
  else if (!error && value !== undefined && value !== WAIT) error = new YieldedValueError(value);
  if (!error) return;
  fiber.error = error;
  fiber.hasError = true;
}
