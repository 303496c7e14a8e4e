/**
 * How pages leave memory for the swap file, and come back. The states of a page table entry:
 *
 *             install                  mark                    seal
 *     EMPTY ----------> PRESENT, f ----------> LEAVING, f ----------> SWAPPED, s
 *                          ^    <----- rescue ----'                      | claim
 *                          '---- arrive ---- SWAPPED, s, ARRIVING <------'
 *
 * Each arrow is straight-line code under the entry's lock, so no thread dies in one; reading and writing the file happens in
 * between, with nothing locked. Whoever takes an entry out of a state with a frame owns that frame.
 *
 * Nobody waits until others have let go of a page: an entry of a TLB is a hazard pointer (Michael 2004). Who fills one looks
 * once more whether the page is still present; who evicts marks the page first and looks then whether it stands in the TLB of
 * any attached thread. One of the two sees the other. A thread drops its translations where it holds no raw address: when an
 * operation begins (REQUEST_TRANSLATIONS), at a safepoint, between the objects of a long loop, and when it attaches, or goes on
 * after a stop at a yield, if the translation epoch has grown, which every mark makes it do. The model is test/models/evict.pml,
 * that of runs evict-run.pml.
 *
 * A run is read through its first page, so it leaves and comes back whole: its *head* stands for it. The head is marked first
 * and sealed first, and arrives first: so if the head is PRESENT a tail that is not is on its way back, and anybody may finish
 * that; if the head is sealed its tails are about to be.
 *
 * One thread at a time evicts (CB_EVICT_LOCK). It waits for nobody, so others may wait for it in the middle of an operation.
 */
import * as L from "../layout";
import { control, count, descriptors, tb, threadBlock, tid } from "../machine/registers";
import { lockAwaited, spinPause } from "../machine/spin";
import { frameFree, takenGive } from "./frames";
import { frameOf, pteLock, pteOf, pteUnlock } from "./pte";
import { recordRecover } from "./records";
import { copyDrop, copyIsThere, copyKeep, copyTake, slotFree, slotGiven, slotPlaced, slotRecover, slotTaken, swapRead } from "./swap";

const FRAME_STATES: u64 = L.PTE_PRESENT | L.PTE_LEAVING;

/** Whether a page is in the file only. */
// @ts-ignore: decorator
@inline export function isInSwap(entry: u64): bool {
  return (entry & L.PTE_SWAPPED) != 0;
}

/** Whether the content of a page is in a frame, be it on its way out. */
// @ts-ignore: decorator
@inline export function hasFrame(entry: u64): bool {
  return (entry & FRAME_STATES) != 0;
}

// @ts-ignore: decorator
@inline function descriptor(page: u32): usize {
  return descriptors + <usize>page * L.PAGE_DESCRIPTOR_SIZE;
}

// @ts-ignore: decorator
@inline function numbered(number: u32, flags: u64): u64 {
  return (<u64>number << L.PTE_FRAME_SHIFT) | flags;
}

// @ts-ignore: decorator
@inline function numberOf(entry: u64): u32 {
  return <u32>(entry >> L.PTE_FRAME_SHIFT);
}

// @ts-ignore: decorator
@inline function frameNumber(frame: usize): u32 {
  return <u32>((frame - load<u32>(control() + L.CB_FRAME_BASE)) >> L.PAGE_SHIFT);
}

/** First page of the run that a page belongs to, or the page itself. */
export function headOf(page: u32): u32 {
  while (load<u32>(descriptor(page) + L.PD_STATE) == L.PAGE_RUN_TAIL) page--;
  return page;
}

/** Pages that leave and come back together with this head. */
export function pagesOf(head: u32): u32 {
  return load<u32>(descriptor(head) + L.PD_STATE) == L.PAGE_RUN ? load<u32>(descriptor(head) + L.PD_RUN_PAGES) : 1;
}

/** Notes which page a frame is mapped as. Advice: what is mapped there is what the entry of that page says. */
// @ts-ignore: decorator
@inline export function framePageNote(frame: usize, page: u32): void {
  store<u32>(<usize>load<u32>(control() + L.CB_FRAME_PAGES) + (<usize>frameNumber(frame) << 2), page);
}

// Leaving.

/** PRESENT to LEAVING; false if it is not present, or must stay. */
export function pageMark(page: u32): bool {
  const pte = pteOf(page);
  pteLock(pte);
  const entry = atomic.load<u64>(pte);
  const may = (entry & (L.PTE_PRESENT | L.PTE_PINNED)) == L.PTE_PRESENT;
  // In one step: a walk that looked before may set DIRTY at this moment, and must not be forgotten.
  if (may) atomic.add<u64>(pte, L.PTE_LEAVING - L.PTE_PRESENT);
  pteUnlock(pte);
  return may;
}

/** LEAVING to PRESENT, whoever needs the page or has given the eviction up. */
export function pageRescue(page: u32): bool {
  const pte = pteOf(page);
  pteLock(pte);
  const entry = atomic.load<u64>(pte);
  const leaves = (entry & L.PTE_LEAVING) != 0;
  if (leaves) atomic.store<u64>(pte, (entry & ~(<u64>L.PTE_LEAVING)) | L.PTE_PRESENT);
  pteUnlock(pte);
  return leaves;
}

/** The page has been written to `slot`, which is its copy then, unless it was rescued meanwhile: then false. */
export function pageWritten(page: u32, slot: u32): bool {
  const pte = pteOf(page);
  pteLock(pte);
  const entry = atomic.load<u64>(pte);
  const leaves = (entry & L.PTE_LEAVING) != 0;
  if (leaves) {
    copyKeep(page, slot);
    slotPlaced();
    atomic.store<u64>(pte, entry & ~(<u64>L.PTE_DIRTY));
  }
  pteUnlock(pte);
  return leaves;
}

/** LEAVING to SWAPPED: its copy is all that there is of it. False if it was rescued. */
export function pageSeal(page: u32): bool {
  const pte = pteOf(page);
  pteLock(pte);
  const entry = atomic.load<u64>(pte);
  const leaves = (entry & L.PTE_LEAVING) != 0;
  if (leaves) {
    atomic.store<u64>(pte, numbered(copyTake(page), L.PTE_SWAPPED | L.PTE_LOCK));
    slotTaken();
  }
  pteUnlock(pte);
  if (leaves) frameFree(frameOf(entry));
  return leaves;
}

/** LEAVING to EMPTY: nothing that is in the page is of use. (A copy of it is overwritten when there is something to write.) */
export function pageDiscard(page: u32): bool {
  const pte = pteOf(page);
  pteLock(pte);
  const entry = atomic.load<u64>(pte);
  const leaves = (entry & L.PTE_LEAVING) != 0;
  if (leaves) atomic.store<u64>(pte, L.PTE_LOCK);
  pteUnlock(pte);
  if (leaves) frameFree(frameOf(entry));
  return leaves;
}

/** Whether an attached thread has a translation of the page, by which it may be reading or writing it at this moment. */
export function pageIsCached(page: u32): bool {
  const tlbs = <usize>load<u32>(control() + L.CB_TLBS) + (<usize>page << 2);
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 1; slot < slots; slot++) {
    const state = atomic.load<u32>(threadBlock(slot) + L.TB_STATE);
    if (state == L.THREAD_FREE || state == L.THREAD_DETACHED || state == L.THREAD_DEAD) continue;
    // At a yield: it drops its translations before it goes on, like one that attaches. (With a GIL it may wait for that for long.)
    if (state == L.THREAD_STOPPED || state == L.THREAD_PINNED) continue;
    const tlb = tlbs + <usize>slot * (2 * L.TLB_SIZE);
    if (atomic.load<u32>(tlb) || atomic.load<u32>(tlb + L.TLB_SIZE)) return true;
  }
  return false;
}

/** Finishes, or takes back, what a thread was doing when it ended: it evicted, or read a page. */
export function residenceRecover(slot: u32): void {
  const head = load<u32>(threadBlock(slot) + L.TB_ARRIVING);
  if (head) {
    const pte = pteOf(head);
    pteLock(pte);
    const entry = atomic.load<u64>(pte);
    if (entry & L.PTE_ARRIVING && (<u32>entry & L.PTE_OWNER_MASK) >>> L.PTE_OWNER_SHIFT == slot)
      atomic.store<u64>(pte, entry & ~(<u64>(L.PTE_ARRIVING | L.PTE_OWNER_MASK)));
    pteUnlock(pte);
    store<u32>(threadBlock(slot) + L.TB_ARRIVING, 0);
  }
  atomic.cmpxchg<u32>(control() + L.CB_PAST_LOCK, slot, 0); // it was dropping versions
  atomic.cmpxchg<u32>(control() + L.CB_PAST_READER, slot, 0); // or reading them
  framesRecover(threadBlock(slot));
  recordRecover(threadBlock(slot));
  slotRecover(threadBlock(slot));
  if (atomic.load<u32>(control() + L.CB_EVICT_LOCK) != slot) return;
  const leaving = load<u32>(control() + L.CB_EVICT_HEAD);
  if (leaving) {
    const isSealed = (atomic.load<u64>(pteOf(leaving)) & L.PTE_SWAPPED) != 0;
    for (let n: u32 = 0; n < pagesOf(leaving); n++) {
      if (isSealed) pageSeal(leaving + n);
      else pageRescue(leaving + n);
    }
    store<u32>(control() + L.CB_EVICT_HEAD, 0);
  }
  atomic.store<u32>(control() + L.CB_EVICT_LOCK, 0);
}

/**
 * Frames that the thread had in hand when it ended: for a page that had not arrived, of a run that it was taking, for a version,
 * and those that JavaScript has.
 */
function framesRecover(block: usize): void {
  takenGive(block);
  wordRecover(block + L.TB_VERSION);
  for (let n: u32 = 0; n < L.LENT_MAX; n++) wordRecover(block + L.TB_LENT + (n << 2));
  const frames = <usize>load<u32>(block + L.TB_ARRIVING_FRAMES);
  store<u32>(block + L.TB_ARRIVING_FRAMES, 0);
  if (!frames) return;
  for (let n = load<u32>(block + L.TB_ARRIVING_PAGES); n > 0; n--) frameFree(frames + (<usize>(n - 1) << L.PAGE_SHIFT));
}

function wordRecover(at: usize): void {
  const frame = <usize>load<u32>(at);
  store<u32>(at, 0);
  if (frame) frameFree(frame);
}

// Coming back.

/** Claims a page that is SWAPPED for this thread to read; false if it is not, or somebody else has claimed it. */
export function pageClaim(head: u32): bool {
  store<u32>(tb + L.TB_ARRIVING, head);
  const pte = pteOf(head);
  pteLock(pte);
  const entry = atomic.load<u64>(pte);
  const may = (entry & (L.PTE_SWAPPED | L.PTE_ARRIVING)) == L.PTE_SWAPPED;
  if (may) atomic.store<u64>(pte, entry | L.PTE_ARRIVING | (<u64>tid << L.PTE_OWNER_SHIFT));
  pteUnlock(pte);
  if (!may) store<u32>(tb + L.TB_ARRIVING, 0);
  return may;
}

function claimDrop(head: u32): void {
  const pte = pteOf(head);
  pteLock(pte);
  atomic.store<u64>(pte, atomic.load<u64>(pte) & ~(<u64>(L.PTE_ARRIVING | L.PTE_OWNER_MASK)));
  pteUnlock(pte);
  store<u32>(tb + L.TB_ARRIVING, 0);
}

/** SWAPPED to PRESENT: the content is in `frame`. The slot stays its copy. */
function pageArrive(page: u32, frame: usize): void {
  const pte = pteOf(page);
  pteLock(pte);
  const entry = atomic.load<u64>(pte);
  if (entry & L.PTE_SWAPPED) {
    copyKeep(page, numberOf(entry));
    slotGiven();
    framePageNote(frame, page);
    store<u32>(tb + L.TB_ARRIVING_FRAMES, 0);
    atomic.store<u64>(
      pte,
      numbered(frameNumber(frame), L.PTE_PRESENT | L.PTE_READ | L.PTE_WRITE | L.PTE_ACCESSED | L.PTE_LOCK),
    );
  }
  pteUnlock(pte);
}

/** Reads a claimed page, or run, into neighbouring frames. False if the disk failed: then it stays where it is. */
export function pageRead(head: u32, pages: u32, frames: usize): bool {
  for (let n: u32 = 0; n < pages; n++) {
    const pte = pteOf(head + n);
    // Whoever evicts has sealed the head, and is about to seal this one.
    for (let round: u32 = 0; !(atomic.load<u64>(pte) & L.PTE_SWAPPED); round++) waitFor(round, control() + L.CB_EVICT_LOCK);
    if (swapRead(numberOf(atomic.load<u64>(pte)), frames + (<usize>n << L.PAGE_SHIFT)) == 0) continue;
    claimDrop(head);
    return false;
  }
  pageArrive(head, frames);
  // Where the head is, not where this thread has read to: others may have finished this, and the run may have left again.
  tailsPresent(head, pages);
  store<u32>(tb + L.TB_ARRIVING, 0);
  count(L.COUNTER_SWAP_INS, pages);
  return true;
}

/** Of a run whose head is present: its tails are made so too. False if the head has left again. */
export function tailsPresent(head: u32, pages: u32): bool {
  for (let n: u32 = 1; n < pages; n++) {
    const pte = pteOf(head + n);
    pteLock(pte);
    // As long as this lock is held the head stays: it leaves only together with this tail.
    const first = atomic.load<u64>(pteOf(head));
    const entry = atomic.load<u64>(pte);
    const stays = (first & L.PTE_PRESENT) != 0;
    if (stays && entry & L.PTE_LEAVING) atomic.store<u64>(pte, (entry & ~(<u64>L.PTE_LEAVING)) | L.PTE_PRESENT);
    if (stays && entry & L.PTE_SWAPPED) {
      const frame = frameOf(first) + (<usize>n << L.PAGE_SHIFT);
      copyKeep(head + n, numberOf(entry));
      slotGiven();
      framePageNote(frame, head + n);
      atomic.store<u64>(pte, numbered(numberOf(first) + n, L.PTE_PRESENT | L.PTE_READ | L.PTE_WRITE | L.PTE_LOCK));
    }
    pteUnlock(pte);
    if (!stays) return false;
  }
  return true;
}

/** Waits a while for another thread, the holder of `lock` or the owner of that entry, which may be no more. */
export function waitFor(round: u32, lock: usize): void {
  spinPause(round);
  if (round % 1024 == 1023) lockAwaited(lock);
}

/**
 * The page is nobody's any more: EMPTY. Its frame if it had one, which is the caller's then, else 0. Waits for a reader of a
 * snapshot that is just bringing it back.
 */
export function pageTake(page: u32): usize {
  const pte = pteOf(page);
  let round: u32 = 0;
  while (true) {
    pteLock(pte);
    const entry = atomic.load<u64>(pte);
    const arrives = (entry & L.PTE_ARRIVING) != 0;
    if (!arrives) {
      atomic.store<u64>(pte, L.PTE_LOCK);
      if (isInSwap(entry)) slotGiven();
    }
    pteUnlock(pte);
    if (!arrives) {
      if (isInSwap(entry)) slotFree(numberOf(entry));
      copyDrop(page);
      return hasFrame(entry) ? frameOf(entry) : 0;
    }
    waitFor(round++, pte);
  }
}

/** Whether a page would have to be written to leave. */
// @ts-ignore: decorator
@inline export function mustBeWritten(page: u32): bool {
  return (atomic.load<u64>(pteOf(page)) & L.PTE_DIRTY) != 0 || !copyIsThere(page);
}
