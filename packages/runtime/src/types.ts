/** The types of coroutines and operations: what makes arguments and results known to TypeScript across threads. */
import type { Unshareable } from "@ungil/heap";

declare const instruction: unique symbol;

/** What an operation yields to the scheduler. `yield*` hides it; nobody else can make one. */
export interface Instruction {
  readonly [instruction]: true;
}

/** The type of a coroutine's body. A recursive coroutine needs it as an annotation: `*fib(n: number): Steps<number>`. */
export type Steps<R> = Generator<Instruction | undefined | void, R, unknown>;

/** Something to wait for inside a coroutine: `const result = yield* operation`. */
export interface Operation<T> {
  [Symbol.iterator](): Iterator<Instruction | undefined | void, T, unknown>;
}

/** A registered coroutine. Calling it gives an operation that runs it inside the caller: `yield* fib(3)`. */
export interface Coroutine<A extends readonly unknown[], R> {
  (...args: A): Operation<R>;
  /** Module URL + "#" + key. */
  readonly id: string;
}

// biome-ignore lint/suspicious/noExplicitAny: any arguments, any result; inference needs it
export type CoroutineBody = (...args: any[]) => Steps<any>;

/**
 * What the bodies of coroutines must be, each at its key: T itself, or a text that says what is wrong. T is bounded by this
 * and by nothing else: before TypeScript 6 a method is given the bound's type for its context before T is known, and a bound
 * such as Record<string, CoroutineBody> would become T.
 */
export type Bodies<T> = { [K in keyof T]: Body<T[K], K & string> };

type Body<F, Name extends string> = F extends (...args: infer A) => infer Result
  ? Result extends Steps<infer R>
    ? [Unshareable<A[number]>] extends [never]
      ? [Unshareable<R>] extends [never]
        ? F
        : `the result of ${Name} cannot be shared between threads`
      : `an argument of ${Name} cannot be shared between threads`
    : Result extends Generator
      ? `${Name} yields what nobody can wait for: an operation is waited for with yield* (with the star)`
      : `${Name} must be a generator: *${Name}(...)`
  : `${Name} must be a generator: *${Name}(...)`;

export type Registered<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => Steps<infer R> ? Coroutine<A, R> : never;
};

/** Where a coroutine's id is in a heap, as long as that is not restored (`Heap.restored`). */
export interface IdAddress {
  readonly address: number;
  readonly restored: number;
}
