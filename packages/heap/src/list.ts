/** List: a growing array of values in shared memory. Each method is atomic; a walk sees each element as it is then. */
import { Layout as L } from "@ungil/kernel";
import { defineShared } from "./define.js";
import { IndexError } from "./errors.js";
import { builtinWraps, scopeHere } from "./heap.js";
import { itemsIn } from "./items.js";
import type { Scope } from "./scope.js";
import { ADDRESS, makeWrap, SCOPE, type Shared, slow, type Wrapper } from "./shared.js";
import { crossing, valueIn, valueOut } from "./value.js";

type Self = Wrapper & List<unknown>;

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the prototype gets what Shared promises below
export class List<T> {
  /** A list of the given items. O(items). */
  constructor(items?: Iterable<T>) {
    const here = scopeHere("new List");
    const self = this as unknown as Wrapper;
    if (here.open) {
      self[ADDRESS] = create(here, items);
      self[SCOPE] = here;
    } else {
      here.heap.batch((scope) => here.heap.keepConstructed(self, create(scope, items)));
    }
  }

  get length(): number {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    return s.open ? s.x.listLength(self[ADDRESS]) : slow(self, (o) => (o as Self).length);
  }

  /** Element `index`, or undefined if there is none. O(1), takes no lock. */
  get(index: number): T | undefined {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) return slow(self, (o) => (o as Self).get(index)) as T | undefined;
    if (index !== index >>> 0) return undefined;
    let tag = s.x.listGet(self[ADDRESS], index);
    if (tag === L.TAG_NUMBER) return s.heap.kernel.f64[s.heap.kernel.outNumber] as T;
    if (tag < 0) tag = s.heap.retryStatus("List.get", () => s.x.listGet(self[ADDRESS], index));
    return valueOut(s.heap, tag) as T | undefined;
  }

  /** Replaces element `index`; IndexError if there is none. O(1). */
  set(index: number, value: T): void {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) return slow(self, (o) => (o as Self).set(index, value));
    if (index !== index >>> 0) throw new IndexError(index, this.length);
    valueIn(s, value, `List[${index}]`);
    const { tag, ref, number } = crossing;
    const status = s.x.listSet(self[ADDRESS], index, tag, ref, number);
    if (status === -L.E_RANGE) throw new IndexError(index, this.length);
    if (status < 0) s.heap.retryStatus("List.set", () => s.x.listSet(self[ADDRESS], index, tag, ref, number));
  }

  /** Appends; the new length. Amortised O(1). */
  push(value: T): number {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) return slow(self, (o) => (o as Self).push(value));
    valueIn(s, value, "The value pushed");
    const { tag, ref, number } = crossing;
    const length = s.x.listPush(self[ADDRESS], tag, ref, number);
    return length >= 0 ? length : s.heap.retryStatus("List.push", () => s.x.listPush(self[ADDRESS], tag, ref, number));
  }

  /** Removes and returns the last element, or undefined. O(1). */
  pop(): T | undefined {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) return slow(self, (o) => (o as Self).pop()) as T | undefined;
    const tag = s.heap.retryStatus("List.pop", () => s.x.listPop(self[ADDRESS]));
    return valueOut(s.heap, tag) as T | undefined;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let n = 0; n < this.length; n++) yield this.get(n) as T;
  }

  /** A plain array of the elements; not atomic. O(length). */
  toArray(): T[] {
    const self = this as unknown as Wrapper;
    if (!self[SCOPE].open) return slow(self, (o) => (o as Self).toArray()) as T[];
    return Array.from({ length: this.length }, (_, n) => this.get(n) as T);
  }
}

// biome-ignore lint/correctness/noUnusedVariables: declarations that merge have the same parameters
export interface List<T> extends Shared {}

function create(scope: Scope, items?: Iterable<unknown>): number {
  const { x, heap } = scope;
  const values = itemsIn("new List()", "an iterable of values", items);
  const address = heap.retry("new List", () => x.listNew(L.TYPE_LIST, 0));
  let n = 0;
  for (const item of values) {
    valueIn(scope, item, `items[${n++}]`);
    const { tag, ref, number } = crossing;
    heap.retryStatus("new List", () => x.listPush(address, tag, ref, number));
  }
  return address;
}

const token = { name: "List", wrap: makeWrap(List.prototype) };
builtinWraps.set(L.TYPE_LIST, token.wrap);
defineShared(List.prototype, token, (wrapper, limit) => {
  const list = wrapper as Self;
  const { length } = list;
  const items = Array.from({ length: Math.min(limit, length) }, (_, n) => list.get(n));
  items.length = length; // what comes after the limit is not looked at
  return items;
});
