/**
 * Operations: what `yield*` waits for. An operation is its own iterator: its first `next` tries to finish at once (then
 * `yield*` costs no step), or notes what the fiber waits for and yields WAIT to the scheduler; its second `next` comes when
 * the wait is over. `throw` comes when the coroutine is cancelled meanwhile.
 */
import { addressOf, nameOf, SCOPE, type Wrapper } from "@ungil/heap";
import { OutOfMemoryError } from "@ungil/kernel";
import { NotInCoroutineError, OptionError } from "./errors.js";
import { type Fiber, here, type Waiting } from "./fiber.js";
import type { Instruction, Operation } from "./types.js";

/** Yielded by operations: the fiber waits, and is not to be made ready. */
export const WAIT = Object.freeze({ wait: true }) as unknown as Instruction;

export const waiting: IteratorYieldResult<Instruction> = Object.freeze({
  done: false,
  value: WAIT,
}) as IteratorYieldResult<Instruction>;

/** Something that must be waited for before its coroutine yields. */
export interface Tracked {
  label(): string;
}

/**
 * Notes an operation that was made. Where no coroutine runs nobody can wait for it with `yield*`, and an `await` would give
 * the operation itself and do nothing: so making it there is an error.
 */
export function track(operation: Tracked): void {
  const { fiber } = here;
  if (!fiber) throw new NotInCoroutineError(operation.label());
  fiber.track(operation);
}

export function untrack(operation: Tracked): void {
  here.fiber?.untrack(operation);
}

export type Step<T> = IteratorResult<Instruction, T>;

export abstract class Wait<T> implements Operation<T>, Iterator<Instruction, T, unknown>, Tracked, Waiting {
  abstract readonly kind: number;
  protected fiber: Fiber | null = null;

  abstract label(): string;
  /** Finishes at once, or registers the fiber and returns `waiting`. */
  protected abstract begin(fiber: Fiber): Step<T>;
  /** The wait is over. */
  protected abstract resumed(fiber: Fiber): Step<T>;
  /** The fiber waits no more: it was cancelled. */
  protected abstract abandon(fiber: Fiber): void;

  [Symbol.iterator](): Iterator<Instruction, T, unknown> {
    untrack(this);
    return this;
  }

  next(): Step<T> {
    const waited = this.fiber;
    if (waited) {
      if (waited !== here.fiber)
        throw new OptionError("yield*", this.label(), "waited for by one at a time", "the one that another waits for");
      this.fiber = null;
      const step = this.resumed(waited);
      if (!step.done) {
        this.fiber = waited;
        waited.wait = this;
      }
      return step;
    }
    const fiber = here.fiber;
    if (!fiber) throw new NotInCoroutineError(this.label());
    const step = this.begin(fiber);
    if (!step.done) {
      this.fiber = fiber;
      fiber.wait = this;
    }
    return step;
  }

  throw(error: unknown): Step<T> {
    const { fiber } = this;
    this.fiber = null;
    if (fiber) this.abandon(fiber);
    throw error;
  }
}

/**
 * The address of what the running coroutine is about to wait for. A kept handle may be released at any moment of the wait, so
 * from now on the coroutine holds the object itself; its own handles last as long as it does.
 */
export function hold(fiber: Fiber, object: Wrapper): number {
  const address = addressOf(object);
  if (object[SCOPE].kept && !fiber.scheduler.x.borrow(address))
    throw new OutOfMemoryError(`Waiting for a ${nameOf(object)}`);
  return address;
}

export function done<T>(value: T): IteratorReturnResult<T> {
  return { done: true, value };
}

class Call<T> implements Operation<T>, Tracked {
  constructor(
    readonly name: string,
    readonly steps: Iterator<Instruction | undefined | void, T, unknown>,
  ) {
    if (!here.fiber) throw new NotInCoroutineError(this.label(), name);
    here.fiber.track(this);
  }

  label(): string {
    return `${this.name}(...)`;
  }

  [Symbol.iterator](): Iterator<Instruction | undefined | void, T, unknown> {
    untrack(this);
    return this.steps;
  }
}

/** A coroutine called inside another: its steps become the caller's. */
export function callOperation<T>(
  name: string,
  steps: Iterator<Instruction | undefined | void, T, unknown>,
): Operation<T> {
  return new Call(name, steps);
}

export function isOperation(value: unknown): value is Operation<unknown> & Tracked {
  return value instanceof Wait || value instanceof Call;
}
