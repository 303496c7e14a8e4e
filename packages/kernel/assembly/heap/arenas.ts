/**
 * Virtual pages of the heap. Arenas of 64 pages (1 MiB) are dedicated, at their first use, to small pages (blocks of one
 * size class) or to runs (one large object each). An arena is a 64-bit map, 1 = in use; taking pages is a CAS.
 *
 * A small page keeps its frame when it goes back to its arena, until memory is out or threads are at rest (trim.ts): so only a
 * small page can follow it. A run is physically contiguous, so its frames go back too: its pages are retired, and unmapped once
 * every thread has dropped the translations it had when they were retired (the T acknowledgement).
 */
import * as L from "../layout";
import { isAttached } from "../machine/epoch";
import { control, count, descriptors, tb, threadBlock, tid } from "../machine/registers";
import { frameRunProvide, framesProvide, isCached } from "../paging/evict";
import { frameFree } from "../paging/frames";
import { historyKeep, historyKeepRun, historyTakeFrame } from "../paging/history";
import { spinPause } from "../machine/spin";
import { frameOf, pteInstall, pteOf } from "../paging/pte";
import { framePageNote, isInSwap, pageTake } from "../paging/residence";
import { swapIsThere } from "../paging/swap";
import { translationsFlush } from "../paging/translate";

// @ts-ignore: decorator
@inline export function descriptorOf(va: u32): usize {
  return descriptors + (<usize>(va >>> L.PAGE_SHIFT) << 6);
}

// @ts-ignore: decorator
@inline export function pageOf(descriptor: usize): u32 {
  return <u32>(descriptor - descriptors) >> 6;
}

// @ts-ignore: decorator
@inline function mapOf(arena: u32): usize {
  return <usize>load<u32>(control() + L.CB_ARENA_MAP) + (<usize>arena << 3);
}

// @ts-ignore: decorator
@inline function kindOf(arena: u32): usize {
  return <usize>load<u32>(control() + L.CB_ARENA_KIND) + (<usize>arena << 2);
}

/** True if the arena has (or now gets) this kind. An empty one changes its kind: it is advice, nothing depends on it. */
function arenaClaim(arena: u32, kind: u32): bool {
  const old = atomic.load<u32>(kindOf(arena));
  if (old == kind) return true;
  if (old != L.ARENA_UNUSED && atomic.load<u64>(mapOf(arena)) != 0) return false;
  return atomic.cmpxchg<u32>(kindOf(arena), old, kind) == old;
}

/** Number of a free page for small blocks, or 0 if virtual memory is full. */
export function smallPageAllocate(): u32 {
  const page = smallPageTake(false);
  return page ? page : smallPageTake(true); // rather among runs than nowhere
}

function smallPageTake(anywhere: bool): u32 {
  const arenas = load<u32>(control() + L.CB_ARENAS);
  const hint = atomic.load<u32>(control() + L.CB_SMALL_HINT);
  for (let n: u32 = 0; n < arenas; n++) {
    let arena = hint + n;
    if (arena >= arenas) arena -= arenas;
    if (!arenaClaim(arena, L.ARENA_SMALL) && !anywhere) continue;
    const p = mapOf(arena);
    let map = atomic.load<u64>(p);
    while (map != u64.MAX_VALUE) {
      const bit = <u32>ctz(~map);
      const old = atomic.cmpxchg<u64>(p, map, map | ((<u64>1) << bit));
      if (old == map) {
        if (n) atomic.store<u32>(control() + L.CB_SMALL_HINT, arena);
        return (arena << L.ARENA_SHIFT) + bit;
      }
      map = old;
    }
  }
  return 0;
}

export function smallPageFree(page: u32): void {
  historyKeep(page);
  if (swapIsThere() && isInSwap(atomic.load<u64>(pteOf(page)))) {
    const frame = pageTake(page);
    if (frame) frameFree(frame);
  }
  if (atomic.load<u64>(pteOf(page)) & L.PTE_PRESENT) atomic.add<i32>(control() + L.CB_EMPTY_PAGES, 1);
  store<u32>(descriptors + (<usize>page << 6) + L.PD_STATE, L.PAGE_FREE);
  atomic.and<u64>(mapOf(page >>> L.ARENA_SHIFT), ~((<u64>1) << (page & 63)));
  if (page >>> L.ARENA_SHIFT < atomic.load<u32>(control() + L.CB_SMALL_HINT)) {
    atomic.store<u32>(control() + L.CB_SMALL_HINT, page >>> L.ARENA_SHIFT);
  }
  count(L.COUNTER_PAGES_FREED);
}

/** First page of a mapped, physically contiguous run, or 0. */
export function runAllocate(pages: u32): u32 {
  if (!framesProvide(pages)) {
    // In the middle of an operation: with a swap file, its translations keep its pages where they are.
    if (!swapIsThere()) runsReclaim();
    if (!framesProvide(pages)) return 0;
  }
  let first = pages <= L.ARENA_PAGES ? runInArena(pages, false) : runOfArenas(pages);
  if (!first && pages <= L.ARENA_PAGES) first = runInArena(pages, true);
  if (!first) return 0;
  const frames = frameRunProvide(pages);
  if (!frames) {
    pagesGiveBack(first, pages);
    return 0;
  }
  runMap(first, pages, frames);
  return first;
}

/** Takes these very pages, which nobody has had yet; false if one is in use. More than an arena's are whole arenas. */
export function pagesTake(first: u32, pages: u32, kind: u32): bool {
  const limit = load<u32>(control() + L.CB_VIRTUAL_PAGES);
  if (first == 0 || pages == 0 || first >= limit || pages > limit - first) return false;
  const inArena = first & (L.ARENA_PAGES - 1);
  if (inArena + pages > L.ARENA_PAGES && inArena) return false;
  for (let left = pages, arena = first >>> L.ARENA_SHIFT; left > 0; arena++) {
    const here = min<u32>(left, L.ARENA_PAGES);
    const bits: u64 = pages > L.ARENA_PAGES || here == 64 ? u64.MAX_VALUE : (((<u64>1) << here) - 1) << inArena;
    if (atomic.load<u64>(mapOf(arena)) & bits) return false;
    arenaClaim(arena, kind);
    atomic.or<u64>(mapOf(arena), bits);
    left -= here;
  }
  return true;
}

/** Maps pages to neighbouring frames, as a run. */
export function runMap(first: u32, pages: u32, frames: usize): void {
  historyKeepRun(first, pages);
  // The first page last: until then, and until its header is written, there is no object here.
  store<u32>(frames, 0);
  store<u32>(descriptors + (<usize>first << 6) + L.PD_RUN_PAGES, pages);
  for (let n = pages; n > 0; n--) {
    const page = first + n - 1;
    const frame = frames + (<usize>(n - 1) << L.PAGE_SHIFT);
    // Before its frame: a page with a frame and without a state is one that nobody needs.
    store<u32>(descriptors + (<usize>page << 6) + L.PD_STATE, n > 1 ? L.PAGE_RUN_TAIL : L.PAGE_RUN);
    framePageNote(frame, page);
    // A reader of a snapshot, or who disposes of one, may have the entry's lock for a moment.
    let round: u32 = 0;
    while (!pteInstall(pteOf(page), frame)) spinPause(round++);
  }
  count(L.COUNTER_PAGES_ALLOCATED, pages);
}

/** `pages` neighbouring bits of one arena. */
function runInArena(pages: u32, anywhere: bool): u32 {
  const arenas = load<u32>(control() + L.CB_ARENAS);
  const ones: u64 = pages == 64 ? u64.MAX_VALUE : ((<u64>1) << pages) - 1;
  for (let arena: u32 = 0; arena < arenas; arena++) {
    const p = mapOf(arena);
    if (atomic.load<u32>(kindOf(arena)) == L.ARENA_SMALL && !anywhere && atomic.load<u64>(p) != 0) continue;
    let bit: u32 = 0;
    while (bit + pages <= 64) {
      const map = atomic.load<u64>(p);
      if (map & (ones << bit)) {
        bit++;
        continue;
      }
      if (!arenaClaim(arena, L.ARENA_RUNS) && !anywhere) break;
      if (atomic.cmpxchg<u64>(p, map, map | (ones << bit)) != map) continue;
      const first = (arena << L.ARENA_SHIFT) + bit;
      if (pagesAreUnmapped(first, pages)) return first;
      pagesGiveBack(first, pages);
      bit++;
    }
  }
  return 0;
}

/** Whole neighbouring arenas: the tail of the last one is wasted as addresses, not as memory. */
function runOfArenas(pages: u32): u32 {
  const arenas = load<u32>(control() + L.CB_ARENAS);
  const wanted = (pages + 63) >> 6;
  let first: u32 = 0;
  while (first + wanted <= arenas) {
    let n: u32 = 0;
    while (n < wanted && arenaTakeWhole(first + n)) n++;
    if (n == wanted) return first << L.ARENA_SHIFT;
    const obstacle = first + n;
    while (n > 0) atomic.store<u64>(mapOf(first + --n), 0);
    first = obstacle + 1;
  }
  return 0;
}

function arenaTakeWhole(arena: u32): bool {
  if (atomic.load<u64>(mapOf(arena)) != 0) return false;
  if (!arenaClaim(arena, L.ARENA_RUNS)) return false;
  if (atomic.cmpxchg<u64>(mapOf(arena), 0, u64.MAX_VALUE) != 0) return false;
  if (pagesAreUnmapped(arena << L.ARENA_SHIFT, L.ARENA_PAGES)) return true;
  atomic.store<u64>(mapOf(arena), 0);
  return false;
}

/** False if one of these pages, just taken, was a small one that has its frame, or slot, still: others may have translated it. */
function pagesAreUnmapped(first: u32, pages: u32): bool {
  for (let n: u32 = 0; n < pages; n++) if (atomic.load<u64>(pteOf(first + n)) & ~(<u64>L.PTE_LOCK)) return false;
  return true;
}

/** Takes the page, or the pages of a run, that these addresses were before: nobody else has them. */
export function pagesTakeBack(first: u32, pages: u32): void {
  const arenas: u32 = (pages + 63) >> 6;
  for (let n: u32 = 0; n < arenas; n++) {
    const ones: u64 = pages >= 64 ? u64.MAX_VALUE : ((<u64>1) << pages) - 1;
    atomic.or<u64>(mapOf((first >>> L.ARENA_SHIFT) + n), ones << (first & 63));
  }
}

export function pagesGiveBack(first: u32, pages: u32): void {
  if (pages <= L.ARENA_PAGES) {
    const ones: u64 = pages == 64 ? u64.MAX_VALUE : ((<u64>1) << pages) - 1;
    atomic.and<u64>(mapOf(first >>> L.ARENA_SHIFT), ~(ones << (first & 63)));
    return;
  }
  const wanted = (pages + 63) >> 6;
  for (let n: u32 = 0; n < wanted; n++) atomic.store<u64>(mapOf((first >>> L.ARENA_SHIFT) + n), 0);
}

/** Gives a run back. Its frames are free after a translation grace period. */
export function runRetire(descriptor: usize): void {
  const tag = atomic.add<u32>(control() + L.CB_TRANSLATION_EPOCH, 1) + 1;
  store<u32>(descriptor + L.PD_USED, tag);
  store<u32>(descriptor + L.PD_NEXT, load<u32>(tb + L.TB_RETIRED_HEAD));
  store<u32>(tb + L.TB_RETIRED_HEAD, <u32>descriptor);
  // It cannot leave memory, and those that come in to die must not fill it: what can be unmapped is at the next occasion.
  if (swapIsThere()) atomic.or<u32>(tb + L.TB_REQUEST, L.REQUEST_TRANSLATIONS);
}

/** Acknowledges T: this thread caches no translation from before. */
export function translationsAcknowledge(): void {
  const epoch = atomic.load<u32>(control() + L.CB_TRANSLATION_EPOCH);
  if (atomic.load<u32>(tb + L.TB_TRANSLATION) == epoch) return;
  translationsFlush();
  atomic.store<u32>(tb + L.TB_TRANSLATION, epoch);
}

/** Between two objects of a long loop, and when an operation begins, if pages are to leave: no raw address is held. */
// @ts-ignore: decorator
@inline export function translationsYield(): void {
  if (load<u32>(tb + L.TB_REQUEST) & L.REQUEST_TRANSLATIONS) translationsYieldNow();
}

function translationsYieldNow(): void {
  atomic.and<u32>(tb + L.TB_REQUEST, ~L.REQUEST_TRANSLATIONS);
  const epoch = atomic.load<u32>(control() + L.CB_TRANSLATION_EPOCH);
  translationsFlush(); // whatever the epoch is: the thread may have asked itself, having touched very much
  atomic.store<u32>(tb + L.TB_TRANSLATION, epoch);
  runsReclaim();
}

/** The translation epoch that every running thread has acknowledged; a thread that does not run flushes when it comes back. */
function translationsAcknowledged(): u32 {
  let oldest = atomic.load<u32>(control() + L.CB_TRANSLATION_EPOCH);
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 1; slot < slots; slot++) {
    const block = threadBlock(slot);
    const state = atomic.load<u32>(block + L.TB_STATE);
    if (!isAttached(state)) continue;
    const epoch = atomic.load<u32>(block + L.TB_TRANSLATION);
    if (<i32>(epoch - oldest) < 0) oldest = epoch;
  }
  return oldest;
}

/**
 * Retires the free small pages, as runs of one page, for the sake of their frames. Only when memory is out or threads are at rest: a
 * page that is used again costs a walk and a frame to clear. O(virtual pages).
 */
export function smallPagesRetire(): void {
  const pages = load<u32>(control() + L.CB_VIRTUAL_PAGES);
  atomic.store<i32>(control() + L.CB_EMPTY_PAGES, 0); // first: what is given back meanwhile may be counted twice, but not forgotten
  for (let page: u32 = 1; page < pages; page++) {
    const entry = atomic.load<u64>(pteOf(page));
    if (!(entry & L.PTE_PRESENT)) continue;
    const map = mapOf(page >>> L.ARENA_SHIFT);
    const bit = (<u64>1) << (page & 63);
    if (atomic.load<u64>(map) & bit || atomic.or<u64>(map, bit) & bit) continue; // in use
    const descriptor = descriptors + (<usize>page << 6);
    historyKeep(page);
    store<u32>(frameOf(entry), 0); // no object: blocks that were taken back in order have their headers still
    store<u32>(descriptor + L.PD_OWNER, tid | L.OWNER_RUN);
    store<u32>(descriptor + L.PD_RUN_PAGES, 1);
    store<u32>(descriptor + L.PD_STATE, L.PAGE_RUN);
    runRetire(descriptor);
  }
}

/**
 * Unmaps the retired runs that nobody has translated any more: their grace period is over or, with a swap file, no TLB has them. For
 * then a thread may wait for a frame in the middle of an operation, in which it can acknowledge nothing. Nobody knows the
 * address of what was in such a run, so no new translation comes.
 */
export function runsReclaim(): void {
  if (!load<u32>(tb + L.TB_RETIRED_HEAD)) return;
  translationsAcknowledge();
  const epoch = translationsAcknowledged();
  let link = tb + L.TB_RETIRED_HEAD;
  let descriptor = <usize>load<u32>(link);
  while (descriptor) {
    const next = load<u32>(descriptor + L.PD_NEXT);
    const isOver = <i32>(epoch - load<u32>(descriptor + L.PD_USED)) >= 0;
    if (isOver || (swapIsThere() && !isCached(pageOf(descriptor), load<u32>(descriptor + L.PD_RUN_PAGES)))) {
      store<u32>(link, next);
      runUnmap(descriptor);
    } else {
      link = descriptor + L.PD_NEXT;
    }
    descriptor = next;
  }
}

function runUnmap(descriptor: usize): void {
  const first = pageOf(descriptor);
  const pages = load<u32>(descriptor + L.PD_RUN_PAGES);
  for (let n: u32 = 0; n < pages; n++) {
    historyTakeFrame(first + n);
    store<u32>(descriptors + (<usize>(first + n) << 6) + L.PD_STATE, L.PAGE_FREE);
    const frame = pageTake(first + n);
    if (frame) frameFree(frame);
  }
  pagesGiveBack(first, pages);
  count(L.COUNTER_PAGES_FREED, pages);
}
