/**
 * The swap file as the kernel sees it: slots of one page, a bit map of them, and two calls of the host, which reads and writes
 * at once, on the thread that asks. A slot that a page was read from stays its *copy* until the page has changed and is written
 * again, or slots are short: a page that has not changed leaves memory without being written.
 *
 * Copies are taken from pages by the thread that holds CB_EVICT_LOCK only, but for those of pages that are given back.
 */
import * as L from "../layout";
import { control, tb } from "../machine/registers";

/** Reads a slot into a frame; writes a frame to a slot. 0, or the disk failed. */
// @ts-ignore: decorator
@external("env", "swapRead")
export declare function swapRead(slot: u32, frame: usize): u32;
// @ts-ignore: decorator
@external("env", "swapWrite")
export declare function swapWrite(slot: u32, frame: usize): u32;

// @ts-ignore: decorator
@inline export function swapIsThere(): bool {
  return load<u32>(control() + L.CB_SWAP_SLOTS) != 0;
}

// @ts-ignore: decorator
@inline function wordOf(index: u32): usize {
  return <usize>load<u32>(control() + L.CB_SWAP_MAP) + (<usize>index << 3);
}

/** Slots that hold neither a page nor a version: free ones, and copies of pages that are in memory. */
// @ts-ignore: decorator
@inline export function slotsSpare(): u32 {
  return atomic.load<u32>(control() + L.CB_SWAP_SPARE);
}

/**
 * Slots that are kept for pages that make room for others. One that comes back gives its slot up, but only when it is in memory,
 * and a run needs many frames before.
 */
export function slotsReserve(): u32 {
  return min<u32>(load<u32>(control() + L.CB_FRAMES) >>> 2, load<u32>(control() + L.CB_SWAP_SLOTS) >>> 3);
}

/** A slot begins to hold a page, or a version, or ceases to. In the straight line that makes it so. */
// @ts-ignore: decorator
@inline export function slotTaken(): void {
  atomic.sub<u32>(control() + L.CB_SWAP_SPARE, 1);
}
// @ts-ignore: decorator
@inline export function slotGiven(): void {
  atomic.add<u32>(control() + L.CB_SWAP_SPARE, 1);
}

/** Number of a free slot, or u32.MAX_VALUE. O(slots / 64) at worst. */
export function slotAllocate(): u32 {
  const words = (load<u32>(control() + L.CB_SWAP_SLOTS) + 63) >> 6;
  const hint = atomic.load<u32>(control() + L.CB_SWAP_HINT);
  for (let n: u32 = 0; n < words; n++) {
    let index = hint + n;
    if (index >= words) index -= words;
    let map = atomic.load<u64>(wordOf(index));
    while (map != u64.MAX_VALUE) {
      const bit = <u32>ctz(~map);
      const old = atomic.cmpxchg<u64>(wordOf(index), map, map | ((<u64>1) << bit));
      if (old == map) {
        atomic.sub<u32>(control() + L.CB_SWAP_FREE, 1);
        if (n) atomic.store<u32>(control() + L.CB_SWAP_HINT, index);
        return (index << 6) + bit;
      }
      map = old;
    }
  }
  return u32.MAX_VALUE;
}

export function slotFree(slot: u32): void {
  atomic.and<u64>(wordOf(slot >>> 6), ~((<u64>1) << (slot & 63)));
  atomic.add<u32>(control() + L.CB_SWAP_FREE, 1);
}

// A slot in hand holds nothing yet: its number stands in the thread block, so that it is found if the thread dies while it writes.

// @ts-ignore: decorator
@inline export function slotInHand(slot: u32): u32 {
  store<u32>(tb + L.TB_WRITING, slot + 1); // none is u32.MAX_VALUE
  return slot;
}

/** It is a page's, or a version's. In the straight line that makes it so. */
// @ts-ignore: decorator
@inline export function slotPlaced(): void {
  store<u32>(tb + L.TB_WRITING, 0);
}

/** It is free again. */
export function slotDrop(slot: u32): void {
  slotPlaced();
  slotFree(slot);
}

/** Frees what a thread had in hand when it ended. */
export function slotRecover(block: usize): void {
  const slot = load<u32>(block + L.TB_WRITING);
  store<u32>(block + L.TB_WRITING, 0);
  if (slot) slotFree(slot - 1);
}

// @ts-ignore: decorator
@inline function copyOf(page: u32): usize {
  return <usize>load<u32>(control() + L.CB_SWAP_COPIES) + (<usize>page << 2);
}

/** The slot that holds what the page was when it was last written there; u32.MAX_VALUE if none. It is the caller's now. */
// @ts-ignore: decorator
@inline export function copyTake(page: u32): u32 {
  return atomic.xchg<u32>(copyOf(page), 0) - 1;
}

// @ts-ignore: decorator
@inline export function copyIsThere(page: u32): bool {
  return atomic.load<u32>(copyOf(page)) != 0;
}

/** The slot stays the page's. */
// @ts-ignore: decorator
@inline export function copyKeep(page: u32, slot: u32): void {
  atomic.store<u32>(copyOf(page), slot + 1);
}

/** The page is gone, or has changed for good: its copy is nobody's. */
export function copyDrop(page: u32): void {
  if (!swapIsThere()) return;
  const slot = copyTake(page);
  if (slot != u32.MAX_VALUE) slotFree(slot);
}
