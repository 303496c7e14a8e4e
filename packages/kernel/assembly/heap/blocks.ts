/**
 * Blocks: the allocator. After mimalloc (Leijen, Zorn, de Moura 2019): a page holds blocks of one size class and belongs to
 * one thread, which allocates and frees in it without atomics; another thread's free is one CAS onto the page's
 * `THREAD_FREE` list, which the owner takes whole when its own list is empty. We free to the list we allocate from (the
 * block is still in the cache) instead of mimalloc's second `local_free` list: its heartbeat is our safepoint.
 *
 *   USED + |FREE| == CARVED <= CAPACITY;   blocks in THREAD_FREE count as used
 *
 * A page without free blocks is unlisted: FULL 0 -> 1. Whoever then frees a block from elsewhere announces the page to its
 * owner, FULL 1 -> 2, and pushes it on the owner's UNFULL stack; the owner lists it again, FULL 2 -> 0. The owner looks at
 * THREAD_FREE once more after setting FULL, so one of the two always sees the other. A page goes back to its arena only
 * when FULL is 0, so a page on an UNFULL stack keeps its owner.
 */
import * as L from "../layout";
import { control, count, descriptors, tb, threadBlock, tid } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { pteOf, writeAddress } from "../paging/translate";
import { descriptorOf, framesAreShort, pageOf, runAllocate, runRetire, smallPageAllocate, smallPageFree } from "./arenas";
import { classSize, pagesFor } from "./classes";

/** Virtual address of a free block, or 0 when memory is full. The block's words are undefined, but for word 0, which is 0. */
// @ts-ignore: decorator
@inline export function blockAllocate(sizeClass: u32): u32 {
  const block = blockFirst(sizeClass);
  if (!block) return blockAllocateSlow(sizeClass);
  return blockTakeFirst(sizeClass, block) ? block : 0;
}

/** The block that `blockTakeFirst` would take; 0: use `blockAllocate`, or `blockAllocateProbed`. */
// @ts-ignore: decorator
@inline export function blockFirst(sizeClass: u32): u32 {
  const descriptor = <usize>load<u32>(tb + L.TB_BINS + (<usize>sizeClass << 2));
  return load<u32>(descriptor + L.PD_FREE); // descriptor 0 is the null frame: reads 0
}

/** Takes it: its physical address, 0 if it cannot be reached. */
// @ts-ignore: decorator
@inline export function blockTakeFirst(sizeClass: u32, block: u32): usize {
  const p = writeAddress(block);
  if (!p) return 0;
  const descriptor = <usize>load<u32>(tb + L.TB_BINS + (<usize>sizeClass << 2));
  store<u32>(descriptor + L.PD_FREE, load<u32>(p + 4));
  store<u32>(descriptor + L.PD_USED, load<u32>(descriptor + L.PD_USED) + 1);
  return p;
}

/** For an operation that has not made sure of the stack, because it seldom comes this way. */
export function blockAllocateProbed(sizeClass: u32): u32 {
  stackProbe();
  return blockAllocateSlow(sizeClass);
}

function blockAllocateSlow(sizeClass: u32): u32 {
  const bin = tb + L.TB_BINS + (<usize>sizeClass << 2);
  unfullCollect();
  let descriptor = <usize>load<u32>(bin);
  while (descriptor) {
    const next = <usize>load<u32>(descriptor + L.PD_NEXT);
    if (pageRefill(descriptor)) {
      binMoveToFront(bin, descriptor);
      return blockTake(descriptor);
    }
    pageMarkFull(bin, descriptor);
    descriptor = next;
  }
  descriptor = pageCreate(bin, sizeClass);
  return descriptor ? blockTake(descriptor) : 0;
}

function blockTake(descriptor: usize): u32 {
  const block = load<u32>(descriptor + L.PD_FREE);
  const p = writeAddress(block);
  if (!p) return 0;
  store<u32>(descriptor + L.PD_FREE, load<u32>(p + 4));
  store<u32>(descriptor + L.PD_USED, load<u32>(descriptor + L.PD_USED) + 1);
  return block;
}

/** Frees a block that nobody can reach any more. `p` is its physical address for writing. */
// @ts-ignore: decorator
@inline export function blockFree(va: u32, p: usize): void {
  const descriptor = descriptorOf(va);
  if (load<u32>(descriptor + L.PD_OWNER) != tid) {
    blockFreeSlow(descriptor, va, p);
    return;
  }
  const free = load<u32>(descriptor + L.PD_FREE);
  store<u32>(p, 0);
  store<u32>(p + 4, free);
  store<u32>(descriptor + L.PD_FREE, va);
  const used = load<u32>(descriptor + L.PD_USED) - 1;
  store<u32>(descriptor + L.PD_USED, used);
  // A full page has no free block, so only the first one that comes back has to look.
  if (!free || !used) pageAfterFree(descriptor);
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

/** Announces a page to its owner. The owner may change only by adoption, which passes strangers' pages on. */
function unfullPush(descriptor: usize): void {
  const stack = threadBlock(load<u32>(descriptor + L.PD_OWNER)) + L.TB_UNFULL;
  let head = atomic.load<u32>(stack);
  while (true) {
    store<u32>(descriptor + L.PD_UNFULL_NEXT, head);
    const old = atomic.cmpxchg<u32>(stack, head, <u32>descriptor);
    if (old == head) return;
    head = old;
  }
}

/** Lists the pages again that others have announced. */
export function unfullCollect(): void {
  if (!atomic.load<u32>(tb + L.TB_UNFULL)) return;
  let descriptor = <usize>atomic.xchg<u32>(tb + L.TB_UNFULL, 0);
  while (descriptor) {
    const next = <usize>load<u32>(descriptor + L.PD_UNFULL_NEXT);
    if (load<u32>(descriptor + L.PD_OWNER) == tid) {
      binPush(binOf(descriptor), descriptor);
      atomic.store<u32>(descriptor + L.PD_FULL, 0);
    } else {
      unfullPush(descriptor);
    }
    descriptor = next;
  }
}

// @ts-ignore: decorator
@inline export function binOf(descriptor: usize): usize {
  return tb + L.TB_BINS + (<usize>load<u32>(descriptor + L.PD_CLASS) << 2);
}

export function binPush(bin: usize, descriptor: usize): void {
  const first = load<u32>(bin);
  store<u32>(descriptor + L.PD_PREVIOUS, 0);
  store<u32>(descriptor + L.PD_NEXT, first);
  if (first) store<u32>(<usize>first + L.PD_PREVIOUS, <u32>descriptor);
  store<u32>(bin, <u32>descriptor);
}

function binRemove(bin: usize, descriptor: usize): void {
  const next = load<u32>(descriptor + L.PD_NEXT);
  const previous = load<u32>(descriptor + L.PD_PREVIOUS);
  if (next) store<u32>(<usize>next + L.PD_PREVIOUS, previous);
  if (previous) store<u32>(<usize>previous + L.PD_NEXT, next);
  else store<u32>(bin, next);
}

function binMoveToFront(bin: usize, descriptor: usize): void {
  if (<usize>load<u32>(bin) == descriptor) return;
  binRemove(bin, descriptor);
  binPush(bin, descriptor);
}

/** Gives a listed page a free block if it has one anywhere: its own list, what others freed, or blocks not carved yet. */
function pageRefill(descriptor: usize): bool {
  if (load<u32>(descriptor + L.PD_FREE)) return true;
  if (threadFreeCollect(descriptor)) return true;
  return pageCarve(descriptor);
}

/** Takes the blocks that other threads freed. The bound catches a corrupted list before it loops for ever. */
export function threadFreeCollect(descriptor: usize): bool {
  if (!atomic.load<u32>(descriptor + L.PD_THREAD_FREE)) return false;
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

/** Lists up to 2 KiB of blocks that were never used. */
function pageCarve(descriptor: usize): bool {
  const carved = load<u32>(descriptor + L.PD_CARVED);
  const capacity = load<u32>(descriptor + L.PD_CAPACITY);
  if (carved == capacity) return false;
  const size = load<u32>(descriptor + L.PD_BLOCK_SIZE);
  const until = min<u32>(capacity, carved + max<u32>(1, 2048 / size));
  const base = pageOf(descriptor) << L.PAGE_SHIFT;
  const p = writeAddress(base);
  if (!p) return false;
  let free = load<u32>(descriptor + L.PD_FREE);
  for (let n = until; n > carved; n--) {
    const offset = (n - 1) * size;
    store<u32>(p + offset, 0);
    store<u32>(p + offset + 4, free);
    free = base + offset;
  }
  store<u32>(descriptor + L.PD_CARVED, until);
  store<u32>(descriptor + L.PD_FREE, free);
  return true;
}

function pageMarkFull(bin: usize, descriptor: usize): void {
  binRemove(bin, descriptor);
  atomic.store<u32>(descriptor + L.PD_FULL, 1);
  if (!atomic.load<u32>(descriptor + L.PD_THREAD_FREE)) return;
  if (atomic.cmpxchg<u32>(descriptor + L.PD_FULL, 1, 0) == 1) {
    // A block came back meanwhile: behind the pages that are being searched, it is found next time.
    const first = load<u32>(bin);
    if (!first) binPush(bin, descriptor);
    else {
      const second = load<u32>(<usize>first + L.PD_NEXT);
      store<u32>(descriptor + L.PD_PREVIOUS, first);
      store<u32>(descriptor + L.PD_NEXT, second);
      if (second) store<u32>(<usize>second + L.PD_PREVIOUS, <u32>descriptor);
      store<u32>(<usize>first + L.PD_NEXT, <u32>descriptor);
    }
  }
}

/** The owner freed a block of a page that was full, or the last block of a page. */
function pageAfterFree(descriptor: usize): void {
  const bin = binOf(descriptor);
  if (atomic.load<u32>(descriptor + L.PD_FULL)) {
    if (atomic.cmpxchg<u32>(descriptor + L.PD_FULL, 1, 0) != 1) return; // announced: it waits on the stack
    binPush(bin, descriptor);
  }
  if (load<u32>(descriptor + L.PD_USED)) return;
  // Keep one page of each class, so that a pattern of one block back and forth costs nothing.
  if (<usize>load<u32>(bin) == descriptor && !load<u32>(descriptor + L.PD_NEXT)) return;
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
    let descriptor = <usize>load<u32>(bin);
    while (descriptor) {
      const next = <usize>load<u32>(descriptor + L.PD_NEXT);
      threadFreeCollect(descriptor);
      if (!load<u32>(descriptor + L.PD_USED)) {
        binRemove(bin, descriptor);
        smallPageFree(pageOf(descriptor));
      }
      descriptor = next;
    }
  }
}

function pageCreate(bin: usize, sizeClass: u32): usize {
  const page = smallPageAllocate();
  if (!page) return 0;
  count(L.COUNTER_PAGES_ALLOCATED);
  if (!(atomic.load<u64>(pteOf(page)) & L.PTE_PRESENT) && framesAreShort(1)) {
    smallPageFree(page);
    return 0;
  }
  const descriptor = descriptors + (<usize>page << 6);
  const size = classSize(sizeClass);
  store<u32>(descriptor + L.PD_OWNER, tid);
  store<u32>(descriptor + L.PD_CLASS, sizeClass);
  store<u32>(descriptor + L.PD_BLOCK_SIZE, size);
  store<u32>(descriptor + L.PD_CAPACITY, L.PAGE_SIZE / size);
  store<u32>(descriptor + L.PD_CARVED, 0);
  store<u32>(descriptor + L.PD_FREE, 0);
  store<u32>(descriptor + L.PD_USED, 0);
  store<u32>(descriptor + L.PD_BIRTH, atomic.load<u32>(control() + L.CB_EPOCH));
  atomic.store<u32>(descriptor + L.PD_THREAD_FREE, 0);
  atomic.store<u32>(descriptor + L.PD_FULL, 0);
  store<u32>(descriptor + L.PD_STATE, L.PAGE_SMALL);
  if (!pageCarve(descriptor)) {
    smallPageFree(page);
    return 0;
  }
  binPush(bin, descriptor);
  return descriptor;
}

/** Virtual address of a large block (a run of its own), or 0. */
export function runBlockAllocate(bytes: u32): u32 {
  const pages = pagesFor(bytes);
  const first = runAllocate(pages);
  if (!first) return 0;
  const descriptor = descriptors + (<usize>first << 6);
  store<u32>(descriptor + L.PD_OWNER, tid | L.OWNER_RUN);
  store<u32>(descriptor + L.PD_RUN_PAGES, pages);
  store<u32>(descriptor + L.PD_BLOCK_SIZE, pages << L.PAGE_SHIFT);
  store<u32>(descriptor + L.PD_CAPACITY, 1);
  store<u32>(descriptor + L.PD_BIRTH, atomic.load<u32>(control() + L.CB_EPOCH));
  return first << L.PAGE_SHIFT;
}
