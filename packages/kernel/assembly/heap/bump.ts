/**
 * Bump allocation. A thread has one *open* page a size class at most: [NEXT, END) are those of its blocks that were never
 * handed out, or came back in the opposite order. To hand one out, or take it back, NEXT moves by a block and nothing else
 * is written. Blocks that die with a scope come back in that order, so a program that makes and drops trees never builds a
 * free list; it even walks back through the pages that it has filled.
 *
 *   NEXT == END (or both 0): no open page.   Open: all blocks of the page are carved, and [NEXT, END) count as used.
 *   Closed: CARVED is the first block that was never handed out.
 *
 * What is in [NEXT, END) has undefined contents. Opening and closing end in straight-line code: who dies, dies before or after.
 */
import * as L from "../layout";
import { tb, tid } from "../machine/registers";
import { historyKeep } from "../paging/history";
import { descriptorOf, pageOf } from "./arenas";
import { classSize } from "./classes";

// @ts-ignore: decorator
@inline function bumpOf(block: usize, sizeClass: u32): usize {
  return block + L.TB_BUMP + (<usize>sizeClass << 3);
}

/** The block that `bumpTake` would take, or 0. */
// @ts-ignore: decorator
@inline export function bumpFirst(sizeClass: u32): u32 {
  const bump = bumpOf(tb, sizeClass);
  const next = load<u32>(bump);
  return next != load<u32>(bump + 4) ? next : 0;
}

/** Whether there is one: NEXT. */
// @ts-ignore: decorator
@inline export function bumpHasMore(sizeClass: u32): bool {
  const bump = bumpOf(tb, sizeClass);
  return load<u32>(bump) != load<u32>(bump + 4);
}

/** Takes it. */
// @ts-ignore: decorator
@inline export function bumpTake(sizeClass: u32, va: u32): void {
  store<u32>(bumpOf(tb, sizeClass), va + classSize(sizeClass));
}

/** Whether `va`, a block of this thread, is the one before NEXT, in the same page: then NEXT is not the start of a page. */
// @ts-ignore: decorator
@inline export function bumpIsBefore(sizeClass: u32, va: u32): bool {
  return bumpGoesTo(sizeClass, va, bumpNext(sizeClass));
}

/** NEXT of the open page; 0 if none is open. */
// @ts-ignore: decorator
@inline export function bumpNext(sizeClass: u32): u32 {
  return load<u32>(bumpOf(tb, sizeClass));
}

/** Likewise, where NEXT is in a register. */
// @ts-ignore: decorator
@inline export function bumpGoesTo(sizeClass: u32, va: u32, next: u32): bool {
  return va + classSize(sizeClass) == next && (next & L.PAGE_MASK) != 0;
}

/** Takes that block back. */
// @ts-ignore: decorator
@inline export function bumpBack(sizeClass: u32, va: u32): void {
  store<u32>(bumpOf(tb, sizeClass), va);
}

/**
 * Whether to go back to the page of `va`: it is the last block of a page of this thread that has all its blocks carved, and
 * the open page has handed out none of its blocks, or all.
 */
export function bumpGoesBack(descriptor: usize, va: u32): bool {
  if (load<u32>(descriptor + L.PD_OWNER) != tid) return false;
  const capacity = load<u32>(descriptor + L.PD_CAPACITY);
  if (load<u32>(descriptor + L.PD_CARVED) != capacity) return false;
  if ((va & L.PAGE_MASK) != (capacity - 1) * load<u32>(descriptor + L.PD_BLOCK_SIZE)) return false;
  const bump = bumpOf(tb, load<u32>(descriptor + L.PD_CLASS));
  const next = load<u32>(bump);
  return !(next & L.PAGE_MASK) || next == load<u32>(bump + 4);
}

/** Opens a page of this thread that has blocks never handed out; false if it has none. No other page is open. */
export function bumpOpen(descriptor: usize): bool {
  const capacity = load<u32>(descriptor + L.PD_CAPACITY);
  const carved = load<u32>(descriptor + L.PD_CARVED);
  if (carved == capacity) return false;
  historyKeep(pageOf(descriptor));
  const size = load<u32>(descriptor + L.PD_BLOCK_SIZE);
  const base = pageOf(descriptor) << L.PAGE_SHIFT;
  const bump = bumpOf(tb, load<u32>(descriptor + L.PD_CLASS));
  store<u32>(bump, base + carved * size);
  store<u32>(bump + 4, base + capacity * size);
  store<u32>(descriptor + L.PD_CARVED, capacity);
  store<u32>(descriptor + L.PD_USED, load<u32>(descriptor + L.PD_USED) + capacity - carved);
  return true;
}

/** Opens a full page again, at its last block, which is given back by that. The page that was open instead, or 0. */
export function bumpOpenAt(descriptor: usize, sizeClass: u32, va: u32): usize {
  const closed = bumpClose(tb, sizeClass);
  const bump = bumpOf(tb, sizeClass);
  store<u32>(bump, va);
  store<u32>(bump + 4, va + load<u32>(descriptor + L.PD_BLOCK_SIZE));
  return closed == descriptor ? 0 : closed;
}

/** Closes the open page of a class of the thread of `block`: the page, or 0 if none was open. */
export function bumpClose(block: usize, sizeClass: u32): usize {
  const bump = bumpOf(block, sizeClass);
  const end = load<u32>(bump + 4);
  if (!end) return 0;
  const left = (end - load<u32>(bump)) / classSize(sizeClass);
  const descriptor = descriptorOf(end - 1);
  historyKeep(pageOf(descriptor));
  store<u32>(bump, 0);
  store<u32>(bump + 4, 0);
  store<u32>(descriptor + L.PD_CARVED, load<u32>(descriptor + L.PD_CARVED) - left);
  store<u32>(descriptor + L.PD_USED, load<u32>(descriptor + L.PD_USED) - left);
  return descriptor;
}

/** A page is empty and goes back, or starts anew: if it was the open one, it had no block left to hand out. */
export function bumpForget(descriptor: usize): void {
  const bump = bumpOf(tb, load<u32>(descriptor + L.PD_CLASS));
  const end = load<u32>(bump + 4);
  if (!end || descriptorOf(end - 1) != descriptor) return;
  store<u32>(bump, 0);
  store<u32>(bump + 4, 0);
}
