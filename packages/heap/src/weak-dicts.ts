/**
 * Containers that do not keep alive what is in them: dicts with weak values, or weak keys, and sets. What has died is never seen; its
 * entry is removed when somebody comes upon it, and by `set` and `add` now and then, so that there are never many more dead than
 * living ones. Each method is a few steps: other threads may come in between, but nobody gets another's value.
 */
import { Dict, deleteIf } from "./dict.js";
import { linkExports } from "./links.js";
import { List } from "./list.js";
import { dict, setContainers, u32 } from "./schema.js";
import { id, is } from "./shared.js";
import { struct } from "./struct.js";
import { Weak } from "./weak.js";

setContainers(List, Dict);

type Key = string | number;

// Handles are made without running a constructor, so there are no private methods.

function cellsOf<K extends Key, V extends object>({ cells }: { cells: unknown }): Dict<K, Weak<V>> {
  return cells as Dict<K, Weak<V>>;
}

/** By the address of the key: the reference to it, and the value. */
function pairsOf({ pairs }: { pairs: unknown }): Dict<number, List<unknown>> {
  return pairs as Dict<number, List<unknown>>;
}

/** The pair of a key. The caller has the key, so its address is no other object's; but it may have been. */
function pairOf(holder: { pairs: unknown }, key: object): List<unknown> | undefined {
  const pairs = pairsOf(holder);
  const at = id(key);
  const pair = pairs.get(at);
  if (!pair || is(keyOf(pair), key)) return pair;
  deleteIf(pairs, at, pair);
  return undefined;
}

/** Entries beyond which dead ones are looked for, next time. */
const nextLook = (size: number) => 2 * size + 16;

/** A dict whose values are weak: an entry is gone when its value has died. */
export class WeakValueDict<K extends Key, V extends object> extends struct("ungil.WeakValueDict", {
  cells: dict(),
  lookAt: u32,
}) {
  /** A dict of the given entries. O(entries). */
  constructor(entries: Iterable<readonly [K, V]> = []) {
    super({ cells: new Dict() as never, lookAt: nextLook(0) });
    for (const [key, value] of entries) this.set(key, value);
  }

  get(key: K): V | undefined {
    const cell = cellsOf<K, V>(this).get(key);
    const value = cell?.get();
    if (cell && !value) deleteIf(cellsOf<K, V>(this), key, cell);
    return value;
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  set(key: K, value: V): this {
    const cells = cellsOf<K, V>(this);
    cells.set(key, new Weak(value));
    if (cells.size > this.lookAt) this.lookAt = nextLook(this.size);
    return this;
  }

  /** The value at a key, which is set to this one if it has none. One step for all threads: all get the same. */
  setDefault(key: K, value: V): V {
    for (;;) {
      const found = cellsOf<K, V>(this)
        .update(key, (old) => (old?.get() ? old : new Weak(value)))
        .get();
      if (found) return found;
    }
  }

  /** Removes a key; true if its value was alive. */
  delete(key: K): boolean {
    const was = this.has(key);
    return cellsOf<K, V>(this).delete(key) && was;
  }

  clear(): void {
    for (const key of cellsOf<K, V>(this).keys()) cellsOf<K, V>(this).delete(key);
  }

  /** The entries that are alive. O(size). */
  entries(): [K, V][] {
    const found: [K, V][] = [];
    for (const [key, cell] of cellsOf<K, V>(this).entries()) {
      const value = cell.get();
      if (value) found.push([key, value]);
      else deleteIf(cellsOf<K, V>(this), key, cell);
    }
    return found;
  }

  keys(): K[] {
    return this.entries().map(([key]) => key);
  }

  values(): V[] {
    return this.entries().map(([, value]) => value);
  }

  /** How many are alive: it looks at each. O(size). */
  get size(): number {
    return this.entries().length;
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.entries()[Symbol.iterator]();
  }
}

/** A dict whose keys are objects, by identity, and weak. A value lives as long as its key, or until it is come upon afterwards. */
export class WeakKeyDict<K extends object, V> extends struct("ungil.WeakKeyDict", { pairs: dict(), lookAt: u32 }) {
  constructor(entries: Iterable<readonly [K, V]> = []) {
    super({ pairs: new Dict() as never, lookAt: nextLook(0) });
    for (const [key, value] of entries) this.set(key, value);
  }

  get(key: K): V | undefined {
    return pairOf(this, key)?.get(1) as V | undefined;
  }

  has(key: K): boolean {
    return pairOf(this, key) !== undefined;
  }

  set(key: K, value: V): this {
    const pair = pairOf(this, key);
    if (pair) pair.set(1, value);
    else pairsOf(this).set(id(key), new List<unknown>([new Weak(key), value]));
    if (!pair && pairsOf(this).size > this.lookAt) this.lookAt = nextLook(this.size);
    return this;
  }

  /** The value of a key, which is set to this one if it has none. One step for all threads: all get the same. */
  setDefault(key: K, value: V): V {
    const isItsOwn = (pair: List<unknown> | undefined) => pair !== undefined && is(keyOf(pair), key);
    const pair = pairsOf(this).update(id(key), (old) =>
      isItsOwn(old) ? (old as List<unknown>) : new List<unknown>([new Weak(key), value]),
    );
    return pair.get(1) as V;
  }

  delete(key: K): boolean {
    const pair = pairOf(this, key);
    return pair !== undefined && deleteIf(pairsOf(this), id(key), pair);
  }

  clear(): void {
    for (const at of pairsOf(this).keys()) pairsOf(this).delete(at);
  }

  /** The entries whose keys are alive. O(size). */
  entries(): [K, V][] {
    const found: [K, V][] = [];
    for (const [at, pair] of pairsOf(this).entries()) {
      const key = keyOf(pair) as K | undefined;
      if (key) found.push([key, pair.get(1) as V]);
      else deleteIf(pairsOf(this), at, pair);
    }
    return found;
  }

  keys(): K[] {
    return this.entries().map(([key]) => key);
  }

  values(): V[] {
    return this.entries().map(([, value]) => value);
  }

  /** How many keys are alive: it looks at each. O(size). */
  get size(): number {
    return this.entries().length;
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.entries()[Symbol.iterator]();
  }
}

function keyOf(pair: List<unknown>): object | undefined {
  return (pair.get(0) as Weak<object> | undefined)?.get();
}

/** A set of objects, by identity, that does not keep them alive. */
class WeakObjects<T extends object> extends struct("ungil.WeakSet", { cells: dict(), lookAt: u32 }) {
  constructor(items: Iterable<T> = []) {
    super({ cells: new Dict() as never, lookAt: nextLook(0) });
    for (const item of items) this.add(item);
  }

  has(item: T): boolean {
    return is(cellsOf<number, T>(this).get(id(item))?.get(), item);
  }

  add(item: T): this {
    const cells = cellsOf<number, T>(this);
    cells.set(id(item), new Weak(item));
    if (cells.size > this.lookAt) this.lookAt = nextLook(this.size);
    return this;
  }

  delete(item: T): boolean {
    const cell = cellsOf<number, T>(this).get(id(item));
    return cell !== undefined && deleteIf(cellsOf<number, T>(this), id(item), cell) && is(cell.get(), item);
  }

  /** Removes one of them, and returns it; undefined if there is none. */
  pop(): T | undefined {
    for (const item of this.values()) if (this.delete(item)) return item;
    return undefined;
  }

  clear(): void {
    for (const at of cellsOf<number, T>(this).keys()) cellsOf<number, T>(this).delete(at);
  }

  /** Those that are alive. O(size). */
  values(): T[] {
    const found: T[] = [];
    for (const [at, cell] of cellsOf<number, T>(this).entries()) {
      const item = cell.get();
      if (item) found.push(item);
      else deleteIf(cellsOf<number, T>(this), at, cell);
    }
    return found;
  }

  /** How many are alive: it looks at each. O(size). */
  get size(): number {
    return this.values().length;
  }

  union(other: Iterable<T>): WeakObjects<T> {
    return new WeakObjects([...this.values(), ...other]);
  }

  intersection(other: Iterable<T>): WeakObjects<T> {
    return new WeakObjects([...other].filter((item) => this.has(item)));
  }

  difference(other: Iterable<T>): WeakObjects<T> {
    const without = new WeakObjects(other);
    return new WeakObjects(this.values().filter((item) => !without.has(item)));
  }

  symmetricDifference(other: Iterable<T>): WeakObjects<T> {
    const others = new WeakObjects(other);
    const mine = this.values().filter((item) => !others.has(item));
    return new WeakObjects([...mine, ...others.values().filter((item) => !this.has(item))]);
  }

  isSubsetOf(other: Iterable<T>): boolean {
    const others = new WeakObjects(other);
    return this.values().every((item) => others.has(item));
  }

  isSupersetOf(other: Iterable<T>): boolean {
    return [...other].every((item) => this.has(item));
  }

  isDisjointFrom(other: Iterable<T>): boolean {
    return ![...other].some((item) => this.has(item));
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.values()[Symbol.iterator]();
  }
}

// Whoever reads one from a field has its class, though this thread has made none.
linkExports({ WeakValueDict, WeakKeyDict, WeakObjects });

export { WeakObjects as WeakSet };
