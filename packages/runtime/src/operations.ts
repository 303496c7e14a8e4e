/** The operations of coroutines: spawn, join, all, sleep, until. Each is waited for with `yield*`. */

import { addressOf, type Wrapper } from "@ungil/heap";
import { SyncLayout as S } from "@ungil/kernel";
import { onAbort } from "./abort.js";
import { type Definition, definitionOf } from "./coroutines.js";
import { CancelledError, NotInCoroutineError, OptionError } from "./errors.js";
import { type Fiber, here } from "./fiber.js";
import { done, hold, isOperation, type Step, track, untrack, Wait, waiting } from "./operation.js";
import { checkNames } from "./options.js";
import { cancelTask, Join, Task } from "./task.js";
import type { Coroutine, Instruction, Operation } from "./types.js";

export interface SpawnOptions {
  /** Cancels the coroutine when it aborts. */
  signal?: AbortSignal;
}

/** Takes `{ signal }` off the front of the arguments, if it is there. */
export function splitOptions(
  what: string,
  args: unknown[],
): { signal: AbortSignal | undefined; definition: Definition; rest: unknown[] } {
  let [first, ...rest] = args;
  let signal: AbortSignal | undefined;
  if (typeof first === "object" && first !== null) {
    checkNames(what, first, ["signal"]);
    ({ signal } = first as SpawnOptions);
    if (signal !== undefined && !(signal instanceof AbortSignal))
      throw new OptionError(what, "signal", "an AbortSignal", signal);
    [first, ...rest] = rest;
  }
  return { signal, definition: definitionOf(first), rest };
}

class Spawn extends Wait<Task<unknown>> {
  readonly kind = S.WAIT_NONE;
  readonly #definition: Definition;
  readonly #args: unknown[];
  readonly #signal: AbortSignal | undefined;

  constructor(args: unknown[]) {
    super();
    if (typeof args[0] === "function") {
      this.#definition = definitionOf(args[0]);
      args.shift();
      this.#args = args;
    } else {
      const { signal, definition, rest } = splitOptions("spawn()", args);
      this.#signal = signal;
      this.#definition = definition;
      this.#args = rest;
    }
    if (!here.fiber) throw new NotInCoroutineError(this.label(), this.#definition.name);
    track(this);
  }

  label(): string {
    return `spawn(${this.#definition.name})`;
  }

  protected begin(fiber: Fiber): Step<Task<unknown>> {
    const task = fiber.scheduler.spawn(fiber.root ?? fiber, this.#definition, this.#args);
    if (this.#signal) abortWith(this.#signal, fiber, task);
    return done(task);
  }

  protected resumed(): never {
    throw new NotInCoroutineError(this.label());
  }

  protected abandon(): void {}
}

function abortWith(signal: AbortSignal, fiber: Fiber, task: Task<unknown>): void {
  const { scheduler } = fiber;
  const address = addressOf(task as unknown as Wrapper);
  if (signal.aborted) {
    cancelTask(scheduler, address, signal.reason);
    return;
  }
  // The task is counted by whoever watches it: kept until it has ended.
  const kept = scheduler.heap.keep(task as unknown as Wrapper) as unknown as Task<unknown>;
  const forget = onAbort(signal, () => kept.cancel(signal.reason));
  const ended = () => {
    forget();
    kept[Symbol.dispose]();
  };
  try {
    scheduler.watch(address, ended);
  } catch (error) {
    // No memory for watching it: nobody could cancel it, so it must not run.
    ended();
    cancelTask(scheduler, address, error);
    throw error;
  }
}

/** Starts a coroutine that may run on any thread; its task is owned by this coroutine, which ends it when it ends itself. */
export function spawn<A extends readonly unknown[], R>(coroutine: Coroutine<A, R>, ...args: A): Operation<Task<R>>;
export function spawn<A extends readonly unknown[], R>(
  options: SpawnOptions,
  coroutine: Coroutine<A, R>,
  ...args: A
): Operation<Task<R>>;
export function spawn(...args: unknown[]): Operation<Task<unknown>> {
  return new Spawn(args);
}

class TrackedJoin<T> extends Join<T> {
  constructor(task: Task<T>) {
    super(task);
    track(this);
  }
}

/** Waits for a task's result: the same as `yield* task`. */
export function join<T>(task: Task<T>): Operation<T> {
  if (!(task instanceof Task)) throw new OptionError("join()", "its argument", "a task", task);
  return new TrackedJoin(task);
}

class Sleep extends Wait<void> {
  readonly kind = S.WAIT_TIME;
  #timer: NodeJS.Timeout | undefined;

  constructor(readonly milliseconds: number) {
    super();
    track(this);
  }

  label(): string {
    return `sleep(${this.milliseconds})`;
  }

  protected begin(fiber: Fiber): Step<void> {
    const { scheduler, turn } = fiber;
    scheduler.pendingMore();
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        scheduler.pendingLess();
        scheduler.wakeLocal(fiber, turn);
      },
      Math.min(this.milliseconds, 2147483647),
    );
    scheduler.x.waitsFor(S.WAIT_TIME, 0);
    return waiting;
  }

  protected resumed(): Step<void> {
    return done(undefined);
  }

  protected abandon(fiber: Fiber): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    fiber.scheduler.pendingLess();
  }
}

/** Waits for a time. The thread does something else meanwhile. */
export function sleep(milliseconds: number): Operation<void> {
  if (typeof milliseconds !== "number" || !(milliseconds >= 0)) {
    throw new OptionError("sleep()", "its argument", "a number of milliseconds, 0 or more", milliseconds);
  }
  return new Sleep(milliseconds);
}

class Until<T> extends Wait<T> {
  readonly kind = S.WAIT_PROMISE;
  #outcome: { ok: true; value: T } | { ok: false; error: unknown } | null = null;
  #serial = 0;

  constructor(readonly promise: PromiseLike<T> | T) {
    super();
    track(this);
  }

  label(): string {
    return "until(promise)";
  }

  protected begin(fiber: Fiber): Step<T> {
    const { scheduler, turn } = fiber;
    const serial = ++this.#serial;
    this.#outcome = null;
    const settled = (outcome: NonNullable<typeof this.outcome>) => {
      if (serial !== this.#serial) return; // it was given up
      scheduler.pendingLess();
      this.#outcome = outcome;
      scheduler.wakeLocal(fiber, turn);
    };
    scheduler.pendingMore();
    // A promise that is resolved with a task asks for it when this step is over: then the handle does not work.
    const { promise } = this;
    Promise.resolve(promise instanceof Task ? promise.then() : promise).then(
      (value) => settled({ ok: true, value }),
      (error) => settled({ ok: false, error }),
    );
    scheduler.x.waitsFor(S.WAIT_PROMISE, 0);
    return waiting;
  }

  private get outcome(): { ok: true; value: T } | { ok: false; error: unknown } | null {
    return this.#outcome;
  }

  protected resumed(): Step<T> {
    const outcome = this.outcome as NonNullable<typeof this.outcome>;
    if (outcome.ok) return done(outcome.value);
    throw outcome.error;
  }

  protected abandon(fiber: Fiber): void {
    if (this.#outcome) return;
    this.#serial++;
    fiber.scheduler.pendingLess();
  }
}

/** Waits for a promise of this thread (I/O, a timer, a message). The thread does something else meanwhile. */
export function until<T>(promise: PromiseLike<T> | T): Operation<Awaited<T>> {
  return new Until(promise) as unknown as Operation<Awaited<T>>;
}

type Results<T extends readonly unknown[]> = { -readonly [K in keyof T]: T[K] extends Operation<infer R> ? R : never };

/** Who waits for an `all`, since which of its steps. */
interface Round {
  readonly fiber: Fiber;
  readonly turn: number;
}

/** Runs its operations side by side, each as a fiber of its own on this thread and inside this task. */
class All extends Wait<unknown[]> {
  readonly kind = S.WAIT_CHILDREN;
  readonly #items: Operation<unknown>[];
  /** Addresses of those that are tasks. */
  #tasks: (number | null)[] = [];
  #results: unknown[] = [];
  #left = 0;
  #error: { value: unknown } | null = null;
  #fibers: Fiber[] = [];
  /** Null once it is given up: then its strands still end, and that is nobody's business. */
  #round: Round | null = null;

  constructor(items: Iterable<Operation<unknown>>) {
    super();
    this.#items = itemsOf(items);
    const numbers = new Map<unknown, number>();
    for (const [n, item] of this.#items.entries()) {
      if (item instanceof Task) continue;
      if (!isOperation(item)) throw new OptionError("all()", "each item", "an operation or a task", item);
      const first = numbers.get(item);
      if (first !== undefined)
        throw new OptionError("all()", `item ${n}`, "an operation of its own", `the one that is item ${first} too`);
      numbers.set(item, n);
      untrack(item);
    }
    track(this);
  }

  label(): string {
    return "all([...])";
  }

  get strands(): readonly Fiber[] {
    return this.#fibers;
  }

  protected begin(fiber: Fiber): Step<unknown[]> {
    if (this.#items.length === 0) return done([]);
    this.#tasks = this.#items.map((item) => (item instanceof Task ? hold(fiber, item as unknown as Wrapper) : null));
    this.#results = new Array(this.#items.length);
    this.#left = this.#items.length;
    this.#error = null;
    const { scheduler, turn } = fiber;
    const round: Round = { fiber, turn };
    this.#round = round;
    this.#fibers = this.#items.map((item, n) =>
      scheduler.strand(fiber, drive(item), (ended, failed, value) => this.#ended(round, ended, n, failed, value)),
    );
    return waiting;
  }

  #ended(round: Round, ended: Fiber, n: number, failed: boolean, value: unknown): void {
    if (round !== this.#round) return;
    this.#left--;
    if (!failed) this.#results[n] = value;
    else if (!this.#error) {
      this.#error = { value };
      this.#stop(ended, value);
    }
    if (this.#left === 0) round.fiber.scheduler.wakeLocal(round.fiber, round.turn);
  }

  /** One has failed: the others are not wanted any more, and neither are their tasks. */
  #stop(except: Fiber | null, reason: unknown): void {
    this.#fibers.forEach((strand, n) => {
      if (strand === except) return;
      const task = this.#tasks[n];
      // A task's strand goes on until the task has ended.
      if (typeof task === "number") cancelTask(strand.scheduler, task, undefined);
      else
        strand.scheduler.cancelStrand(
          strand,
          new CancelledError("Another operation of all() failed", { cause: reason }),
        );
    });
  }

  protected resumed(): Step<unknown[]> {
    if (this.#error) throw this.#error.value;
    return done(this.#results);
  }

  protected abandon(): void {
    this.#round = null;
    this.#fibers.forEach((strand) => strand.scheduler.cancelStrand(strand, new CancelledError()));
  }
}

/** A task or an operation is iterable too, but not of operations: somebody has left out the array. */
function itemsOf(items: Iterable<Operation<unknown>>): Operation<unknown>[] {
  const isOne = items instanceof Task || isOperation(items);
  if (isOne || typeof items?.[Symbol.iterator] !== "function")
    throw new OptionError("all()", "its argument", "an array (or an iterable) of operations and tasks", items);
  return [...items];
}

function* drive(item: Operation<unknown>): Generator<Instruction | undefined | void, unknown, unknown> {
  return yield* item;
}

/** Waits for all of these operations and tasks, which go on side by side; the first error cancels the others. */
export function all<const T extends readonly Operation<unknown>[]>(items: T): Operation<Results<T>>;
export function all<R>(items: Iterable<Operation<R>>): Operation<R[]>;
export function all(items: Iterable<Operation<unknown>>): Operation<unknown[]> {
  return new All(items);
}
