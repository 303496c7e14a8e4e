/** The types of coroutines and operations: what makes arguments and results known to TypeScript across threads. */
import type { Shared } from "@ungil/heap";

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

type Scalar = number | string | boolean | bigint | null | undefined | void;
// biome-ignore lint/suspicious/noExplicitAny: matches every collection
type Closed =
  | Map<any, any>
  | Set<any>
  | WeakMap<any, any>
  | WeakSet<any>
  | Date
  | RegExp
  | Promise<any>
  | Error
  | ArrayBuffer
  | ArrayBufferView;
// biome-ignore lint/complexity/noBannedTypes: any function is what it means
type Code = Function | symbol;

/** The part of a type that cannot be shared: `never` if all of it can. */
export type Unshareable<T> = T extends Scalar | Shared
  ? never
  : T extends Code | Closed
    ? T
    : T extends readonly (infer E)[]
      ? Unshareable<E>
      : never;

export type Shareables<T> = {
  // biome-ignore lint/suspicious/noExplicitAny: the result is not looked at
  [K in keyof T]: T[K] extends (...args: infer A) => Steps<any>
    ? [Unshareable<A[number]>] extends [never]
      ? T[K]
      : `an argument of ${K & string} cannot be shared between threads`
    : never;
};

export type Registered<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => Steps<infer R> ? Coroutine<A, R> : never;
};
