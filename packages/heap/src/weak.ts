/**
 * Weak references: shared objects that lead to another one without keeping it alive. The object may die at any moment between two
 * steps; what `get` has returned lives until the step is over, as whatever a step has read does.
 */
import { Layout as L } from "@ungil/kernel";
import { defineShared } from "./define.js";
import { ForeignObjectError, NotSharedError } from "./errors.js";
import { builtinWraps, type Heap, scopeHere } from "./heap.js";
import { innermost, type Scope } from "./scope.js";
import {
  ADDRESS,
  addressOf,
  isWrapper,
  KIND,
  makeWrap,
  nameOf,
  SCOPE,
  type Shared,
  slow,
  type Wrapper,
} from "./shared.js";
import { crossing, refOut, valueIn } from "./value.js";

/** What is run when the object has died: a coroutine's id as an address, and arguments; of none of them 0. */
export interface Afterwards {
  readonly coroutine: number;
  readonly args?: readonly unknown[];
}

/** Makes a cell of an object, in an open scope: its address. `what`: who asks, for errors. */
export function makeCell(
  here: Scope,
  what: string,
  object: unknown,
  type: number,
  state: number,
  { coroutine, args }: Afterwards,
): number {
  if (!isWrapper(object)) throw new NotSharedError(what, object);
  const target = addressOf(object);
  if (object[SCOPE].x !== here.x) throw new ForeignObjectError(`The ${nameOf(object)} of ${what}`);
  let list = 0;
  if (args && args.length > 0) {
    valueIn(here, [...args], `An argument of ${what}`);
    list = crossing.ref;
  }
  return here.heap.retry(what, () => here.x.weakNew(target, type, state, coroutine, list));
}

/** The object that a cell leads to, in the running scope; undefined if it has died. */
export function objectOf(heap: Heap, cell: number): unknown {
  const { x, kernel } = heap;
  const address = heap.retry("Weak.get", () => (heap.isReadOnly ? x.weakSee(cell) : x.weakGet(cell)) || NONE);
  return address === NONE ? undefined : refOut(heap, address, kernel.u32[kernel.outType] as number);
}

/** In the place of an address: nothing lives so low. */
const NONE = L.ERROR_LIMIT;

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the prototype gets what Shared promises below
export class Weak<T extends object> {
  /** A weak reference to a shared object. There is one an object: the same again is the same one. O(1). */
  constructor(object: T) {
    const here = scopeHere("new Weak");
    const self = this as unknown as Wrapper;
    const make = (scope: Scope) => makeCell(scope, "new Weak()", object, L.TYPE_WEAK, 0, { coroutine: 0 });
    if (here.open) {
      self[ADDRESS] = make(here);
      self[SCOPE] = here;
    } else {
      here.heap.batch((scope) => here.heap.keepConstructed(self, make(scope)));
    }
  }

  /** The object, or undefined if it has died. O(1), takes no lock. */
  get(): T | undefined {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) return slow(self, (o) => (o as Wrapper & Weak<T>).get());
    return objectOf(s.heap, self[ADDRESS]) as T | undefined;
  }
}

// biome-ignore lint/correctness/noUnusedVariables: declarations that merge have the same parameters
export interface Weak<T extends object> extends Shared {}

const token = { name: "Weak", wrap: makeWrap(Weak.prototype) };
builtinWraps.set(L.TYPE_WEAK, token.wrap);
defineShared(Weak.prototype, token, (wrapper) => ({ object: (wrapper as Wrapper & Weak<object>).get() }));

/** A weak reference with something to be run, in the running scope. */
export function wrapCell(heap: Heap, address: number): Wrapper {
  return new token.wrap(address, innermost(heap));
}

export const isWeak = (value: unknown): value is Wrapper & Weak<object> => isWrapper(value) && value[KIND] === token;
