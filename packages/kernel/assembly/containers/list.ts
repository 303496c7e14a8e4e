/**
 * LIST: a growing array of values. Length and items change under the list's spin bit; `get` takes no lock: it reads the
 * length first and the items after, items only ever grow, and the old array lives on for a grace period.
 * ARRAY and RECORD, the copies of plain JavaScript arrays and objects, have the same shape.
 */
import * as L from "../layout";
import { count, tb } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { spinLockBit, spinUnlockBit } from "../machine/spin";
import { wideExchange, wideLoad, wordLoad, wordStore } from "../machine/word";
import { chunksAreReady } from "../heap/chunks";
import { countDecrement } from "../heap/count";
import { newbornPush, newbornReserve } from "../heap/handle";
import { allocate, birthCount, objectFree, partAllocate } from "../heap/object";
import { enter } from "../heap/safepoint";
import { readAddress, writeAddress } from "../paging/translate";
import { box, valueOut, valueRelease, valueRetain } from "./value";

const UNDEFINED: u64 = (<u64>L.BOX_UNDEFINED) << 48;

/** A newborn list with room for `capacity` values, or an error code. */
export function listNew(type: u32, capacity: u32): u32 {
  enter();
  stackProbe();
  if (!newbornReserve()) return L.E_MEMORY;
  let items: u32 = 0;
  if (capacity) {
    items = valuesNew(capacity);
    if (items < L.ERROR_LIMIT) return items;
  }
  const va = allocate(L.LIST_SIZE);
  if (!va) {
    if (items) objectFree(items);
    return L.E_MEMORY;
  }
  const p = writeAddress(va);
  store<u32>(p + L.LIST_LENGTH, 0);
  store<u32>(p + L.LIST_ITEMS, items);
  store<u32>(p + L.OBJECT_COUNT, birthCount());
  store<u32>(p, type);
  newbornPush(va);
  count(L.COUNTER_ALLOCATIONS);
  return va;
}

function valuesNew(capacity: u32): u32 {
  if (capacity > 0x0fffffff) return L.E_MEMORY;
  const va = partAllocate(L.TYPE_VALUES, L.VALUES_DATA + (capacity << 3));
  if (va < L.ERROR_LIMIT) return va;
  const p = writeAddress(va);
  for (let n: u32 = 0; n < capacity; n++) store<u64>(p + L.VALUES_DATA + (<usize>n << 3), UNDEFINED);
  store<u32>(p + L.VALUES_CAPACITY, capacity);
  return va;
}

// @ts-ignore: decorator
@inline function elementOf(array: u32, index: u32): u32 {
  return array + L.VALUES_DATA + (index << 3);
}

export function listLength(list: u32): i32 {
  const p = readAddress(list);
  return p ? <i32>wordLoad(p + L.LIST_LENGTH) : -1;
}

/** The tag of element `index` (TAG_ABSENT beyond the end), its payload in OUT. */
export function listGet(list: u32, index: u32): i32 {
  enter();
  const p = readAddress(list);
  if (!p) return -<i32>load<u32>(tb + L.TB_FAULT_CODE);
  if (index >= wordLoad(p + L.LIST_LENGTH)) return L.TAG_ABSENT;
  const element = readAddress(elementOf(wordLoad(p + L.LIST_ITEMS), index));
  return element ? valueOut(wideLoad(element)) : -<i32>load<u32>(tb + L.TB_FAULT_CODE);
}

/** Replaces element `index`: 0, -E_RANGE or another error. */
export function listSet(list: u32, index: u32, tag: i32, ref: u32, value: f64): i32 {
  enter();
  stackProbe();
  if (!chunksAreReady()) return -L.E_MEMORY;
  const p = writeAddress(list);
  if (!p) return -<i32>load<u32>(tb + L.TB_FAULT_CODE);
  const boxed = box(tag, ref, value);
  while (true) {
    const array = wordLoad(p + L.LIST_ITEMS);
    if (index >= wordLoad(p + L.LIST_LENGTH) || !array) return -L.E_RANGE;
    // Each element is translated, not only the first page: an array can be a run, whose pages have histories of their own.
    const element = writeAddress(elementOf(array, index));
    if (!element) return -L.E_MEMORY;
    if (!valueRetain(boxed)) return -L.E_MEMORY;
    spinLockBit(p, L.HEADER_SPIN, list);
    if (load<u32>(p + L.LIST_ITEMS) != array || index >= load<u32>(p + L.LIST_LENGTH)) {
      spinUnlockBit(p, L.HEADER_SPIN);
      valueRelease(boxed);
      continue;
    }
    const old = wideExchange(element, boxed);
    spinUnlockBit(p, L.HEADER_SPIN);
    valueRelease(old);
    return 0;
  }
}

/** Appends: the new length, or a negative error. Amortised O(1). */
export function listPush(list: u32, tag: i32, ref: u32, value: f64): i32 {
  enter();
  stackProbe();
  if (!chunksAreReady()) return -L.E_MEMORY;
  const p = writeAddress(list);
  if (!p) return -<i32>load<u32>(tb + L.TB_FAULT_CODE);
  const boxed = box(tag, ref, value);
  if (!valueRetain(boxed)) return -L.E_MEMORY;
  while (true) {
    const array = wordLoad(p + L.LIST_ITEMS);
    const items = array ? readAddress(array) : 0;
    const length = wordLoad(p + L.LIST_LENGTH);
    const hasRoom = items != 0 && length < load<u32>(items + L.VALUES_CAPACITY);
    const element = hasRoom ? writeAddress(elementOf(array, length)) : 0;
    spinLockBit(p, L.HEADER_SPIN, list);
    const same = load<u32>(p + L.LIST_ITEMS) == array && load<u32>(p + L.LIST_LENGTH) == length;
    if (same && element) {
      wideExchange(element, boxed);
      wordStore(p + L.LIST_LENGTH, length + 1);
      spinUnlockBit(p, L.HEADER_SPIN);
      return <i32>(length + 1);
    }
    spinUnlockBit(p, L.HEADER_SPIN);
    if (!same) continue;
    const status = listGrow(list, p, array, length);
    if (status) {
      valueRelease(boxed);
      return -<i32>status;
    }
  }
}

/** Puts a larger array in the place of `array`, unless somebody else has done so. */
function listGrow(list: u32, p: usize, array: u32, length: u32): u32 {
  const larger = valuesNew(length < 4 ? 4 : length + (length >>> 1));
  if (larger < L.ERROR_LIMIT) return larger;
  const q = writeAddress(larger);
  const items = array ? writeAddress(array) : 0;
  spinLockBit(p, L.HEADER_SPIN, list);
  const mine = load<u32>(p + L.LIST_ITEMS) == array;
  if (mine) {
    // The counts move with the values: the old array dies without releasing them. It is marked so before the new one is
    // in place, and there is no call from the copy on, so a thread that dies here can leak them but not release them twice.
    const used = load<u32>(p + L.LIST_LENGTH);
    if (used) memory.copy(q + L.VALUES_DATA, items + L.VALUES_DATA, <usize>used << 3);
    if (items) store<u32>(items + L.VALUES_PROGRESS, load<u32>(items + L.VALUES_CAPACITY));
    wordStore(p + L.LIST_ITEMS, larger);
  }
  spinUnlockBit(p, L.HEADER_SPIN);
  if (!mine) objectFree(larger);
  else if (array) countDecrement(array);
  return 0;
}

/** Removes the last element: its tag (TAG_ABSENT if there is none), its payload in OUT. */
export function listPop(list: u32): i32 {
  enter();
  stackProbe();
  if (!chunksAreReady()) return -L.E_MEMORY;
  const p = writeAddress(list);
  if (!p) return -<i32>load<u32>(tb + L.TB_FAULT_CODE);
  while (true) {
    const array = wordLoad(p + L.LIST_ITEMS);
    if (!array) return L.TAG_ABSENT;
    const length = wordLoad(p + L.LIST_LENGTH);
    if (!length) return L.TAG_ABSENT;
    const element = writeAddress(elementOf(array, length - 1));
    spinLockBit(p, L.HEADER_SPIN, list);
    if (load<u32>(p + L.LIST_LENGTH) != length || load<u32>(p + L.LIST_ITEMS) != array) {
      spinUnlockBit(p, L.HEADER_SPIN);
      continue;
    }
    wordStore(p + L.LIST_LENGTH, length - 1);
    const old = wideExchange(element, UNDEFINED);
    spinUnlockBit(p, L.HEADER_SPIN);
    const tag = valueOut(old);
    valueRelease(old);
    return tag;
  }
}
