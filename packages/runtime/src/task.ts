/**
 * Task: a coroutine that was spawned. It is an object in shared memory: it can be a field, an argument or a result, and any
 * coroutine that can reach it can wait for it (`yield* task`); outside coroutines it is awaited.
 */
import {
  addressOf,
  builtinWraps,
  defineShared,
  type Heap,
  makeWrap,
  SCOPE,
  type Shared,
  thread,
  type Wrapper,
} from "@ungil/heap";
import { Layout as L, SyncLayout as S } from "@ungil/kernel";
import type { SyncExports } from "./exports.js";
import { failureIn, withoutScheduler } from "./failure.js";
import type { Fiber } from "./fiber.js";
import { linkClasses } from "./links.js";
import { done, hold, type Step, Wait, waiting } from "./operation.js";
import { classesOf, errorOf, keepAll, type Outcome, type Thread, threadOf } from "./thread.js";
import type { Instruction, Operation } from "./types.js";

/** Set by the main thread for the tasks that it has spawned: their promise exists already. */
const PROMISE = Symbol("promise");

interface Promised {
  [PROMISE]?: () => Promise<unknown>;
}

export type TaskState = "created" | "running" | "done" | "failed" | "cancelled";
const states: Record<number, TaskState> = {
  [S.TASK_CREATED]: "created",
  [S.TASK_RUNNING]: "running",
  [S.TASK_DONE]: "done",
  [S.TASK_FAILED]: "failed",
  [S.TASK_CANCELLED]: "cancelled",
};

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the prototype gets what Shared promises below
export class Task<T> implements PromiseLike<T>, Operation<T> {
  /** Tasks are made by spawn. (Public, so that a field can be `ref((): Class<Task<number>> => Task)`.) */
  constructor(_spawn: never) {
    throw new TypeError("Tasks are made by spawn");
  }

  /** Waits for the result, inside a coroutine: `yield* task`. */
  [Symbol.iterator](): Iterator<Instruction | undefined | void, T, unknown> {
    return new Join<T>(this)[Symbol.iterator]();
  }

  /** Waits for the result, outside coroutines: `await task`. */
  // biome-ignore lint/suspicious/noThenProperty: it is a promise
  then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return promiseOf<T>(this).then(fulfilled, rejected);
  }

  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, rejected);
  }

  finally(ended?: (() => void) | null): Promise<T> {
    return promiseOf<T>(this).finally(ended);
  }

  /** Asks the coroutine to end: CancelledError is thrown where it waits, or at its next yield. Its `cause` is the reason. */
  cancel(reason?: unknown): void {
    const self = this as unknown as Wrapper;
    inStep(self, (owner, address) => cancelTask(owner, address, reason));
  }

  /** Number of the task, unique in its runtime. */
  get id(): number {
    return inspectTask(this as unknown as Wrapper).id;
  }

  /** Name of its coroutine. */
  get name(): string {
    return inspectTask(this as unknown as Wrapper).name;
  }

  get state(): TaskState {
    return inspectTask(this as unknown as Wrapper).state;
  }
}

// biome-ignore lint/correctness/noUnusedVariables: declarations that merge have the same parameters
export interface Task<T> extends Shared {}

function inStep<T>(self: Wrapper, work: (owner: Thread, address: number) => T): T {
  addressOf(self);
  const owner = threadOf(self[SCOPE].heap);
  // Once more: the heap may have been restored before the step could begin.
  return owner.inStep(() => work(owner, addressOf(self)));
}

/**
 * `reason` goes along as an encoded failure, if there is one and memory for it: cancelling is what makes room again, so it
 * works without.
 */
export function cancelTask(owner: Thread, task: number, reason: unknown): void {
  const address = reason !== undefined && thread.scope ? failureIn(thread.scope, reason) : 0;
  owner.x.taskCancel(task, address);
}

/** The name of the coroutine of a task that runs on this thread. */
export function coroutineName(heap: Heap, task: number): string {
  (heap.x as SyncExports).taskInspect(task);
  return nameRead(heap);
}

/** After `taskInspect`. */
function nameRead({ kernel, strings }: Heap): string {
  const id = strings.read(kernel.i32[kernel.outRef] as number);
  return id.slice(id.lastIndexOf("#") + 1);
}

function inspectTask(self: Wrapper): { id: number; name: string; state: TaskState } {
  addressOf(self);
  const { heap } = self[SCOPE];
  const read = () => {
    const { x, kernel } = heap;
    const state = (x as SyncExports).taskInspect(addressOf(self)) & S.TASK_STATE_MASK;
    const id = kernel.u32[kernel.outType] as number;
    const name = nameRead(heap);
    return { id, name, state: states[state] ?? "created" };
  };
  return heap.isReadOnly ? heap.batch(read) : inStep(self, read);
}

/** Gives a task its promise: made by whoever spawned it, or by the first `then`. */
export function setPromise(task: object, make: () => Promise<unknown>): void {
  (task as Promised)[PROMISE] = make;
}

function promiseOf<T>(task: Task<T>): Promise<T> {
  const promised = task as unknown as Promised;
  promised[PROMISE] ??= lazily(task as unknown as Wrapper);
  return promised[PROMISE]() as Promise<T>;
}

function lazily(self: Wrapper): () => Promise<unknown> {
  const at: { stack?: string } = {};
  Error.captureStackTrace(at, Task.prototype.then);
  addressOf(self);
  const promise = new Promise((resolve, reject) => {
    inStep(self, (owner, address) => owner.watch(address, (outcome) => settle(owner, outcome, at, resolve, reject)));
  });
  return () => promise;
}

/** Resolves or rejects with a task's outcome. Its handles are kept. */
export function settle(
  owner: Thread,
  outcome: Outcome,
  at: { stack?: string },
  resolve: (value: unknown) => void,
  reject: (error: unknown) => void,
): void {
  if (outcome.ok) return settleWith(owner, keepAll(owner.heap, outcome.value), resolve);
  if (outcome.packed) keepAll(owner.heap, outcome.packed);
  const loading = classesOf(outcome);
  if (!loading) return reject(errorOf(outcome, at.stack ?? ""));
  owner.settling++;
  loading.then(() => {
    owner.settling--;
    reject(errorOf(outcome, at.stack ?? ""));
  });
}

/** Its objects have methods when it is handed out. */
function settleWith(owner: Thread, value: unknown, resolve: (value: unknown) => void): void {
  const linking = linkClasses();
  if (!linking) return resolve(value);
  owner.settling++;
  linking.then(() => {
    owner.settling--;
    resolve(value);
  });
}

/** Waits for a task inside a coroutine. Not tracked: a task is no operation that could be forgotten. */
export class Join<T> extends Wait<T> {
  readonly kind = S.WAIT_TASK;
  #task = 0;
  #failed: Extract<Outcome, { ok: false }> | null = null;

  constructor(readonly target: Task<T>) {
    super();
  }

  label(): string {
    return "join(task)";
  }

  protected begin(fiber: Fiber): Step<T> {
    const { scheduler } = fiber;
    this.#task = hold(fiber, this.target as unknown as Wrapper);
    const status = scheduler.x.taskJoin(this.#task, fiber.index);
    if (status !== 0) return this.#ended(fiber, status);
    fiber.waiter = scheduler.kernel.u32[scheduler.kernel.outA] as number;
    return waiting;
  }

  protected resumed(fiber: Fiber): Step<T> {
    if (this.#failed) throw this.#error(this.#failed);
    return this.#ended(fiber, fiber.scheduler.x.taskOutcome(this.#task));
  }

  #ended(fiber: Fiber, status: number): Step<T> {
    const { scheduler } = fiber;
    if (status < 0)
      status = scheduler.heap.retryStatus("Waiting for a task", () => scheduler.x.taskOutcome(this.#task));
    const outcome = scheduler.outcome(status);
    if (outcome.ok) return done(outcome.value as T);
    const loading = classesOf(outcome);
    if (!loading) throw this.#error(outcome);
    this.#failed = outcome;
    scheduler.waitForPromise(fiber, loading);
    return waiting;
  }

  /** The stack of this very moment, from `next` on, runs through the coroutine that waits, so it says where. */
  #error(outcome: Extract<Outcome, { ok: false }>): unknown {
    const at: { stack?: string } = {};
    Error.captureStackTrace(at, this.next);
    return errorOf(outcome, withoutScheduler(at.stack ?? ""));
  }

  protected abandon(fiber: Fiber): void {
    if (!fiber.waiter) return;
    fiber.scheduler.x.waiterLose(fiber.waiter);
    fiber.waiter = 0;
  }
}

const token = { name: "Task", wrap: makeWrap(Task.prototype) };
builtinWraps.set(L.TYPE_TASK, token.wrap);
defineShared(Task.prototype, token, (wrapper) => inspectTask(wrapper));

/** A handle on a task in the running scope. */
export function wrapTask(address: number): Task<unknown> {
  return new token.wrap(address, thread.scope as NonNullable<typeof thread.scope>) as unknown as Task<unknown>;
}
