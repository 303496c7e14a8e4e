/**
 * DICT: a hash map in eight shards by the low bits of the hash, each a TABLE. Keys are strings (counted references) and numbers.
 *
 * Finding a key takes no lock, and neither does replacing its value: a key never moves inside a table, so an operation on one
 * that is there reads the table, and its linearization point is one load or CAS of the value. Threads that count words in one
 * dict write nothing but the counters. Adding and deleting keys is done under the shard's lock bit.
 *
 *   value:  live --CAS--> live            delete, or the move to a larger table --CAS--> FROZEN, for ever
 *
 * Whoever meets FROZEN takes the lock, and looks again when the change is over (the value's state in Cliff Click's hash table,
 * 2007, with a lock in the place of helping). While entries are moved the new table has each value before it is frozen in the
 * old one, whose NEXT names the new one: a thread that dies on the way loses nothing (`dictRecover`).
 *
 * Addresses are translated and references counted before the lock is taken; old values are released after it.
 */
import * as L from "../layout";
import { count, tb } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { traceReference } from "../paging/trace";
import { spinLockBit, spinUnlockBit } from "../machine/spin";
import { wideCas, wideExchange, wideLoad, wideStore, wordLoad, wordStore } from "../machine/word";
import { chunksAreReady } from "../heap/chunks";
import { countDecrement } from "../heap/count";
import { newbornPush, newbornReserve } from "../heap/handle";
import { allocate, birthCount, objectFree } from "../heap/object";
import { enter } from "../heap/safepoint";
import { readAddress, writeAddress } from "../paging/translate";
import * as T from "./table";
import { box, boxNumber, boxRef, isNumber, valueOut, valueRelease, valueRetain } from "./value";

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

// @ts-ignore: decorator
@inline function slot(): usize {
  return dict + L.DICT_TABLES + (<usize>shard << 2);
}

/** Prepares an operation on one key, which only reads or also writes; false if the dict cannot be reached. */
// @ts-ignore: decorator
@inline function open(va: u32, keyRef: u32, keyNumber: f64, writes: bool): bool {
  enter();
  dict = writes ? writeAddress(va) : readAddress(va);
  if (!dict) return false;
  key = keyRef ? boxRef(keyRef) : boxNumber(keyNumber + 0); // -0 + 0 is 0
  hash = T.keyHash(key);
  plain = T.keyIsPlain(key);
  shard = hash & (L.DICT_SHARDS - 1);
  return true;
}

/** The key's entry in its shard as it is now, 0 if there is none. Takes no lock: the value may be FROZEN. */
// @ts-ignore: decorator
@inline function look(): usize {
  tableVa = wordLoad(slot());
  table = tableVa ? readAddress(tableVa) : 0;
  const entry = table ? T.tableFind(table, key, hash, plain) : 0;
  if (entry) traceReference(tableVa + <u32>(entry - table), 0);
  return entry;
}

/** The same to write its value. */
// @ts-ignore: decorator
@inline function lookToWrite(): usize {
  const entry = look();
  return entry ? T.writable(tableVa, table, entry) : 0;
}

/** The same with the shard's lock held: the value is not FROZEN. */
// @ts-ignore: decorator
@inline function lookLocked(): usize {
  const entry = table ? T.tableFind(table, key, hash, plain) : 0;
  return entry ? T.writable(tableVa, table, entry) : 0;
}

/** Takes the shard's lock; its table (0 if it has none) is translated, so nothing faults while the lock is held. */
function lock(va: u32): void {
  while (true) {
    tableVa = wordLoad(slot());
    table = tableVa ? writeAddress(tableVa) : 0;
    spinLockBit(dict + L.DICT_LOCKS, (<u32>1) << shard, va);
    if (load<u32>(slot()) == tableVa) return;
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
  // While it is filled the new table owns none of its entries, and when it is in place the old one does not: a thread that
  // dies on the way can leak them but not release them twice. The last stores stand in a straight line.
  store<u32>(p + L.TABLE_PROGRESS, capacity);
  if (table) {
    store<u32>(table + L.TABLE_NEXT, larger);
    T.tableMove(tableVa, table, larger, p);
    store<u32>(table + L.TABLE_PROGRESS, old);
  }
  store<u32>(p + L.TABLE_PROGRESS, 0);
  wordStore(slot(), larger);
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
  if (!open(va, keyRef, keyNumber, false)) return failure();
  const entry = look();
  if (!entry) return L.TAG_ABSENT;
  const value = wideLoad(entry + 8);
  return value != T.FROZEN ? valueOut(value) : getLocked(va);
}

function getLocked(va: u32): i32 {
  stackProbe();
  dict = writeAddress(va);
  lock(va);
  const entry = lookLocked();
  const value = entry ? wideLoad(entry + 8) : 0;
  unlock();
  return entry ? valueOut(value) : L.TAG_ABSENT;
}

/** Sets the value at a key: 0 replaced, 1 added, or a negative error. */
export function dictSet(va: u32, keyRef: u32, keyNumber: f64, tag: i32, ref: u32, value: f64): i32 {
  if (!open(va, keyRef, keyNumber, true)) return failure();
  stackProbe();
  if (!chunksAreReady()) return -L.E_MEMORY;
  const boxed = box(tag, ref, value);
  if (!valueRetain(boxed)) return -L.E_MEMORY;
  const entry = lookToWrite();
  if (entry && replace(entry, boxed)) return 0;
  return setLocked(va, boxed);
}

/** Replaces a value and releases what it was; false if it is FROZEN. */
// @ts-ignore: decorator
@inline function replace(entry: usize, boxed: u64): bool {
  let old = wideLoad(entry + 8);
  while (old != T.FROZEN) {
    const found = wideCas(entry + 8, old, boxed);
    if (found == old) {
      valueRelease(old);
      return true;
    }
    old = found;
  }
  return false;
}

/** `boxed` is counted. */
function setLocked(va: u32, boxed: u64): i32 {
  if (!valueRetain(key)) {
    valueRelease(boxed);
    return -L.E_MEMORY;
  }
  while (true) {
    lock(va);
    const entry = lookLocked();
    if (entry) {
      const old = wideExchange(entry + 8, boxed);
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
    T.tableAdd(tableVa, table, key, value, hash);
    unlock();
    return 1;
  }
  unlock();
  lock(va);
  if (lookLocked()) {
    unlock();
    return 0;
  }
  if ((!table || !T.tableHasRoom(table)) && !grow()) {
    unlock();
    return -1;
  }
  T.tableAdd(tableVa, table, key, value, hash);
  unlock();
  return 1;
}

/** Adds to the number at a key (0 if absent) and returns the sum; NaN with TB_FAULT_CODE set on an error. */
export function dictAdd(va: u32, keyRef: u32, keyNumber: f64, by: f64): f64 {
  store<u32>(tb + L.TB_FAULT_CODE, 0);
  if (!open(va, keyRef, keyNumber, true)) return NaN;
  const entry = lookToWrite();
  return entry && wideLoad(entry + 8) != T.FROZEN ? addTo(entry, va, by) : addLocked(va, by);
}

/** Adds to the number in an entry. */
function addTo(entry: usize, va: u32, by: f64): f64 {
  let old = wideLoad(entry + 8);
  while (isNumber(old)) {
    const sum = reinterpret<f64>(old) + by;
    const found = wideCas(entry + 8, old, boxNumber(sum));
    if (found == old) return sum;
    old = found;
  }
  if (old == T.FROZEN) return addLocked(va, by);
  store<u32>(tb + L.TB_FAULT_CODE, L.E_TYPE);
  return NaN;
}

function addLocked(va: u32, by: f64): f64 {
  stackProbe();
  if (!chunksAreReady() || !valueRetain(key)) {
    store<u32>(tb + L.TB_FAULT_CODE, L.E_MEMORY);
    return NaN;
  }
  while (true) {
    lock(va);
    const entry = lookLocked();
    if (entry) {
      const sum = addTo(entry, va, by); // nobody freezes it now
      unlock();
      valueRelease(key);
      return sum;
    }
    const status = addOrRetry(va, boxNumber(by));
    if (status > 0) return by;
    if (status == 0) continue;
    valueRelease(key);
    store<u32>(tb + L.TB_FAULT_CODE, L.E_MEMORY);
    return NaN;
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
  if (!open(va, keyRef, keyNumber, true)) return failure();
  stackProbe();
  if (!chunksAreReady()) return -L.E_MEMORY;
  const boxed = box(tag, ref, value);
  if (!valueRetain(boxed)) return -L.E_MEMORY;
  if (oldTag == L.TAG_ABSENT) return addIfAbsent(va, boxed);
  const old = box(oldTag, oldRef, oldNumber);
  const entry = lookToWrite();
  let found = entry ? wideCas(entry + 8, old, boxed) : T.FROZEN;
  if (found == T.FROZEN) {
    lock(va);
    const again = lookLocked();
    if (again) found = wideCas(again + 8, old, boxed);
    unlock();
  }
  valueRelease(found == old ? old : boxed);
  return found == old ? 0 : -L.E_CHANGED;
}

/** `boxed` is counted. */
function addIfAbsent(va: u32, boxed: u64): i32 {
  if (!valueRetain(key)) {
    valueRelease(boxed);
    return -L.E_MEMORY;
  }
  lock(va);
  let added: i32 = 0;
  if (lookLocked()) unlock();
  else added = addOrRetry(va, boxed);
  if (added > 0) return 0;
  valueRelease(key);
  valueRelease(boxed);
  return added < 0 ? -L.E_MEMORY : -L.E_CHANGED;
}

/** Removes a key, if `only` is not 0 only if its value is still that object: 1 removed, 0 it was not there. */
export function dictDelete(va: u32, keyRef: u32, keyNumber: f64, only: u32): i32 {
  if (!open(va, keyRef, keyNumber, true)) return failure();
  stackProbe();
  if (!look()) return 0;
  if (!chunksAreReady()) return -L.E_MEMORY;
  lock(va);
  const entry = lookLocked();
  if (!entry || (only && wideCas(entry + 8, boxRef(only), T.FROZEN) != boxRef(only))) {
    unlock();
    return 0;
  }
  const oldKey = load<u64>(entry);
  const old = only ? boxRef(only) : wideExchange(entry + 8, T.FROZEN);
  wideStore(entry, T.TOMBSTONE);
  store<u32>(table + L.TABLE_COUNT, load<u32>(table + L.TABLE_COUNT) - 1);
  unlock();
  valueRelease(oldKey);
  valueRelease(old);
  return 1;
}

/**
 * Appends keys and values of one shard, alternately, to a list that only this step knows. The keys are those of one instant,
 * each value is one that it had meanwhile. Returns 0, or an error; E_RANGE if the list has no room for all (then OUT_A says how many entries there are).
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
    const v = wideLoad(entry + 8);
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

/** After the death of a thread that was changing these shards: what it had moved into a new table is moved back. */
export function dictRecover(va: u32, locked: u32): void {
  const p = writeAddress(va);
  for (let n: u32 = 0; n < L.DICT_SHARDS; n++) {
    const t = load<u32>(p + L.DICT_TABLES + (<usize>n << 2));
    if (t && locked & (1 << n)) T.tableRecover(t);
  }
}
