/** STR: an immutable string of 8-bit (Latin-1) or 16-bit units. Up to INTERN_MAX units it is interned. */
import * as L from "../layout";
import { count, tb } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { countDecrement } from "../heap/count";
import { newbornPush, newbornReserve, pin, pinsRelease } from "../heap/handle";
import { internFind, internLook, stringHash } from "../heap/intern";
import { allocate, birthCount } from "../heap/object";
import { enter } from "../heap/safepoint";
import { readAddress, writeAddress } from "../paging/translate";

/** The interned string of the units in scratch, kept alive by this thread's string cache; or an error code. */
export function stringIntern(length: u32, wide: u32): u32 {
  enter();
  stackProbe();
  return cached(internFind(length, wide != 0));
}

/** The same if there is such a string, else 0. */
export function stringFind(length: u32, wide: u32): u32 {
  enter();
  stackProbe();
  return cached(internLook(length, wide != 0));
}

/** Hands the count of a string to the cache. */
function cached(va: u32): u32 {
  if (va < L.ERROR_LIMIT) return va;
  const pinned = pin(tb + L.TB_CACHE_PINS, va);
  countDecrement(va); // pin has counted it once more
  return pinned ? va : L.E_MEMORY;
}

/** Keeps an interned string that was read somewhere alive for this thread's string cache: 0 or an error. */
export function stringCache(va: u32): u32 {
  stackProbe();
  return pin(tb + L.TB_CACHE_PINS, va) ? 0 : L.E_MEMORY;
}

/**
 * The string cache of this thread is full: it starts again. What it held is kept until it is full the next time, for the
 * operation in hand may still use addresses from it.
 */
export function stringCacheTurn(): void {
  stackProbe();
  pinsRelease(tb + L.TB_CACHE_OLD);
  if (load<u32>(tb + L.TB_CACHE_OLD)) return;
  store<u32>(tb + L.TB_CACHE_OLD, load<u32>(tb + L.TB_CACHE_PINS));
  store<u32>(tb + L.TB_CACHE_PINS, 0);
}

/** The string cache of this thread is emptied. */
export function stringCacheClear(): void {
  stackProbe();
  pinsRelease(tb + L.TB_CACHE_PINS);
  pinsRelease(tb + L.TB_CACHE_OLD);
}

/** A newborn string whose units the caller writes at the address in OUT_A, and then calls `stringSeal`; or an error code. */
export function stringNew(length: u32, wide: u32): u32 {
  enter();
  stackProbe();
  if (length > 0x3fffffff || !newbornReserve()) return L.E_MEMORY;
  const va = allocate(L.STR_DATA + (wide ? length << 1 : length));
  if (!va) return L.E_MEMORY;
  const p = writeAddress(va);
  store<u32>(p + L.STR_LENGTH, length);
  store<u32>(p + L.STR_HASH, 0);
  store<u32>(p + L.STR_NEXT, 0);
  store<u32>(p + L.OBJECT_COUNT, birthCount());
  store<u32>(p, L.TYPE_STR | (wide ? L.HEADER_WIDE : 0));
  newbornPush(va);
  count(L.COUNTER_ALLOCATIONS);
  store<u32>(tb + L.TB_OUT_A, <u32>p + L.STR_DATA);
  return va;
}

export function stringSeal(va: u32): void {
  const p = writeAddress(va);
  store<u32>(p + L.STR_HASH, stringHash(p + L.STR_DATA, load<u32>(p + L.STR_LENGTH), (load<u32>(p) & L.HEADER_WIDE) != 0));
}

/** Number of units, or -1; the address of the units in OUT_A, the header in OUT_B. */
export function stringRead(va: u32): i32 {
  const p = readAddress(va);
  if (!p) return -1;
  store<u32>(tb + L.TB_OUT_A, <u32>p + L.STR_DATA);
  store<u32>(tb + L.TB_OUT_B, load<u32>(p));
  return <i32>load<u32>(p + L.STR_LENGTH);
}
