/**
 * DICT: a hash map in eight shards by the low bits of the hash, each a TABLE under its own lock bit, so that threads that
 * count words in one dict seldom meet. Each operation on one key is atomic; a walk over all keys is atomic shard by shard.
 * Keys are strings (counted references) and numbers.
 *
 * Addresses are translated and references counted before the lock is taken; old values are released after it.
 */
import * as L from "../layout";
import { count, tb } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { spinLockBit, spinUnlockBit } from "../machine/spin";
import { wordLoad } from "../machine/word";
import { chunksAreReady } from "../heap/chunks";
import { countDecrement } from "../heap/count";
import { newbornPush, newbornReserve } from "../heap/handle";
import { allocate, birthCount, objectFree } from "../heap/object";
import { enter } from "../heap/safepoint";
import { readAddress, writeAddress } from "../paging/translate";
import * as T from "./table";
import { box, boxNumber, boxRef, valueOut, valueRelease, valueRetain } from "./value";

export function dictNew(): u32 {
  enter();
  stackProbe();
  if (!newbornReserve()) return L.E_MEMORY;
  const va = allocate(L.DICT_SIZE);
  if (!va) return L.E_MEMORY;
  const p = writeAddress(va);
  memory.fill(p + L.OBJECT_BODY, 0, L.DICT_SIZE - L.OBJECT_BODY);
  store<u32>(p + L.OBJECT_COUNT, birthCount());
  store<u32>(p, L.TYPE_DICT);
  newbornPush(va);
  count(L.COUNTER_ALLOCATIONS);
  return va;
}

// What one operation works on: registers, set by `open` and `lock`.
let dict: usize = 0;
let key: u64 = 0;
let hash: u32 = 0;
let plain: bool = true;
let shard: u32 = 0;
let tableVa: u32 = 0;
let table: usize = 0;

/** Prepares an operation on one key; false if the dict cannot be reached. */
function open(va: u32, keyRef: u32, keyNumber: f64): bool {
  enter();
  stackProbe();
  dict = writeAddress(va);
  if (!dict) return false;
  if (!chunksAreReady()) {
    store<u32>(tb + L.TB_FAULT_CODE, L.E_MEMORY);
    return false;
  }
  key = keyRef ? boxRef(keyRef) : boxNumber(keyNumber + 0); // -0 + 0 is 0
  hash = T.keyHash(key);
  plain = T.keyIsPlain(key);
  shard = hash & (L.DICT_SHARDS - 1);
  return true;
}

/** Takes the shard's lock; its table (0 if it has none) is translated, so nothing faults while the lock is held. */
function lock(va: u32): void {
  const slot = dict + L.DICT_TABLES + (<usize>shard << 2);
  while (true) {
    tableVa = wordLoad(slot);
    table = tableVa ? writeAddress(tableVa) : 0;
    spinLockBit(dict + L.DICT_LOCKS, (<u32>1) << shard, va);
    if (load<u32>(slot) == tableVa) return;
    unlock();
  }
}

// @ts-ignore: decorator
@inline function unlock(): void {
  spinUnlockBit(dict + L.DICT_LOCKS, (<u32>1) << shard);
}

/** Makes room for one more entry in the locked shard; false when memory is out. Frees the old table after a grace period. */
function grow(): bool {
  const live = table ? load<u32>(table + L.TABLE_COUNT) : 0;
  const old = table ? load<u32>(table + L.TABLE_CAPACITY) : 0;
  const capacity: u32 = old == 0 ? 4 : live * 2 >= old ? old << 1 : old;
  const larger = T.tableNew(capacity);
  if (larger < L.ERROR_LIMIT) return false;
  const p = writeAddress(larger);
  // While it is copied the new table owns none of its entries, and when it is in place the old one does not: a thread that
  // dies on the way can leak them but not release them twice. The three stores stand in a straight line.
  store<u32>(p + L.TABLE_PROGRESS, capacity);
  if (table) T.tableCopy(table, p);
  if (table) store<u32>(table + L.TABLE_PROGRESS, old);
  store<u32>(p + L.TABLE_PROGRESS, 0);
  store<u32>(dict + L.DICT_TABLES + (<usize>shard << 2), larger);
  if (tableVa) countDecrement(tableVa);
  tableVa = larger;
  table = p;
  return true;
}

function failure(): i32 {
  return -<i32>load<u32>(tb + L.TB_FAULT_CODE);
}

/** The tag of the value at a key (TAG_ABSENT if there is none), its payload in OUT. */
export function dictGet(va: u32, keyRef: u32, keyNumber: f64): i32 {
  if (!open(va, keyRef, keyNumber)) return failure();
  lock(va);
  const entry = table ? T.tableFind(table, key, hash, plain) : 0;
  const value = entry ? load<u64>(entry + 8) : 0;
  unlock();
  return entry ? valueOut(value) : L.TAG_ABSENT;
}

/** Sets the value at a key: 0 replaced, 1 added, or a negative error. */
export function dictSet(va: u32, keyRef: u32, keyNumber: f64, tag: i32, ref: u32, value: f64): i32 {
  if (!open(va, keyRef, keyNumber)) return failure();
  const boxed = box(tag, ref, value);
  if (!valueRetain(boxed) || !valueRetain(key)) return -L.E_MEMORY;
  while (true) {
    lock(va);
    const entry = table ? T.tableFind(table, key, hash, plain) : 0;
    if (entry) {
      const old = load<u64>(entry + 8);
      store<u64>(entry + 8, boxed);
      unlock();
      valueRelease(key); // the entry holds the key it was added with
      valueRelease(old);
      return 0;
    }
    const status = addOrRetry(va, boxed);
    if (status > 0) return 1;
    if (status == 0) continue;
    valueRelease(key);
    valueRelease(boxed);
    return -L.E_MEMORY;
  }
}

/** Adds to the locked shard: 1 done (unlocked), 0 somebody was faster, start over (unlocked), -1 memory is out (unlocked). */
function addOrRetry(va: u32, value: u64): i32 {
  if (table && T.tableHasRoom(table)) {
    T.tableAdd(table, key, value, hash);
    unlock();
    return 1;
  }
  unlock();
  stackProbe();
  lock(va);
  if (table && T.tableFind(table, key, hash, plain)) {
    unlock();
    return 0;
  }
  if ((!table || !T.tableHasRoom(table)) && !grow()) {
    unlock();
    return -1;
  }
  T.tableAdd(table, key, value, hash);
  unlock();
  return 1;
}

/** Adds to the number at a key (0 if absent) and returns the sum; NaN with TB_FAULT_CODE set on an error. */
export function dictAdd(va: u32, keyRef: u32, keyNumber: f64, by: f64): f64 {
  store<u32>(tb + L.TB_FAULT_CODE, 0);
  if (!open(va, keyRef, keyNumber)) return NaN;
  while (true) {
    lock(va);
    const entry = table ? T.tableFind(table, key, hash, plain) : 0;
    if (entry) {
      const old = load<u64>(entry + 8);
      if (<u32>(old >>> 48) >= L.BOX_UNDEFINED) {
        unlock();
        store<u32>(tb + L.TB_FAULT_CODE, L.E_TYPE);
        return NaN;
      }
      const sum = reinterpret<f64>(old) + by;
      store<u64>(entry + 8, boxNumber(sum));
      unlock();
      return sum;
    }
    // The key is counted before it is published; with the lock held only if that cannot fail.
    unlock();
    if (!valueRetain(key)) return NaN;
    lock(va);
    if (table && T.tableFind(table, key, hash, plain)) {
      unlock();
      valueRelease(key);
      continue;
    }
    const status = addOrRetry(va, boxNumber(by));
    if (status > 0) return by;
    valueRelease(key);
    if (status < 0) {
      store<u32>(tb + L.TB_FAULT_CODE, L.E_MEMORY);
      return NaN;
    }
  }
}

/**
 * Replaces the value at a key if it is still what was read: 0 done, -E_CHANGED. `old` may be TAG_ABSENT. References are
 * compared by address: what this step has read cannot have been reused meanwhile.
 */
export function dictCompareSet(
  va: u32, keyRef: u32, keyNumber: f64,
  oldTag: i32, oldRef: u32, oldNumber: f64,
  tag: i32, ref: u32, value: f64,
): i32 {
  if (!open(va, keyRef, keyNumber)) return failure();
  const boxed = box(tag, ref, value);
  if (!valueRetain(boxed) || !valueRetain(key)) return -L.E_MEMORY;
  lock(va);
  const entry = table ? T.tableFind(table, key, hash, plain) : 0;
  let status: i32 = -L.E_CHANGED;
  if (entry && oldTag != L.TAG_ABSENT) {
    const old = load<u64>(entry + 8);
    if (old == box(oldTag, oldRef, oldNumber)) {
      store<u64>(entry + 8, boxed);
      unlock();
      valueRelease(key);
      valueRelease(old);
      return 0;
    }
    unlock();
  } else if (!entry && oldTag == L.TAG_ABSENT) {
    const added = addOrRetry(va, boxed);
    if (added > 0) return 0;
    if (added < 0) status = -L.E_MEMORY;
  } else {
    unlock();
  }
  valueRelease(key);
  valueRelease(boxed);
  return status;
}

/** Removes a key: 1 removed, 0 it was not there. */
export function dictDelete(va: u32, keyRef: u32, keyNumber: f64): i32 {
  if (!open(va, keyRef, keyNumber)) return failure();
  lock(va);
  const entry = table ? T.tableFind(table, key, hash, plain) : 0;
  if (!entry) {
    unlock();
    return 0;
  }
  const oldKey = load<u64>(entry);
  const old = load<u64>(entry + 8);
  store<u64>(entry, T.TOMBSTONE);
  store<u64>(entry + 8, (<u64>L.BOX_NULL) << 48);
  store<u32>(table + L.TABLE_COUNT, load<u32>(table + L.TABLE_COUNT) - 1);
  unlock();
  valueRelease(oldKey);
  valueRelease(old);
  return 1;
}

/** Number of keys; a sum over shards, each as it was when it was looked at. */
export function dictSize(va: u32): i32 {
  enter();
  const p = readAddress(va);
  if (!p) return -1;
  let size: u32 = 0;
  for (let n: u32 = 0; n < L.DICT_SHARDS; n++) {
    const t = wordLoad(p + L.DICT_TABLES + (<usize>n << 2));
    if (t) size += wordLoad(readAddress(t) + L.TABLE_COUNT);
  }
  return <i32>size;
}

/**
 * Appends keys and values of one shard, alternately, to a list that only this step knows: atomic for the shard.
 * Returns 0, or an error; E_RANGE if the list has no room for all (then OUT_A says how many entries there are).
 */
export function dictCopyShard(va: u32, index: u32, into: u32): u32 {
  enter();
  stackProbe();
  dict = writeAddress(va);
  if (!dict) return load<u32>(tb + L.TB_FAULT_CODE);
  shard = index;
  const list = writeAddress(into);
  lock(va);
  if (!table) {
    unlock();
    return 0;
  }
  const entries = load<u32>(table + L.TABLE_COUNT);
  const length = load<u32>(list + L.LIST_LENGTH);
  const array = load<u32>(list + L.LIST_ITEMS);
  const items = array ? writeAddress(array) : 0;
  if (!items || length + 2 * entries > load<u32>(items + L.VALUES_CAPACITY)) {
    unlock();
    store<u32>(tb + L.TB_OUT_A, entries);
    return L.E_RANGE;
  }
  const capacity = load<u32>(table + L.TABLE_CAPACITY);
  let to = length;
  for (let n: u32 = 0; n < capacity; n++) {
    const entry = T.entryAt(table, n);
    const k = load<u64>(entry);
    if (k == T.HOLE || k == T.TOMBSTONE) continue;
    const v = load<u64>(entry + 8);
    valueRetain(k);
    valueRetain(v);
    const slot = items + L.VALUES_DATA + (<usize>to << 3);
    store<u64>(slot, k);
    store<u64>(slot + 8, v);
    to += 2;
  }
  store<u32>(list + L.LIST_LENGTH, to);
  unlock();
  return 0;
}

/** After the death of a thread that was changing a dict: its counters are made right again. */
export function dictRecover(va: u32): void {
  const p = writeAddress(va);
  for (let n: u32 = 0; n < L.DICT_SHARDS; n++) {
    const t = load<u32>(p + L.DICT_TABLES + (<usize>n << 2));
    if (t) T.tableRecount(writeAddress(t));
  }
}
