/**
 * Wrappers: what JavaScript holds of a shared object. Two properties under symbols, so that a field can have any name and
 * nothing of them shows in JSON or Object.keys.
 */
import { NotSharedError, ReleasedHandleError } from "./errors.js";
import { type Scope, thread } from "./scope.js";

export const ADDRESS: unique symbol = Symbol("address");
export const SCOPE: unique symbol = Symbol("scope");
/** On a prototype: the class token that a typed slot compares. */
export const KIND: unique symbol = Symbol("kind");
/** Names the type in TypeScript: only shared objects have it. */
declare const shared: unique symbol;

/** Anything in shared memory: structs, List, Dict, Task. */
export interface Shared {
  readonly [shared]: true;
  /** Releases a handle that was kept, or made outside coroutines; a scope's own handles end with the scope. */
  [Symbol.dispose](): void;
}

export interface Wrapper {
  [ADDRESS]: number;
  [SCOPE]: Scope;
  readonly [KIND]?: ClassToken;
}

/** Makes a wrapper of one class without running its constructor. */
export type Wrap = new (address: number, scope: Scope) => Wrapper;

export interface ClassToken {
  readonly name: string;
  readonly wrap: Wrap;
}

export function isWrapper(value: unknown): value is Wrapper {
  return typeof value === "object" && value !== null && (value as Wrapper)[KIND] !== undefined;
}

/** A function of its own for each class, so that V8 gives each class its own hidden class and inline caches. */
export function makeWrap(prototype: object): Wrap {
  const wrap = new Function("A", "S", "return function Handle(a, s) { this[A] = a; this[S] = s; }")(
    ADDRESS,
    SCOPE,
  ) as Wrap;
  wrap.prototype = prototype;
  return wrap;
}

/** Address of a wrapper that may be used now; else throws. */
export function addressOf(wrapper: Wrapper): number {
  const scope = wrapper[SCOPE];
  if (!scope.open) {
    if (scope.heap.closed) throw scope.heap.closedError();
    if (!scope.kept) throw new ReleasedHandleError(nameOf(wrapper), scope.pauses ? "paused" : "closed");
    if (scope.released) throw new ReleasedHandleError(nameOf(wrapper), "kept");
    if (scope.heap.isVoid(scope)) throw new ReleasedHandleError(nameOf(wrapper), "restored");
  }
  return wrapper[ADDRESS];
}

export function nameOf(wrapper: Wrapper): string {
  return wrapper[KIND]?.name ?? "object";
}

/**
 * Does `operation` on a wrapper whose scope is not open: a kept handle inside a step borrows the running scope; outside
 * one, the access becomes a step of its own. Anything else is a late use.
 */
export function slow<T>(wrapper: Wrapper, operation: (wrapper: Wrapper) => T): T {
  addressOf(wrapper);
  const kind = wrapper[KIND] as ClassToken;
  const { heap } = wrapper[SCOPE];
  const running = thread.scope;
  if (running?.open && running.heap === heap) return operation(new kind.wrap(wrapper[ADDRESS], running));
  // Once more: the heap may have been restored before the batch could begin.
  return heap.batch((scope) => operation(new kind.wrap(addressOf(wrapper), scope)));
}

function wrapperOf(object: unknown, what: string): Wrapper {
  if (!isWrapper(object)) throw new NotSharedError(what, object);
  return object;
}

/** A counted handle on the same object; it outlives scopes, until it is released. O(1). */
export function keep<T extends object>(object: T): T & Disposable {
  const wrapper = wrapperOf(object, "keep()");
  addressOf(wrapper);
  return wrapper[SCOPE].heap.keep(wrapper) as unknown as T & Disposable;
}

/** Releases a kept handle. A handle of a scope is left to its scope. Twice is once. */
export function release(object: object): void {
  const wrapper = wrapperOf(object, "release()");
  const scope = wrapper[SCOPE];
  if (scope.kept) scope.heap.release(wrapper[ADDRESS], scope);
}

/** True if both are handles on the same shared object, where `===` compares handles; of anything else, what `===` says. */
export function is(a: object | null | undefined, b: object | null | undefined): boolean {
  if (!isWrapper(a) || !isWrapper(b)) return a === b;
  return addressOf(a) === addressOf(b) && a[SCOPE].x === b[SCOPE].x;
}

/** The object's identity: its virtual address, unique among live objects of its runtime. */
export function id(object: object): number {
  return addressOf(wrapperOf(object, "id()")) >>> 0;
}

/** References to the object: fields, elements and pins; handles of the running step are not counted. */
export function refcount(object: object): number {
  const wrapper = wrapperOf(object, "refcount()");
  return wrapper[SCOPE].heap.countOf(addressOf(wrapper));
}

/** Bytes that the object itself takes in the shared heap, its header and growing parts included, what it refers to not. */
export function sizeof(object: object): number {
  const wrapper = wrapperOf(object, "sizeof()");
  return wrapper[SCOPE].heap.sizeOf(addressOf(wrapper));
}
