/**
 * Breaking cycles. The collector has found objects to which nothing leads but each other. It does not free them itself: each is
 * *held* (counted), so that none dies before its turn; then each is *broken*: its references are given back and the hold is.
 * Counts do the rest, as if a program had let go of it all, through limbo, in slices.
 *
 * All take a list of addresses that stands in a frame of the collector, in a batch, and return how far they have come.
 */
import * as L from "../layout";
import { types } from "../machine/registers";
import { writeAddressOrNone } from "../paging/translate";
import { translationsYield } from "../heap/arenas";
import { chunksAreReady } from "../heap/chunks";
import { countDecrement, countDecrementAt, countIncrementAt } from "../heap/count";

/** What the disk has lost is skipped, and remembered by a 0 in the list. */
export function cyclesHold(list: u32, from: u32, until: u32): u32 {
  for (let n = from; n < until; n++) {
    translationsYield();
    const entry = <usize>list + (<usize>n << 2);
    const p = writeAddressOrNone(load<u32>(entry));
    if (p) countIncrementAt(p);
    else store<u32>(entry, 0);
  }
  return until;
}

/** Stops early when limbo has no room to grow; the caller's batch ends then, which makes some. */
export function cyclesBreak(list: u32, from: u32, until: u32): u32 {
  return handBack(list, from, until, true);
}

/** They are garbage as before: what was held is not, and another collection finds it. */
export function cyclesLetGo(list: u32, from: u32, until: u32): u32 {
  return handBack(list, from, until, false);
}

/** Each entry is 0 before its hold is given back: if the disk fails half-way the same list is gone over again. */
// @ts-ignore: decorator
@inline function handBack(list: u32, from: u32, until: u32, breaks: bool): u32 {
  for (let n = from; n < until; n++) {
    translationsYield();
    const entry = <usize>list + (<usize>n << 2);
    const va = load<u32>(entry);
    const p = va ? writeAddressOrNone(va) : 0;
    if (!p) continue;
    if (breaks && !referencesDrop(p)) return n;
    store<u32>(entry, 0);
    countDecrementAt(va, p);
  }
  return until;
}

/** Nulls each slot before it gives the reference back: whoever dies on the way only leaks. */
function referencesDrop(p: usize): bool {
  const type = load<u32>(p) & L.TYPE_MASK;
  const entry = types + <usize>type * L.TYPE_ENTRY_SIZE;
  if (type == L.TYPE_LIST || type == L.TYPE_ARRAY || type == L.TYPE_RECORD) store<u32>(p + L.LIST_LENGTH, 0);
  let mask = load<u64>(entry + L.TYPE_REF_MASK);
  while (mask) {
    const slot = p + (<usize>ctz(mask) << 2);
    mask &= mask - 1;
    const child = load<u32>(slot);
    if (!child) continue;
    if (!chunksAreReady()) return false;
    store<u32>(slot, 0);
    countDecrement(child);
  }
  mask = load<u64>(entry + L.TYPE_VALUE_MASK);
  while (mask) {
    const slot = p + (<usize>ctz(mask) << 3);
    mask &= mask - 1;
    const value = load<u64>(slot);
    if (value >>> 48 != L.BOX_REF) continue;
    if (!chunksAreReady()) return false;
    store<u64>(slot, (<u64>L.BOX_NULL) << 48);
    countDecrement(<u32>value);
  }
  return true;
}
