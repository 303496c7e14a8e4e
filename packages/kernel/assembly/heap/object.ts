/**
 * Objects: header, birth, death by hand, and the types they are of.
 *
 *   word 0  type id (16 bits) | lock, waiters, poisoned, interned ...
 *   word 1  the count word, see count.ts
 */
import * as L from "../layout";
import { control, count, types } from "../machine/registers";
import { writeAddress } from "../paging/translate";
import { blockFree, blockPlace, placed, runBlockAllocate } from "./blocks";
import { classOf } from "./classes";

/** A block for so many bytes: its address, and its physical one for writing in the low half; 0 when memory is full. */
// @ts-ignore: decorator
@inline export function place(bytes: u32): u64 {
  return bytes <= L.SMALL_MAX ? blockPlace(classOf(bytes)) : runPlace(bytes);
}

// @ts-ignore: decorator
@inline export function allocate(bytes: u32): u32 {
  return <u32>(place(bytes) >>> 32);
}

function runPlace(bytes: u32): u64 {
  const va = runBlockAllocate(bytes);
  const p = va ? writeAddress(va) : 0;
  return p ? placed(va, p) : 0;
}

/** The count word of a newborn. The birth epoch stands where the last decrement's will. */
// @ts-ignore: decorator
@inline export function birthCount(): u32 {
  const epoch = load<u32>(control() + L.CB_EPOCH);
  return L.COUNT_NEWBORN | L.COUNT_VIRGIN | ((epoch & 7) << L.COUNT_STAMP_SHIFT);
}

/** An internal object with count 1 and a zeroed body, or an error code. It is in no list: whoever holds it counts it. */
export function objectAllocate(type: u32, bytes: u32): u32 {
  const block = place(bytes);
  if (!block) return L.E_MEMORY;
  const va = <u32>(block >>> 32);
  const p = <usize>(<u32>block);
  memory.fill(p + L.OBJECT_BODY, 0, bytes - L.OBJECT_BODY);
  store<u32>(p + L.OBJECT_COUNT, L.COUNT_ONE | ((load<u32>(control() + L.CB_EPOCH) & 7) << L.COUNT_STAMP_SHIFT));
  store<u32>(p, type);
  count(L.COUNTER_ALLOCATIONS);
  return va;
}

/** The growing part of a container: it dies with a private container at once, for no scope has a handle on it. */
export function partAllocate(type: u32, bytes: u32): u32 {
  const va = objectAllocate(type, bytes);
  if (va < L.ERROR_LIMIT) return va;
  const p = writeAddress(va);
  store<u32>(p + L.OBJECT_COUNT, load<u32>(p + L.OBJECT_COUNT) | L.COUNT_VIRGIN | L.COUNT_UNLISTED);
  return va;
}

/** Frees an object at once: only when nobody else can know it. Its references are the caller's to give back. */
export function objectFree(va: u32): void {
  blockFree(va, writeAddress(va));
}

// @ts-ignore: decorator
@inline export function typeEntry(type: u32): usize {
  return types + <usize>type * L.TYPE_ENTRY_SIZE;
}

/** Whether an object of this type is two references and nothing else. */
// @ts-ignore: decorator
@inline export function isPair(type: u32): bool {
  return load<u32>(typeEntry(type) + L.TYPE_IS_PAIR) != 0;
}

/** Type id of an object, 0 for a free block or no object. */
// @ts-ignore: decorator
@inline export function typeOf(p: usize): u32 {
  return load<u32>(p) & L.TYPE_MASK;
}
