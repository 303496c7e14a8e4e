/**
 * Shared objects as JSON: the fields, elements or entries, all the way down. A handle is a new one at each read, so
 * JSON.stringify cannot see that an object contains itself: it is given plain values, and the cycle is found here.
 */
import type { Heap } from "./heap.js";
import { type Contents, Entries } from "./inspect.js";
import { ADDRESS, addressOf, isWrapper, nameOf, SCOPE, slow, type Wrapper } from "./shared.js";

/** The method toJSON of a class; `contents` of those that are inside comes from their own. */
export function jsonMethod(contents: Contents) {
  const toJSON = function (this: Wrapper): unknown {
    addressOf(this);
    const whole = (wrapper: Wrapper) => plain(wrapper, new Map());
    return this[SCOPE].open ? whole(this) : slow(this, whole);
  };
  methods.set(toJSON, contents);
  return toJSON;
}

const methods = new WeakMap<object, Contents>();

/** A copy without shared objects. */
function plain(value: unknown, above: Map<Heap, Set<number>>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isWrapper(value)) return plainShared(value, above);
  if (value instanceof Entries)
    return Object.fromEntries([...value.map].map(([key, item]) => [key, plain(item, above)]));
  if (Array.isArray(value)) return value.map((item) => plain(item, above));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, above)]));
}

function plainShared(value: Wrapper, above: Map<Heap, Set<number>>): unknown {
  const method = (value as unknown as { toJSON: () => unknown }).toJSON;
  const contents = methods.get(method);
  if (!contents) return method.call(value); // one of the class's own
  const { heap } = value[SCOPE];
  const address = value[ADDRESS];
  let here = above.get(heap);
  if (!here) above.set(heap, (here = new Set()));
  if (here.has(address))
    throw new TypeError(`Converting circular structure to JSON: a ${nameOf(value)} contains itself`);
  here.add(address);
  const result = plain(contents(value, Infinity), above);
  here.delete(address);
  return result;
}
