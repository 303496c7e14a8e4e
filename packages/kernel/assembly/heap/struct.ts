/**
 * Structs: birth with all fields in one call, fields read and written in one call each. Whether a field exists and what it
 * holds is JavaScript's to check, once, from the class; a reference that is stored here is a live object of this heap.
 */
import * as L from "../layout";
import { count, tb } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { wordExchange, wordLoad } from "../machine/word";
import { readAddress, writeAddress } from "../paging/translate";
import { blockAllocateProbed, blockFirst, blockTakeFirst } from "./blocks";
import { chunksAreReady } from "./chunks";
import { classOf } from "./classes";
import { countDecrementAt, countIncrementAt } from "./count";
import { borrow, newbornPush, newbornReserve } from "./handle";
import { birthCount, typeEntry } from "./object";
import { enter } from "./safepoint";

/** A newborn whose body stands in scratch (references as addresses), or an error code. O(size). */
export function structNew(type: u32): u32 {
  enter();
  if (!newbornReserve()) return L.E_MEMORY;
  const entry = typeEntry(type);
  const size = load<u32>(entry + L.TYPE_SIZE);
  const scratch = tb + L.TB_SCRATCH;
  const mask = load<u64>(entry + L.TYPE_REF_MASK);
  // Every page that will be written is translated before the first write.
  for (let left = mask; left; left &= left - 1) {
    const child = load<u32>(scratch + (<usize>ctz(left) << 2));
    if (child && !writeAddress(child)) return load<u32>(tb + L.TB_FAULT_CODE);
  }
  const sizeClass = classOf(size); // a small one: its fields are 248 bytes at most
  let va = blockFirst(sizeClass);
  const p = va ? blockTakeFirst(sizeClass, va) : (va = blockAllocateProbed(sizeClass)) ? writeAddress(va) : 0;
  if (!p) return L.E_MEMORY;
  for (let left = mask; left; left &= left - 1) {
    const child = load<u32>(scratch + (<usize>ctz(left) << 2));
    if (child) countIncrementAt(writeAddress(child));
  }
  for (let n: u32 = L.OBJECT_BODY; n < size; n += 8) store<u64>(p + n, load<u64>(scratch + n));
  born(va, p, type);
  return va;
}

/** A newborn with up to two references and no other fields: the same, without the way through scratch. */
export function structNewRefs(type: u32, a: u32, b: u32): u32 {
  enter();
  if (!newbornReserve()) return L.E_MEMORY;
  const pa = a ? writeAddress(a) : 0;
  const pb = b ? writeAddress(b) : 0;
  let va = blockFirst(0);
  const p = va ? blockTakeFirst(0, va) : (va = blockAllocateProbed(0)) ? writeAddress(va) : 0;
  if (!p) return L.E_MEMORY;
  if (pa) countIncrementAt(pa);
  if (pb) countIncrementAt(pb);
  store<u64>(p + L.OBJECT_BODY, ((<u64>b) << 32) | a);
  born(va, p, type);
  return va;
}

// @ts-ignore: decorator
@inline function born(va: u32, p: usize, type: u32): void {
  store<u32>(p + L.OBJECT_COUNT, birthCount());
  store<u32>(p, type);
  newbornPush(va);
  count(L.COUNTER_ALLOCATIONS);
}

/** The object in a reference field, borrowed by this step; 0 for null; or an error code. */
export function refLoad(va: u32, offset: u32): u32 {
  enter();
  const p = readAddress(va);
  if (!p) return load<u32>(tb + L.TB_FAULT_CODE);
  const child = wordLoad(p + offset);
  if (child && !borrow(child)) return L.E_MEMORY;
  return child;
}

/** Counts the new reference, exchanges the slot, releases the old one: always in this order. 0 or an error code. */
export function refStore(va: u32, offset: u32, child: u32): u32 {
  enter();
  stackProbe();
  if (!chunksAreReady()) return L.E_MEMORY;
  const p = writeAddress(va);
  if (!p) return load<u32>(tb + L.TB_FAULT_CODE);
  if (child) {
    const pc = writeAddress(child);
    if (!pc) return load<u32>(tb + L.TB_FAULT_CODE);
    countIncrementAt(pc);
  }
  const old = wordExchange(p + offset, child);
  if (old) countDecrementAt(old, writeAddress(old));
  return 0;
}

export function f64Load(va: u32, offset: u32): f64 {
  enter();
  const p = readAddress(va);
  return p ? load<f64>(p + offset) : NaN;
}

export function f64Store(va: u32, offset: u32, value: f64): u32 {
  enter();
  const p = writeAddress(va);
  if (!p) return load<u32>(tb + L.TB_FAULT_CODE);
  store<f64>(p + offset, value);
  return 0;
}

export function i32Load(va: u32, offset: u32): i32 {
  enter();
  const p = readAddress(va);
  return p ? load<i32>(p + offset) : 0;
}

export function i32Store(va: u32, offset: u32, value: i32): u32 {
  enter();
  const p = writeAddress(va);
  if (!p) return load<u32>(tb + L.TB_FAULT_CODE);
  store<i32>(p + offset, value);
  return 0;
}
