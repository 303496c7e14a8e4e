/**
 * Plain arrays, plain objects and bigints: values that are copied, not shared. In memory they are ARRAY and RECORD (keys and
 * values alternately), of the shape of a List, and a bigint is a RECORD of one string; shared objects inside stay shared.
 */
import { Layout as L } from "@ungil/kernel";
import { NotShareableError } from "./errors.js";
import type { Heap } from "./heap.js";
import type { Scope } from "./scope.js";
import { ADDRESS } from "./shared.js";
import { crossing, valueIn, valueOut } from "./value.js";

const spread =
  "It is a spread of a shared object, { ...object }, and has none of its fields: share the object, or name the fields.";

/** Objects being copied, each with its path, to refuse cycles. */
const copying = new Map<object, string>();

/** Copies a plain value into the heap: the address of a newborn. */
export function copyIn(scope: Scope, value: object | bigint, path: string): number {
  if (typeof value === "bigint") return fill(scope, L.TYPE_BIGINT, [[value.toString(16), path]]);
  const above = copying.get(value);
  if (above !== undefined) throw new NotShareableError(path, value, above);
  copying.set(value, path);
  try {
    const prototype = Object.getPrototypeOf(value);
    if (Array.isArray(value)) {
      // An array, of whatever realm, inherits from one that is nothing else; an instance of a subclass does not.
      if (!Array.isArray(prototype)) throw new NotShareableError(path, value);
      return fill(
        scope,
        L.TYPE_ARRAY,
        Array.from(value, (item, n) => [item, `${path}[${n}]`]),
      );
    }
    if (Object.hasOwn(value, ADDRESS)) throw new NotShareableError(path, value, undefined, spread);
    if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null)
      throw new NotShareableError(path, value);
    if (prototype !== null && prototype.constructor?.name !== "Object") throw new NotShareableError(path, value);
    const parts: [unknown, string][] = [];
    for (const [key, item] of Object.entries(value)) parts.push([key, path], [item, `${path}.${key}`]);
    return fill(scope, L.TYPE_RECORD, parts);
  } finally {
    copying.delete(value);
  }
}

function fill(scope: Scope, type: number, parts: [unknown, string][]): number {
  const { heap, x } = scope;
  const address = heap.retry("A copy", () => x.listNew(type, parts.length));
  for (const [value, path] of parts) {
    valueIn(scope, value, path);
    const { tag, ref, number } = crossing;
    heap.retryStatus(path, () => x.listPush(address, tag, ref, number));
  }
  return address;
}

/** The plain value at an address. */
export function copyOut(heap: Heap, address: number, type: number): unknown {
  const { x } = heap;
  const length = x.listLength(address);
  const item = (n: number) =>
    valueOut(
      heap,
      heap.retryStatus("A copy", () => x.listGet(address, n)),
    );
  if (type === L.TYPE_ARRAY) return Array.from({ length }, (_, n) => item(n));
  if (type === L.TYPE_BIGINT) {
    const digits = item(0) as string;
    return digits.startsWith("-") ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`);
  }
  const record: Record<string, unknown> = {};
  for (let n = 0; n < length; n += 2) {
    Object.defineProperty(record, item(n) as string, {
      value: item(n + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return record;
}
