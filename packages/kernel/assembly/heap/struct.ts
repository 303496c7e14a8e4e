/**
 * Structs: birth with all fields in one call, fields read and written in one call each. Whether a field exists and what it
 * holds is JavaScript's to check, once, from the class; a reference that is stored here is a live object of this heap.
 */
import * as L from "../layout";
import { count, tb } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { wordExchange, wordLoad } from "../machine/word";
import { readAddress, readAddressCached, writeAddress, writeAddressCached, writeEntry } from "../paging/translate";
import { blockAllocateProbed, blockNext, blockTakeNext, freeFirst, freeTake } from "./blocks";
import { bumpHasMore, bumpNext, bumpTake } from "./bump";
import { chunksAreReady } from "./chunks";
import { countDecrementAt, countIncrementAt } from "./count";
import { borrow, newbornReserve } from "./handle";
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
  const sizeClass = load<u32>(entry + L.TYPE_CLASS);
  let va = blockNext(sizeClass);
  let p = va ? writeAddress(va) : 0;
  if (p) blockTakeNext(sizeClass, va, p);
  else p = (va = blockAllocateProbed(sizeClass)) ? writeAddress(va) : 0;
  if (!p) return L.E_MEMORY;
  for (let left = mask; left; left &= left - 1) {
    const child = load<u32>(scratch + (<usize>ctz(left) << 2));
    if (child) countIncrementAt(writeAddress(child));
  }
  for (let n: u32 = L.OBJECT_BODY; n < size; n += 8) store<u64>(p + n, load<u64>(scratch + n));
  born(va, p, type);
  return va;
}

/**
 * A newborn with up to two references and no other fields: the same, without the way through scratch. The common case makes no
 * call, which would make the compiler save registers: whatever it does not expect it leaves, untouched, to the other function.
 */
export function structNewRefs(type: u32, a: u32, b: u32): u32 {
  const top = <usize>load<u32>(tb + L.TB_NEWBORN_TOP);
  const isFull = top == <usize>load<u32>(tb + L.TB_NEWBORN_END);
  if (isFull || load<u32>(tb + L.TB_REQUEST)) return structNewRefsSlow(type, a, b);
  const isFresh = bumpHasMore(0);
  const va = isFresh ? bumpNext(0) : freeFirst(0);
  const entry = writeEntry(va); // none for 0
  if (!(entry & 1)) return structNewRefsSlow(type, a, b);
  if (a | b) {
    const pa = a ? writeAddressCached(a) : 1;
    const pb = b ? writeAddressCached(b) : 1;
    if (!pa || !pb) return structNewRefsSlow(type, a, b);
    if (a) countIncrementAt(pa);
    if (b) countIncrementAt(pb);
  }
  const p = <usize>(va + entry - 1);
  // From here on no thread dies before the header is there: what a fresh block has in its first word does not matter.
  if (isFresh) bumpTake(0, va);
  else freeTake(0, p);
  store<u64>(p + L.OBJECT_BODY, ((<u64>b) << 32) | a);
  bornAt(top, va, p, type);
  return va;
}

function structNewRefsSlow(type: u32, a: u32, b: u32): u32 {
  enter();
  if (!newbornReserve()) return L.E_MEMORY;
  const pa = a ? writeAddress(a) : 0;
  const pb = b ? writeAddress(b) : 0;
  const va = blockAllocateProbed(0);
  const p = va ? writeAddress(va) : 0;
  if (!p) return L.E_MEMORY;
  if (pa) countIncrementAt(pa);
  if (pb) countIncrementAt(pb);
  store<u64>(p + L.OBJECT_BODY, ((<u64>b) << 32) | a);
  born(va, p, type);
  return va;
}

// @ts-ignore: decorator
@inline function born(va: u32, p: usize, type: u32): void {
  bornAt(<usize>load<u32>(tb + L.TB_NEWBORN_TOP), va, p, type);
}

/** `top`: of the newborn list. Header and count word are one store. */
// @ts-ignore: decorator
@inline function bornAt(top: usize, va: u32, p: usize, type: u32): void {
  store<u64>(p, ((<u64>birthCount()) << 32) | type);
  store<u32>(top, va);
  store<u32>(tb + L.TB_NEWBORN_TOP, <u32>top + 4);
  count(L.COUNTER_ALLOCATIONS);
}

/** The object in a reference field, borrowed by this step; 0 for null; or an error code. Made like `structNewRefs`. */
export function refLoad(va: u32, offset: u32): u32 {
  const p = readAddressCached(va);
  if (load<u32>(tb + L.TB_REQUEST) || !p) return refLoadSlow(va, offset);
  const child = wordLoad(p + offset);
  if (!child) return 0;
  const top = <usize>load<u32>(tb + L.TB_BORROW_TOP);
  if (top == <usize>load<u32>(tb + L.TB_BORROW_END)) return refLoadSlow(va, offset);
  store<u32>(top, child);
  store<u32>(tb + L.TB_BORROW_TOP, <u32>top + 4);
  return child;
}

function refLoadSlow(va: u32, offset: u32): u32 {
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
