/**
 * Blocks: the allocator. After mimalloc (Leijen, Zorn, de Moura 2019): a page holds blocks of one size class and belongs to
 * one thread, which allocates and frees in it without atomics; another thread's free is one CAS onto the page's
 * `THREAD_FREE` list, which the owner takes whole when its own list is empty. We free to the list we allocate from (the
 * block is still in the cache) instead of mimalloc's second `local_free` list: its heartbeat is our safepoint.
 *
 *   USED + |FREE| == CARVED <= CAPACITY;   blocks in THREAD_FREE count as used
 *
 * Blocks of a page that were never handed out are handed out in order (bump.ts), then those that came back.
 */
import * as L from "../layout";
import { control, count, descriptors, tb, tid } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { framesProvide } from "../paging/evict";
import { historyKeep } from "../paging/history";
import { pteOf } from "../paging/pte";
import { writeAddress, writeEntry } from "../paging/translate";
import { descriptorOf, pageOf, runAllocate, runRetire, smallPageAllocate, smallPageFree } from "./arenas";
import { binMoveToFront, binOf, binPush, binRemove, pageMarkFull, unfullCollect, unfullPush } from "./bins";
import {
  bumpBack,
  bumpClose,
  bumpFirst,
  bumpForget,
  bumpGoesBack,
  bumpHasMore,
  bumpIsBefore,
  bumpNext,
  bumpOpen,
  bumpOpenAt,
  bumpTake,
} from "./bump";
import { classSize, pagesFor } from "./classes";

/** Virtual address of a free block, or 0 when memory is full. The block's words are undefined, but for word 0, which is 0. */
// @ts-ignore: decorator
@inline export function blockAllocate(sizeClass: u32): u32 {
  return <u32>(blockPlace(sizeClass) >>> 32);
}

/** The same with the block's physical address for writing, in the low half. The common way has no call in it. */
export function blockPlace(sizeClass: u32): u64 {
  const isFresh = bumpHasMore(sizeClass);
  const block = isFresh ? bumpNext(sizeClass) : freeFirst(sizeClass);
  const entry = writeEntry(block); // none for 0
  if (!(entry & 1)) return blockPlaceSlow(sizeClass);
  const p = <usize>(block + entry - 1);
  if (isFresh) {
    store<u32>(p, 0);
    bumpTake(sizeClass, block);
  } else {
    freeTake(sizeClass, p);
  }
  return placed(block, p);
}

function blockPlaceSlow(sizeClass: u32): u64 {
  let block = blockNext(sizeClass);
  if (!block) {
    if (!blocksProvide(sizeClass)) return 0;
    block = blockNext(sizeClass);
  }
  const p = writeAddress(block);
  if (!p) return 0;
  blockTakeNext(sizeClass, block, p);
  return placed(block, p);
}

// @ts-ignore: decorator
@inline export function placed(va: u32, p: usize): u64 {
  return ((<u64>va) << 32) | <u64>p;
}

/** For an operation that has not made sure of the stack, because it seldom comes this way. */
export function blockAllocateProbed(sizeClass: u32): u32 {
  stackProbe();
  return blockAllocate(sizeClass);
}

/** The block that `blockTakeNext` would take; 0: use `blockAllocate`, or `blockAllocateProbed`. */
// @ts-ignore: decorator
@inline export function blockNext(sizeClass: u32): u32 {
  const fresh = bumpFirst(sizeClass);
  return fresh ? fresh : freeFirst(sizeClass);
}

/** Takes it. `p`: its physical address. Word 0 is 0 then: whoever dies now leaves no object there. */
// @ts-ignore: decorator
@inline export function blockTakeNext(sizeClass: u32, block: u32, p: usize): void {
  if (bumpFirst(sizeClass) == block) {
    store<u32>(p, 0);
    bumpTake(sizeClass, block);
    return;
  }
  freeTake(sizeClass, p);
}

/** The first block of the free list of the page that this thread allocates from, or 0. */
// @ts-ignore: decorator
@inline export function freeFirst(sizeClass: u32): u32 {
  const descriptor = <usize>load<u32>(tb + L.TB_BINS + (<usize>sizeClass << 2));
  return load<u32>(descriptor + L.PD_FREE); // descriptor 0 is the null frame: reads 0
}

/** Takes it. */
// @ts-ignore: decorator
@inline export function freeTake(sizeClass: u32, p: usize): void {
  const descriptor = <usize>load<u32>(tb + L.TB_BINS + (<usize>sizeClass << 2));
  store<u32>(descriptor + L.PD_FREE, load<u32>(p + 4));
  store<u32>(descriptor + L.PD_USED, load<u32>(descriptor + L.PD_USED) + 1);
}

/** Sees to it that there is a next block: of a page whose blocks came back, one with blocks never handed out, a new one. */
function blocksProvide(sizeClass: u32): bool {
  const bin = tb + L.TB_BINS + (<usize>sizeClass << 2);
  unfullCollect();
  let descriptor = <usize>load<u32>(bin);
  while (descriptor) {
    const next = <usize>load<u32>(descriptor + L.PD_NEXT);
    if (load<u32>(descriptor + L.PD_FREE) || threadFreeCollect(descriptor)) {
      binMoveToFront(bin, descriptor);
      return true;
    }
    if (bumpOpen(descriptor)) return true;
    pageMarkFull(bin, descriptor);
    descriptor = next;
  }
  descriptor = pageCreate(bin, sizeClass);
  return descriptor != 0 && bumpOpen(descriptor);
}

/**
 * Frees a block that is likely to be the one allocated last: those that die with a scope do so in the opposite order of
 * their birth. Such a block just becomes the next one again.
 */
// @ts-ignore: decorator
@inline export function blockFreeInOrder(va: u32, p: usize, sizeClass: u32): void {
  if (bumpIsBefore(sizeClass, va)) bumpBack(sizeClass, va);
  else blockFreeOutOfOrder(va, p, sizeClass);
}

function blockFreeOutOfOrder(va: u32, p: usize, sizeClass: u32): void {
  const descriptor = descriptorOf(va);
  if (!bumpGoesBack(descriptor, va)) blockFree(va, p);
  else pageSettle(bumpOpenAt(descriptor, sizeClass, va));
}

/** A page is open no longer: it is listed, for it has blocks, or goes back to its arena. 0: no page. */
function pageSettle(descriptor: usize): void {
  if (descriptor && load<u32>(descriptor + L.PD_CARVED) != load<u32>(descriptor + L.PD_CAPACITY)) pageAfterFree(descriptor);
}

/** Whether `blockFreePlain` is all there is to do in a page of this thread: it was not full, and is not empty then. */
// @ts-ignore: decorator
@inline function blockFreeIsPlain(descriptor: usize): bool {
  return load<u32>(descriptor + L.PD_FREE) != 0 && load<u32>(descriptor + L.PD_USED) != 1;
}

/** The page of a block of which `blockFreePlain` is all there is to do, else 0. */
// @ts-ignore: decorator
@inline export function plainPageOf(va: u32): usize {
  const descriptor = descriptorOf(va);
  return load<u32>(descriptor + L.PD_OWNER) == tid && blockFreeIsPlain(descriptor) ? descriptor : 0;
}

// @ts-ignore: decorator
@inline export function blockFreePlain(descriptor: usize, va: u32, p: usize): void {
  store<u32>(p, 0);
  store<u32>(p + 4, load<u32>(descriptor + L.PD_FREE));
  store<u32>(descriptor + L.PD_FREE, va);
  store<u32>(descriptor + L.PD_USED, load<u32>(descriptor + L.PD_USED) - 1);
}

/** Frees a block that nobody can reach any more. `p` is its physical address for writing. */
// @ts-ignore: decorator
@inline export function blockFree(va: u32, p: usize): void {
  const descriptor = descriptorOf(va);
  if (load<u32>(descriptor + L.PD_OWNER) != tid) {
    blockFreeSlow(descriptor, va, p);
    return;
  }
  const isPlain = blockFreeIsPlain(descriptor);
  blockFreePlain(descriptor, va, p);
  // A full page has no free block, so only the first one that comes back has to look.
  if (!isPlain) pageAfterFree(descriptor);
}

/** A block of another thread's page (one CAS), or a run, which whoever frees it retires. */
function blockFreeSlow(descriptor: usize, va: u32, p: usize): void {
  store<u32>(p, 0);
  const owner = load<u32>(descriptor + L.PD_OWNER);
  if (owner & L.OWNER_RUN) {
    if (owner != (tid | L.OWNER_RUN)) count(L.COUNTER_REMOTE_FREES);
    runRetire(descriptor);
    return;
  }
  count(L.COUNTER_REMOTE_FREES);
  let head = atomic.load<u32>(descriptor + L.PD_THREAD_FREE);
  while (true) {
    store<u32>(p + 4, head);
    const old = atomic.cmpxchg<u32>(descriptor + L.PD_THREAD_FREE, head, va);
    if (old == head) break;
    head = old;
  }
  if (atomic.load<u32>(descriptor + L.PD_FULL) == 1) {
    if (atomic.cmpxchg<u32>(descriptor + L.PD_FULL, 1, 2) == 1) unfullPush(descriptor);
  }
}

/** Takes the blocks that other threads freed. The bound catches a corrupted list before it loops for ever. */
export function threadFreeCollect(descriptor: usize): bool {
  if (!atomic.load<u32>(descriptor + L.PD_THREAD_FREE)) return false;
  historyKeep(pageOf(descriptor));
  let block = atomic.xchg<u32>(descriptor + L.PD_THREAD_FREE, 0);
  let collected: u32 = 0;
  const capacity = load<u32>(descriptor + L.PD_CAPACITY);
  while (block) {
    const p = writeAddress(block);
    const next = load<u32>(p + 4);
    store<u32>(p + 4, load<u32>(descriptor + L.PD_FREE));
    store<u32>(descriptor + L.PD_FREE, block);
    store<u32>(descriptor + L.PD_USED, load<u32>(descriptor + L.PD_USED) - 1);
    if (++collected > capacity) unreachable();
    block = next;
  }
  return true;
}

/** The owner freed a block of a page that was full, or the last block of a page. */
function pageAfterFree(descriptor: usize): void {
  const bin = binOf(descriptor);
  if (atomic.load<u32>(descriptor + L.PD_FULL)) {
    if (atomic.cmpxchg<u32>(descriptor + L.PD_FULL, 1, 0) != 1) return; // announced: it waits on the stack
    binPush(bin, descriptor);
  }
  if (load<u32>(descriptor + L.PD_USED)) return;
  // Keep one page of each class, so that a pattern of one block back and forth costs nothing. All of it is to hand out anew.
  if (<usize>load<u32>(bin) == descriptor && !load<u32>(descriptor + L.PD_NEXT)) {
    bumpForget(descriptor);
    store<u32>(descriptor + L.PD_FREE, 0);
    store<u32>(descriptor + L.PD_CARVED, 0);
    return;
  }
  emptyPageFree(bin, descriptor);
}

function emptyPageFree(bin: usize, descriptor: usize): void {
  bumpForget(descriptor);
  binRemove(bin, descriptor);
  smallPageFree(pageOf(descriptor));
}

/**
 * Memory is out: gives back the empty pages that this thread has kept, and those whose last blocks others have freed: only
 * their owner can tell that they are empty. O(pages of this thread).
 */
export function emptyPagesFree(): void {
  unfullCollect();
  for (let index: u32 = 0; index < L.SMALL_CLASSES; index++) {
    const bin = tb + L.TB_BINS + (<usize>index << 2);
    pageSettle(bumpClose(tb, index));
    let descriptor = <usize>load<u32>(bin);
    while (descriptor) {
      const next = <usize>load<u32>(descriptor + L.PD_NEXT);
      threadFreeCollect(descriptor);
      if (!load<u32>(descriptor + L.PD_USED)) emptyPageFree(bin, descriptor);
      descriptor = next;
    }
  }
}

function pageCreate(bin: usize, sizeClass: u32): usize {
  const page = smallPageAllocate();
  if (!page) return 0;
  count(L.COUNTER_PAGES_ALLOCATED);
  if (atomic.load<u64>(pteOf(page)) & L.PTE_PRESENT) {
    atomic.sub<i32>(control() + L.CB_EMPTY_PAGES, 1);
  } else if (!framesProvide(1)) {
    smallPageFree(page);
    return 0;
  }
  const descriptor = pageDescribe(page, sizeClass);
  binPush(bin, descriptor);
  return descriptor;
}

/** Makes a page one of blocks of this class, none of them handed out yet. It is in no list. */
export function pageDescribe(page: u32, sizeClass: u32): usize {
  const descriptor = descriptors + (<usize>page << 6);
  const size = classSize(sizeClass);
  historyKeep(page);
  store<u32>(descriptor + L.PD_OWNER, tid);
  store<u32>(descriptor + L.PD_CLASS, sizeClass);
  store<u32>(descriptor + L.PD_BLOCK_SIZE, size);
  store<u32>(descriptor + L.PD_CAPACITY, L.PAGE_SIZE / size);
  store<u32>(descriptor + L.PD_CARVED, 0);
  store<u32>(descriptor + L.PD_FREE, 0);
  store<u32>(descriptor + L.PD_USED, 0);
  store<u32>(descriptor + L.PD_BIRTH, atomic.load<u32>(control() + L.CB_EPOCH) & ~(L.PAGE_HAS_STRINGS | L.PAGE_HAS_CELLS));
  atomic.store<u32>(descriptor + L.PD_THREAD_FREE, 0);
  atomic.store<u32>(descriptor + L.PD_FULL, 0);
  store<u32>(descriptor + L.PD_STATE, L.PAGE_SMALL);
  return descriptor;
}

/** A page of this thread has an interned string in it from now on. */
export function pageHasStrings(va: u32): void {
  const birth = descriptorOf(va) + L.PD_BIRTH;
  if (!(load<u32>(birth) & L.PAGE_HAS_STRINGS)) store<u32>(birth, load<u32>(birth) | L.PAGE_HAS_STRINGS);
}

/** And a weak cell. */
export function pageHasCells(va: u32): void {
  const birth = descriptorOf(va) + L.PD_BIRTH;
  if (!(load<u32>(birth) & L.PAGE_HAS_CELLS)) store<u32>(birth, load<u32>(birth) | L.PAGE_HAS_CELLS);
}

/** Virtual address of a large block (a run of its own), or 0. */
export function runBlockAllocate(bytes: u32): u32 {
  const pages = pagesFor(bytes);
  const first = runAllocate(pages);
  if (!first) return 0;
  runDescribe(first, pages);
  return first << L.PAGE_SHIFT;
}

/** Makes mapped pages one block of this thread's. */
export function runDescribe(first: u32, pages: u32): void {
  const descriptor = descriptors + (<usize>first << 6);
  store<u32>(descriptor + L.PD_OWNER, tid | L.OWNER_RUN);
  store<u32>(descriptor + L.PD_RUN_PAGES, pages);
  store<u32>(descriptor + L.PD_BLOCK_SIZE, pages << L.PAGE_SHIFT);
  store<u32>(descriptor + L.PD_CAPACITY, 1);
  store<u32>(descriptor + L.PD_BIRTH, atomic.load<u32>(control() + L.CB_EPOCH) & ~(L.PAGE_HAS_STRINGS | L.PAGE_HAS_CELLS));
}
