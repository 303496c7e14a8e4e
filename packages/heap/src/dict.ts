/**
 * Dict: a hash map from strings or numbers to values in shared memory. Each method on one key is atomic; `keys`, `values`,
 * `entries` and iteration see the keys of each of its eight shards as they were at one moment, and with each a value that
 * it had meanwhile. The order is undefined.
 */
import { Layout as L } from "@ungil/kernel";
import { defineShared } from "./define.js";
import { DictUpdateError, NotANumberError, NotShareableError, OptionError } from "./errors.js";
import { builtinWraps, scopeHere } from "./heap.js";
import { Entries } from "./inspect.js";
import { itemsIn } from "./items.js";
import { Room } from "./room.js";
import type { Scope } from "./scope.js";
import { ADDRESS, addressOf, makeWrap, SCOPE, type Shared, slow, type Wrapper } from "./shared.js";
import { NO_STRING } from "./strings.js";
import { crossing, valueIn, valueOut } from "./value.js";

type Self = Wrapper & Dict<string | number, unknown>;
type AnyKey = string | number;

/** Address of a key that is a string, 0 for a number. */
function keyIn(scope: Scope, key: AnyKey): number {
  if (typeof key === "string") return scope.heap.strings.address(key);
  if (typeof key === "number") return 0;
  return refuseKey(key);
}

/** The same for a key that is only looked for: NO_STRING if no dict has it. */
function keyFor(scope: Scope, dict: number, key: AnyKey): number {
  if (typeof key === "string") return scope.heap.strings.find(dict, key);
  if (typeof key === "number") return 0;
  return refuseKey(key);
}

function refuseKey(key: unknown): never {
  throw new NotShareableError("The key of a Dict", key, undefined, "A key is a string or a number.");
}

function pathOf(key: AnyKey): string {
  if (typeof key === "string") return `Dict[${JSON.stringify(key)}]`;
  return typeof key === "number" ? `Dict[${key}]` : refuseKey(key);
}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the prototype gets what Shared promises below
export class Dict<K extends string | number, V> {
  /** A dict of the given entries. O(entries). */
  constructor(entries?: Iterable<readonly [K, V]>) {
    const here = scopeHere("new Dict");
    const self = this as unknown as Wrapper;
    if (here.open) {
      self[ADDRESS] = create(here, entries);
      self[SCOPE] = here;
    } else {
      here.heap.batch((scope) => here.heap.keepConstructed(self, create(scope, entries)));
    }
  }

  /** Number of keys; while others change the dict, as of some moments during the call. */
  get size(): number {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    return s.open ? s.x.dictSize(self[ADDRESS]) : slow(self, (o) => (o as Self).size);
  }

  /** The value at a key, or undefined. O(1). */
  get(key: K): V | undefined {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) return slow(self, (o) => (o as Self).get(key)) as V | undefined;
    const ref = keyFor(s, self[ADDRESS], key);
    if (ref === NO_STRING) return undefined;
    let tag = s.x.dictGet(self[ADDRESS], ref, ref ? 0 : (key as number));
    if (tag < 0) tag = s.heap.retryStatus("Dict.get", () => s.x.dictGet(self[ADDRESS], ref, ref ? 0 : (key as number)));
    return valueOut(s.heap, tag) as V | undefined;
  }

  has(key: K): boolean {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) return slow(self, (o) => (o as Self).has(key));
    const ref = keyFor(s, self[ADDRESS], key);
    if (ref === NO_STRING) return false;
    let tag = s.x.dictGet(self[ADDRESS], ref, ref ? 0 : (key as number));
    if (tag < 0) tag = s.heap.retryStatus("Dict.has", () => s.x.dictGet(self[ADDRESS], ref, ref ? 0 : (key as number)));
    return tag !== L.TAG_ABSENT;
  }

  /** Sets the value at a key. O(1) amortised. */
  set(key: K, value: V): this {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) {
      slow(self, (o) => void (o as Self).set(key, value));
      return this;
    }
    if (updating) disturb(updating, self[ADDRESS], key);
    valueIn(s, value, pathOf(key));
    const { tag, ref, number } = crossing;
    const keyRef = keyIn(s, key); // after the value, whose parts may be many strings
    s.heap.retryStatus("Dict.set", () =>
      s.x.dictSet(self[ADDRESS], keyRef, keyRef ? 0 : (key as number), tag, ref, number),
    );
    return this;
  }

  /** Removes a key; true if it was there. O(1). */
  delete(key: K): boolean {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) return slow(self, (o) => (o as Self).delete(key));
    if (updating) disturb(updating, self[ADDRESS], key);
    const ref = keyFor(s, self[ADDRESS], key);
    if (ref === NO_STRING) return false;
    return (
      s.heap.retryStatus("Dict.delete", () => s.x.dictDelete(self[ADDRESS], ref, ref ? 0 : (key as number), 0)) === 1
    );
  }

  /** Adds to the number at a key (0 if it is absent) in one atomic step; the sum. O(1). */
  add(key: K, by: number): number {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) return slow(self, (o) => (o as Self).add(key, by));
    if (typeof by !== "number") throw new NotANumberError(key, { value: by });
    if (updating) disturb(updating, self[ADDRESS], key);
    const ref = keyIn(s, key);
    const sum = s.x.dictAdd(self[ADDRESS], ref, ref ? 0 : (key as number), by);
    return sum === sum ? sum : addFailed(s, self[ADDRESS], key, ref, by);
  }

  /**
   * Replaces the value at a key by `change(old)` in one atomic step; returns the new value. If another thread changes the
   * key meanwhile, `change` runs again: it must have no other effect.
   */
  update(key: K, change: (old: V | undefined) => V): V {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) return slow(self, (o) => (o as Self).update(key, change as (old: unknown) => unknown)) as V;
    const outer = updating;
    const update: Update = { address: self[ADDRESS], key, isDisturbed: false, outer };
    updating = update;
    try {
      return updated(s, update, change as (old: unknown) => unknown) as V;
    } finally {
      updating = outer;
    }
  }

  /** The keys. O(size). */
  keys(): K[] {
    return this.entries().map(([key]) => key);
  }

  values(): V[] {
    return this.entries().map(([, value]) => value);
  }

  entries(): [K, V][] {
    const self = this as unknown as Wrapper;
    const s = self[SCOPE];
    if (!s.open) return slow(self, (o) => (o as Self).entries()) as [K, V][];
    return copyEntries(s, self[ADDRESS]) as [K, V][];
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.entries()[Symbol.iterator]();
  }
}

// biome-ignore lint/correctness/noUnusedVariables: declarations that merge have the same parameters
export interface Dict<K extends string | number, V> extends Shared {}

/** Removes a key if its value is still this object; true if it was. In a step. */
export function deleteIf(dict: object, key: AnyKey, value: object): boolean {
  const self = dict as Self;
  const s = self[SCOPE];
  if (!s.open) return slow(self, (o) => deleteIf(o, key, value));
  if (updating) disturb(updating, self[ADDRESS], key);
  const ref = keyFor(s, self[ADDRESS], key);
  if (ref === NO_STRING) return false;
  const address = addressOf(value as Wrapper);
  const call = () => s.x.dictDelete(self[ADDRESS], ref, ref ? 0 : (key as number), address);
  return s.heap.retryStatus("Dict.delete", call) === 1;
}

/** An `update` whose function runs on this thread. */
interface Update {
  readonly address: number;
  readonly key: AnyKey;
  /** Its function has changed the key itself in this try. */
  isDisturbed: boolean;
  readonly outer: Update | null;
}

let updating: Update | null = null;

/** So often may a function change its own key before it is taken for one that always does. Other threads' changes do not count. */
const DISTURBANCES_MAX = 300;

/** Notes that the key of a dict changes, for the updates whose functions run now. */
function disturb(innermost: Update, address: number, key: AnyKey): void {
  for (let update: Update | null = innermost; update; update = update.outer) {
    const isKey = update.key === key || Object.is(update.key, key);
    if (isKey && update.address === address) update.isDisturbed = true;
  }
}

function updated(s: Scope, update: Update, change: (old: unknown) => unknown): unknown {
  const { address, key } = update;
  const { kernel } = s.heap;
  for (let disturbances = 0; ; ) {
    let keyRef = keyIn(s, key);
    const keyNumber = keyRef ? 0 : (key as number);
    const oldTag = s.heap.retryStatus("Dict.update", () => s.x.dictGet(address, keyRef, keyNumber));
    const oldRef = oldTag === L.TAG_REF ? (kernel.i32[kernel.outRef] as number) : 0;
    const oldNumber = oldTag === L.TAG_NUMBER ? (kernel.f64[kernel.outNumber] as number) : 0;
    update.isDisturbed = false;
    const value = change(valueOut(s.heap, oldTag));
    valueIn(s, value, pathOf(key));
    const { tag, ref, number } = crossing;
    keyRef = keyIn(s, key);
    const status = compareSet(s, address, [keyRef, keyNumber, oldTag, oldRef, oldNumber, tag, ref, number]);
    if (status === 0) {
      if (update.outer) disturb(update.outer, address, key);
      return value;
    }
    if (update.isDisturbed && ++disturbances === DISTURBANCES_MAX) throw new DictUpdateError(key);
  }
}

type CompareSet = [number, number, number, number, number, number, number, number];

function compareSet(s: Scope, address: number, args: CompareSet): number {
  let status = s.x.dictCompareSet(address, ...args);
  for (const room = new Room(s.heap); status === -L.E_MEMORY && room.make(); )
    status = s.x.dictCompareSet(address, ...args);
  if (status < 0 && status !== -L.E_CHANGED) s.heap.fail("Dict.update", -status);
  return status;
}

/** The sum was NaN: an error, or a sum of such numbers. */
function addFailed(s: Scope, address: number, key: AnyKey, ref: number, by: number): number {
  const { kernel } = s.heap;
  const code = () => kernel.u32[(kernel.block + L.TB_FAULT_CODE) >>> 2] as number;
  if (code() === 0) return Number.NaN;
  for (const room = new Room(s.heap); code() === L.E_MEMORY && room.make(); ) {
    const sum = s.x.dictAdd(address, ref, ref ? 0 : (key as number), by);
    if (sum === sum || code() === 0) return sum;
  }
  if (code() === L.E_TYPE) throw new NotANumberError(key);
  return s.heap.fail("Dict.add", code());
}

/** Reads entry by entry: of a snapshot, where nothing changes meanwhile and nothing can be made. */
function readEntries({ x, heap }: Scope, address: number, enough: number): [unknown, unknown][] {
  const found: [unknown, unknown][] = [];
  for (let shard = 0; shard < L.DICT_SHARDS; shard++) {
    for (let n = 0; found.length < enough; n++) {
      const tag = heap.retryStatus("Dict.entries", () => x.dictEntryKey(address, shard, n));
      if (tag === L.TAG_ABSENT) break;
      if (tag === L.TAG_UNDEFINED) continue;
      const key = valueOut(heap, tag);
      const value = heap.retryStatus("Dict.entries", () => x.dictEntryValue(address, shard, n));
      found.push([key, valueOut(heap, value)]);
    }
  }
  return found;
}

/** Copies shard by shard through a list of this step's own, until there are `enough`. */
function copyEntries(s: Scope, address: number, enough = Infinity): [unknown, unknown][] {
  const { x, heap } = s;
  if (heap.isReadOnly) return readEntries(s, address, enough);
  const { kernel } = heap;
  const found: [unknown, unknown][] = [];
  for (let shard = 0; shard < L.DICT_SHARDS && found.length < enough; shard++) {
    for (let room = 64; ; room = 2 * (kernel.u32[kernel.outA] as number) + 16) {
      const list = heap.retry("Dict.entries", () => x.listNew(L.TYPE_ARRAY, room));
      const status = x.dictCopyShard(address, shard, list);
      if (status === L.E_RANGE) continue;
      if (status !== 0) heap.fail("Dict.entries", status);
      const length = x.listLength(list);
      const item = (n: number) =>
        valueOut(
          heap,
          heap.retryStatus("Dict.entries", () => x.listGet(list, n)),
        );
      for (let n = 0; n < length; n += 2) found.push([item(n), item(n + 1)]);
      break;
    }
  }
  return found;
}

function create(scope: Scope, entries?: Iterable<readonly [unknown, unknown]>): number {
  const { x, heap } = scope;
  const pairs = itemsIn("new Dict()", "an iterable of [key, value]", entries);
  const address = heap.retry("new Dict", () => x.dictNew());
  for (const pair of pairs) {
    if (!Array.isArray(pair)) throw new OptionError("new Dict()", "each item", "an array [key, value]", pair);
    const [key, value] = pair;
    if (typeof key !== "string" && typeof key !== "number") refuseKey(key);
    valueIn(scope, value, `entries[${key}]`);
    const { tag, ref, number } = crossing;
    const keyRef = keyIn(scope, key as AnyKey);
    heap.retryStatus("new Dict", () => x.dictSet(address, keyRef, keyRef ? 0 : (key as number), tag, ref, number));
  }
  return address;
}

const token = { name: "Dict", wrap: makeWrap(Dict.prototype) };
builtinWraps.set(L.TYPE_DICT, token.wrap);
defineShared(
  Dict.prototype,
  token,
  (wrapper, limit) =>
    new Entries(new Map(copyEntries(wrapper[SCOPE], wrapper[ADDRESS], limit).slice(0, limit)), (wrapper as Self).size),
);
