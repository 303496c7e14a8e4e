/**
 * Which pages leave, and frames for those that come: what the pager has named (victims.ts), then CLOCK (Corbato 1968) over the
 * frames, by the accessed bits. Bits are set by walks, so a round begins by asking all threads to drop their translations.
 *
 * Frames that ordinary allocation leaves alone (frames.ts) are there for what cannot wait: a page that is needed in the middle
 * of an operation comes in even if nothing can leave at this moment.
 */
import * as L from "../layout";
import { control, count, descriptors, tb, threadBlock, tid } from "../machine/registers";
import { spinPause } from "../machine/spin";
import { frameAllocate, frameFree, frameIsFree, frameRunAllocate, frameRunTake, framesAreShort, framesKept } from "./frames";
import { frameOf, pteOf } from "./pte";
import {
  hasFrame,
  headOf,
  isInSwap,
  mustBeWritten,
  pageClaim,
  pageDiscard,
  pageIsCached,
  pageMark,
  pageRead,
  pageRescue,
  pageSeal,
  pagesOf,
  pageWritten,
  tailsPresent,
  waitFor,
} from "./residence";
import { copyTake, slotAllocate, slotDrop, slotInHand, slotsReserve, slotsSpare, swapIsThere, swapWrite } from "./swap";
import { victimTake } from "./victims";
import { AHEAD } from "./watermarks";

const BATCH: u32 = 16; // frames that one round frees
const FETCH_ROUNDS: u32 = 20_000; // of 20 us
const LOOKS_APART: u32 = 256; // rounds between two looks at all frames, at most: some 150 of them altogether

// Rounds.

/** No slot could be had in this round: what must be written stays. */
let slotsAreOut: bool = false;

/** Takes the lock if nobody has it: a round begins. */
export function evictTryLock(): bool {
  slotsAreOut = false;
  return atomic.cmpxchg<u32>(control() + L.CB_EVICT_LOCK, 0, tid) == 0;
}

/** Takes the lock, or waits until there are `wanted` frames: then false. */
function evictLock(wanted: u32): bool {
  const lock = control() + L.CB_EVICT_LOCK;
  for (let round: u32 = 0; !evictTryLock(); round++) {
    waitFor(round, lock);
    if (!framesAreShort(wanted)) return false;
  }
  return true;
}

export function evictUnlock(): void {
  atomic.store<u32>(control() + L.CB_EVICT_LOCK, 0);
}

/** Frees so many frames, if it can; false if it could not free any. Any thread, also in the middle of an operation. */
export function evict(wanted: u32): bool {
  if (!evictLock(wanted)) return true;
  translationsAsk();
  let freed = evictNamed(wanted);
  if (freed < wanted) freed += evictByClock(wanted - freed);
  evictUnlock();
  return freed != 0;
}

/** Frees so many frames, if it can, of those whom the pager has named. This thread holds the lock. */
export function evictNamed(wanted: u32): u32 {
  let freed: u32 = 0;
  while (freed < wanted) {
    const page = victimTake();
    if (!page) break;
    if (mayLeave(page)) freed += pageEvict(page);
  }
  return freed;
}

/** The same of all pages. */
export function evictByClock(wanted: u32): u32 {
  const frames = load<u32>(control() + L.CB_FRAMES);
  let hand = load<u32>(control() + L.CB_CLOCK_HAND);
  let freed: u32 = 0;
  for (let looks: u32 = 0; looks < 3 * frames && freed < wanted; looks++) {
    if (hand >= frames) hand = 0;
    const page = pageIn(hand++);
    if (!page) continue;
    const pte = pteOf(page);
    if (looks < 2 * frames && atomic.load<u64>(pte) & L.PTE_ACCESSED) atomic.and<u64>(pte, ~(<u64>L.PTE_ACCESSED));
    else freed += pageEvict(page);
  }
  store<u32>(control() + L.CB_CLOCK_HAND, hand);
  return freed;
}

/** All threads are to drop their translations as soon as they hold no raw address. */
export function translationsAsk(): void {
  atomic.add<u32>(control() + L.CB_TRANSLATION_EPOCH, 1);
  const slots = load<u32>(control() + L.CB_SLOTS) + L.VIEWS_MAX; // views have frames that they can do without
  for (let slot: u32 = 1; slot < slots; slot++) {
    const block = threadBlock(slot);
    if (atomic.load<u32>(block + L.TB_STATE) != L.THREAD_FREE) atomic.or<u32>(block + L.TB_REQUEST, L.REQUEST_TRANSLATIONS);
  }
}

/** The page that is mapped to a frame; 0 if none is, or it must stay. */
function mappedTo(frame: u32): u32 {
  const page = load<u32>(<usize>load<u32>(control() + L.CB_FRAME_PAGES) + (<usize>frame << 2));
  if (!page) return 0;
  const entry = atomic.load<u64>(pteOf(page));
  const stays = (entry & (L.PTE_PRESENT | L.PTE_PINNED)) != L.PTE_PRESENT || <u32>(entry >> L.PTE_FRAME_SHIFT) != frame;
  return stays ? 0 : page;
}

/** The page, or the head of the run, whose first frame this is; 0 if there is none, or what there is must stay. */
export function pageIn(frame: u32): u32 {
  const page = mappedTo(frame);
  return page && load<u32>(stateOf(page)) == L.PAGE_RUN_TAIL ? 0 : page;
}

/** Whether a page is in memory, not pinned, and nobody's tail. */
function mayLeave(page: u32): bool {
  const entry = atomic.load<u64>(pteOf(page));
  return (entry & (L.PTE_PRESENT | L.PTE_PINNED)) == L.PTE_PRESENT && load<u32>(stateOf(page)) != L.PAGE_RUN_TAIL;
}

// @ts-ignore: decorator
@inline function stateOf(page: u32): usize {
  return descriptors + <usize>page * L.PAGE_DESCRIPTOR_SIZE + L.PD_STATE;
}

// One page, or run.

/** Number of frames that it freed, 0 if somebody uses it, or it could not be written. */
function pageEvict(head: u32): u32 {
  const state = load<u32>(stateOf(head));
  const pages = pagesOf(head);
  if (isRetired(head) || isCached(head, pages)) return 0;
  store<u32>(control() + L.CB_EVICT_HEAD, head);
  const leaves = marked(head, pages) && (state == L.PAGE_FREE || written(head, pages));
  // What it was is looked at once more: while nothing is marked, anything may happen to a page.
  const isSame = leaves && load<u32>(stateOf(head)) == state && pagesOf(head) == pages;
  const isGone = isSame && (state == L.PAGE_FREE ? pageDiscard(head) : pageSeal(head));
  for (let n: u32 = isGone ? 1 : 0; n < pages; n++) {
    if (isGone) pageSeal(head + n);
    else pageRescue(head + n);
  }
  store<u32>(control() + L.CB_EVICT_HEAD, 0);
  count(isGone ? L.COUNTER_EVICTIONS : L.COUNTER_RESCUES, pages);
  return isGone ? pages : 0;
}

/** All pages LEAVING, and in no TLB. */
function marked(head: u32, pages: u32): bool {
  for (let n: u32 = 0; n < pages; n++) if (!pageMark(head + n)) return false;
  if (isRetired(head)) return false;
  // A thread that is not attached now drops its translations when it attaches, for it sees this. After the marks.
  atomic.add<u32>(control() + L.CB_TRANSLATION_EPOCH, 1);
  return !isCached(head, pages);
}

/** A run that is free is retired, or about to be; one whose header is still to be written is being made. Neither leaves. */
function isRetired(head: u32): bool {
  if (load<u32>(stateOf(head)) != L.PAGE_RUN) return false;
  const entry = atomic.load<u64>(pteOf(head));
  return hasFrame(entry) && !load<u32>(frameOf(entry));
}

/** Whether a run, or a page, stands in the TLB of an attached thread. */
export function isCached(head: u32, pages: u32): bool {
  for (let n: u32 = 0; n < pages; n++) if (pageIsCached(head + n)) return true;
  return false;
}

/** Each page has a copy that is as it is. */
function written(head: u32, pages: u32): bool {
  for (let n: u32 = 0; n < pages; n++) {
    const page = head + n;
    if (!mustBeWritten(page)) continue;
    const entry = atomic.load<u64>(pteOf(page));
    if (!hasFrame(entry)) return false;
    let slot = slotInHand(copyTake(page));
    if (slot == u32.MAX_VALUE) slot = slotInHand(slotTake());
    if (slot == u32.MAX_VALUE) return false;
    if (swapWrite(slot, frameOf(entry)) != 0 || !pageWritten(page, slot)) {
      slotDrop(slot);
      return false;
    }
    count(L.COUNTER_SWAP_OUTS);
  }
  return true;
}

/** A slot for a version, or u32.MAX_VALUE: a free one, or the copy of a page that is in memory all the same. */
export function slotProvide(): u32 {
  if (slotsSpare() <= slotsReserve()) return u32.MAX_VALUE;
  const free = slotAllocate();
  if (free != u32.MAX_VALUE || !evictLock(u32.MAX_VALUE >>> 1)) return free;
  const slot = slotTake();
  evictUnlock();
  return slot;
}

/** A free slot; if there is none, the copy of a page that is in memory all the same. O(pages), once in a round. */
function slotTake(): u32 {
  const slot = slotAllocate();
  if (slot != u32.MAX_VALUE || slotsAreOut) return slot;
  const pages = load<u32>(control() + L.CB_VIRTUAL_PAGES);
  for (let page: u32 = 1; page < pages; page++) {
    if (!(atomic.load<u64>(pteOf(page)) & L.PTE_PRESENT)) continue;
    const copy = copyTake(page);
    if (copy != u32.MAX_VALUE) return copy;
  }
  slotsAreOut = true;
  return u32.MAX_VALUE;
}

// Frames.

/** Pages that memory and the swap file have room for, beyond what is kept so that pages can come back. */
export function roomForPages(): u32 {
  return roomBeyond(framesKept() + slotsReserve());
}

/** Pages that there is room for in half of what is kept: for what gives it back at once. None if nothing can leave. */
export function roomToBorrow(): u32 {
  return swapIsThere() ? roomBeyond((framesKept() + slotsReserve()) >>> 1) : 0;
}

function roomBeyond(kept: u32): u32 {
  const room = atomic.load<u32>(control() + L.CB_FRAMES_FREE) + slotsSpare();
  return room > kept ? room - kept : 0;
}

/** Whether ordinary allocation may take so many frames; makes room for them if it can. */
export function framesProvide(wanted: u32): bool {
  if (swapIsThere() && roomForPages() < wanted) return false;
  if (!framesAreShort(wanted)) return true;
  if (!swapIsThere()) return false;
  while (framesAreShort(wanted)) {
    if (evict(max<u32>(wanted, BATCH))) continue;
    wereHeld = wanted <= load<u32>(control() + L.CB_FRAMES) >>> 1;
    return false;
  }
  return true;
}

let wereHeld: bool = false;

/** Whether frames were refused, since this was asked last, though there is room: other threads have the pages in their hands. */
export function framesWereHeld(): bool {
  const held = wereHeld;
  wereHeld = false;
  return held;
}

/** The same where no moment's want may cost more than a moment: waits until other threads let go of pages, if there is room for them. */
export function framesAwait(wanted: u32): bool {
  for (let round: u32 = 0; round < FETCH_ROUNDS; round++) {
    if (framesProvide(wanted)) return true;
    if (!swapIsThere() || roomForPages() < wanted) return false;
    spinPause(round);
  }
  return false;
}

/** A frame for a page of the heap, if need be out of the reserve; 0 if there is none. */
export function frameProvide(): usize {
  if (swapIsThere() && framesAreShort(AHEAD)) evict(BATCH);
  return frameAllocate();
}

/** Neighbouring frames, likewise. Who is in their way leaves. O(frames). */
export function frameRunProvide(length: u32): usize {
  if (length == 1) return frameProvide();
  if (!swapIsThere()) return frameRunAllocate(length);
  if (framesAreShort(length)) evict(length);
  const run = frameRunAllocate(length);
  return run ? run : frameRunClear(length);
}

/** The first run of frames that are free, or whose pages may leave, which then do. O(frames): a run that is there is looked at once. */
function frameRunClear(length: u32): usize {
  if (!evictLock(u32.MAX_VALUE >>> 1)) return 0;
  translationsAsk();
  const frames = load<u32>(control() + L.CB_FRAMES);
  let run: usize = 0;
  let clear: u32 = 0; // so many before this one
  let before: u32 = 0; // the page of the frame before, and whether it may leave
  let leaves: bool = false;
  for (let frame: u32 = 0; frame < frames && !run; frame++) {
    const page = mappedTo(frame);
    const goesOn = page && page == before + 1 && load<u32>(stateOf(page)) == L.PAGE_RUN_TAIL;
    if (!goesOn) leaves = page != 0 && mayBeCleared(headOf(page));
    before = page;
    clear = frameIsFree(frame) || (page && leaves) ? clear + 1 : 0;
    if (clear < length) continue;
    if (framesClear(frame + 1 - length, length)) run = frameRunTake(frame + 1 - length, length);
    clear = 0;
  }
  evictUnlock();
  return run;
}

function mayBeCleared(head: u32): bool {
  return !isRetired(head) && !isCached(head, pagesOf(head));
}

/** The pages in these frames leave; false as soon as one cannot. */
function framesClear(start: u32, length: u32): bool {
  for (let n = start; n < start + length; n++) {
    const page = mappedTo(n);
    if (page && !pageEvict(headOf(page))) return false;
  }
  return true;
}

// Coming back.

/**
 * Sees to it that a page that has left is in memory again, with all of its run: 0, E_MEMORY if there is no frame for it, or
 * E_SWAP. It may leave again before it is translated. A page that is EMPTY stays so.
 */
export function pageBring(page: u32): u32 {
  const head = headOf(page);
  const pages = pagesOf(head);
  let round: u32 = 0;
  while (true) {
    const entry = atomic.load<u64>(pteOf(head));
    if (entry & L.PTE_PRESENT) {
      if (tailsPresent(head, pages)) return 0;
    } else if (entry & L.PTE_LEAVING) {
      pageRescue(head);
    } else if (entry & L.PTE_ARRIVING) {
      waitFor(round++, pteOf(head));
    } else if (isInSwap(entry)) {
      const status = pageFetch(head, pages);
      if (status) return status;
    } else {
      return 0;
    }
  }
}

/**
 * The frames come first: nobody waits for one with a claim. A run takes many, so this thread lets go of it, and of those before it,
 * as soon as it can: a loop over runs must not keep all of them.
 */
function pageFetch(head: u32, pages: u32): u32 {
  if (pages > 1) atomic.or<u32>(tb + L.TB_REQUEST, L.REQUEST_TRANSLATIONS);
  let frames = frameRunProvide(pages);
  // Other threads let go of their pages as they go on; who has none to let go of never comes here.
  let look: u32 = 1;
  for (let round: u32 = 0; !frames && round < FETCH_ROUNDS; round++) {
    spinPause(round);
    if (round < look) continue;
    frames = frameRunProvide(pages);
    look = round + min<u32>(1 + (round >>> 3), LOOKS_APART);
  }
  if (!frames) return L.E_MEMORY;
  store<u32>(tb + L.TB_ARRIVING_PAGES, pages);
  store<u32>(tb + L.TB_ARRIVING_FRAMES, <u32>frames);
  const claimed = pageClaim(head);
  if (claimed && pageRead(head, pages, frames)) return 0;
  store<u32>(tb + L.TB_ARRIVING_FRAMES, 0);
  for (let n: u32 = 0; n < pages; n++) frameFree(frames + (<usize>n << L.PAGE_SHIFT));
  return claimed ? L.E_SWAP : 0;
}
