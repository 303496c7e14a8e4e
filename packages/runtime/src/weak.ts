/**
 * Weak references with a coroutine to be run when their object has died, finalizers, and destructors.
 *
 *   weak(object, callback)           callback(reference), unless the reference has died before its object
 *   finalize(object, run, ...args)   run(...args), whatever becomes of the handle; once, or never if it is detached or called before
 *   destructor(object, run, ...args) run(object, ...args) before the object dies: it may store it, and then the object lives on
 *
 * Each runs as a coroutine of its own, on any thread, a while after the object has died: due.ts starts them.
 */
import {
  ADDRESS,
  builtinWraps,
  defineShared,
  type Heap,
  innermost,
  makeCell,
  makeWrap,
  NoRuntimeError,
  objectOf,
  refOut,
  SCOPE,
  type Scope,
  type Shared,
  slow,
  thread,
  Weak,
  type Wrapper,
  wrapCell,
} from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { coroutineById, definitionOf } from "./coroutines.js";
import { spawn } from "./operations.js";
import { threadOf } from "./thread.js";
import type { Coroutine, Steps } from "./types.js";

/**
 * A weak reference to a shared object: `get()` gives it as long as it lives. `callback` is run when it has died, with the reference,
 * unless that has died before; of several references to one object the newest one's is run first, one after the other.
 */
export function weak<T extends object>(object: T, callback?: Coroutine<[Weak<T>], unknown>): Weak<T> {
  if (callback === undefined) return new Weak(object);
  const wrap = (heap: Heap, address: number) => wrapCell(heap, address);
  return made("weak()", object, callback, { type: L.TYPE_WEAK, state: 0, args: [], wrap }) as unknown as Weak<T>;
}

/** Runs a coroutine with these arguments when the object has died. The arguments are held until then: they must not lead to the object. */
export function finalize<T extends object, A extends readonly unknown[], R>(
  object: T,
  coroutine: Coroutine<A, R>,
  ...args: A
): Finalizer<T, A, R> {
  return made("finalize()", object, coroutine, { type: L.TYPE_FINALIZER, state: 0, args, wrap }) as never;
}

/**
 * Runs a coroutine with the object, and these arguments, before the object dies. If the coroutine stores it somewhere it lives on, and
 * is not destructed a second time. Weak references lead to it until it has died, unless it was in a cycle.
 */
export function destructor<T extends object, A extends readonly unknown[], R>(
  object: T,
  coroutine: Coroutine<[T, ...A], R>,
  ...args: A
): Finalizer<T, A, R> {
  const state = L.WEAK_DESTRUCTOR;
  return made("destructor()", object, coroutine, { type: L.TYPE_FINALIZER, state, args, wrap }) as never;
}

interface Kind {
  readonly type: number;
  readonly state: number;
  readonly args: readonly unknown[];
  wrap(heap: Heap, address: number): Wrapper;
}

/** A cell of an object, in the running scope, or kept. */
function made(what: string, object: unknown, coroutine: unknown, { type, state, args, wrap }: Kind): Wrapper {
  const here = thread.scope;
  if (!here) throw new NoRuntimeError(what);
  const definition = definitionOf(coroutine);
  const make = (scope: Scope): Wrapper => {
    const id = threadOf(scope.heap).idAddress(definition);
    return wrap(scope.heap, makeCell(scope, what, object, type, state, { coroutine: id, args }));
  };
  return here.open ? make(here) : here.heap.batch(make);
}

/** What a finalizer is to do, and on what. */
export interface Finalization<T, A extends readonly unknown[], R> {
  readonly object: T;
  readonly coroutine: Coroutine<A, R>;
  readonly args: A;
}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the prototype gets what Shared promises below
export class Finalizer<T extends object, A extends readonly unknown[] = unknown[], R = unknown> {
  /** Finalizers are made by finalize and destructor. (Public, so that a field can be `ref((): Class<Finalizer<...>> => Finalizer)`.) */
  constructor(_finalize: never) {
    throw new TypeError("Finalizers are made by finalize() and destructor()");
  }

  /** Whether its object lives, and it has been neither called nor detached. */
  get alive(): boolean {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) return slow(self, (o) => (o as Wrapper & Finalizer<T>).alive);
    return objectOf(s.heap, self[ADDRESS]) !== undefined;
  }

  /** What it is to do, if it is alive. */
  peek(): Finalization<T, A, R> | undefined {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) return slow(self, (o) => (o as Wrapper & Finalizer<T, A, R>).peek());
    const object = objectOf(s.heap, self[ADDRESS]);
    return object === undefined ? undefined : contentsOf(s.heap, self[ADDRESS], object as T);
  }

  /** It will never run. What it was to do, if it was alive. */
  detach(): Finalization<T, A, R> | undefined {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) return slow(self, (o) => (o as Wrapper & Finalizer<T, A, R>).detach());
    const { heap } = s;
    const address = self[ADDRESS];
    if (heap.retryStatus("Finalizer.detach", () => s.x.weakDetach(address)) !== 1) return undefined;
    const { i32, u32, outRef, outType } = heap.kernel;
    const object = refOut(heap, i32[outRef] as number, u32[outType] as number) as T;
    const found = contentsOf<T, A, R>(heap, address, object);
    heap.retry("Finalizer.detach", () => s.x.refStore(address, L.WEAK_ARGS, 0) || L.ERROR_LIMIT);
    return found;
  }

  /** Runs it now instead, if it is alive; waits for its result: `yield* finalizer.call()`. */
  *call(): Steps<R | undefined> {
    const found = this.detach();
    if (!found) return undefined;
    const { object, coroutine, args } = found;
    const task = isDestructor(this)
      ? spawn(coroutine as never, object as never, ...(args as never))
      : spawn(coroutine, ...args);
    return (yield* yield* task) as R;
  }
}

// biome-ignore lint/correctness/noUnusedVariables: declarations that merge have the same parameters
export interface Finalizer<T extends object, A extends readonly unknown[], R> extends Shared {}

const token = { name: "Finalizer", wrap: makeWrap(Finalizer.prototype) };
builtinWraps.set(L.TYPE_FINALIZER, token.wrap);
defineShared(Finalizer.prototype, token, (wrapper) => ({ alive: (wrapper as Wrapper & Finalizer<object>).alive }));

function wrap(heap: Heap, address: number): Wrapper {
  return new token.wrap(address, innermost(heap));
}

/** A word of a cell, in a step. */
export function cellWord({ x, kernel }: Heap, cell: number, field: number): number {
  return kernel.i32[(x.translate(cell) + field) >>> 2] as number;
}

function isDestructor(finalizer: object): boolean {
  const self = finalizer as Wrapper;
  return (cellWord(self[SCOPE].heap, self[ADDRESS], L.WEAK_STATE) & L.WEAK_DESTRUCTOR) !== 0;
}

function contentsOf<T, A extends readonly unknown[], R>(heap: Heap, cell: number, object: T): Finalization<T, A, R> {
  const id = heap.strings.read(cellWord(heap, cell, L.WEAK_COROUTINE));
  const list = cellWord(heap, cell, L.WEAK_ARGS);
  const args = list === 0 ? [] : refOut(heap, list, L.TYPE_ARRAY);
  return { object, coroutine: coroutineById(id) as unknown as Coroutine<A, R>, args: args as A };
}
