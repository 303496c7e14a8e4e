/**
 * What pages were: snapshots without a copy of the heap (PROTOCOLS section 5).
 *
 * Cuts are numbered; CB_CUT is how many there have been. A cut is taken while every thread is at a yield or not attached, and
 * each drops its write translations before it writes again. So between a cut and the first write to a page nobody can write
 * to it without coming here, where what it was is copied aside.
 *
 *   WRITTEN   cuts taken when the page was last written for the first time after one. No thread writes it while this is less
 *             than CB_CUT.
 *   VERSIONS  newest first; a version (FROM, TO, content, descriptor) is what the page was at the cuts FROM..TO
 *
 *   first write, W = WRITTEN < G = CB_CUT:   frame and record first, then the lock of the page table entry;
 *       W again? then:  copy,  version [W + 1, G],  WRITTEN = G,  unlock
 *   reader of cut s:   WRITTEN < s, under the lock: copies the page for itself;  else the version that has s in it;
 *       none: there was no page
 *
 * Nothing is copied if no open snapshot lies in [W + 1, G], or if the page was free. The critical section is straight-line code, in
 * which no thread can be terminated. A version's descriptor is that of the cut as well, because whoever changes a page's state,
 * free list or number of blocks comes here first; list links, owner and FULL are not part of what a snapshot is.
 *
 * A version is a frame, or a slot of the swap file: then the page is written there first, and WRITTEN tells afterwards whether it
 * was still what it had been. If there is room for neither the past is given up (snapshots.ts), never the write.
 */
import * as L from "../layout";
import { control, count, descriptors, readTlb, tb } from "../machine/registers";
import { framesProvide, pageBring, slotProvide } from "./evict";
import { frameAllocateFor, frameFree } from "./frames";
import { frameOf, pteLock, pteOf, pteUnlock } from "./pte";
import { recordGive, recordPlaced, recordTake } from "./records";
import { pageFault } from "./refuse";
import { hasFrame, isInSwap } from "./residence";
import { pastGiveUp, snapshotLiesIn, snapshotsLose } from "./snapshots";
import { slotDrop, slotInHand, slotPlaced, slotTaken, swapIsThere, swapRead, swapWrite } from "./swap";

const VERSIONS_SHIFT: u32 = 3; // with a swap file, versions have one frame in eight at most

// @ts-ignore: decorator
@inline function historyOf(page: u32): usize {
  return <usize>load<u32>(control() + L.CB_HISTORY) + <usize>page * L.HISTORY_SIZE;
}

/** Cuts taken when the page was last written for the first time after one. */
// @ts-ignore: decorator
@inline export function writtenOf(page: u32): u32 {
  return atomic.load<u32>(historyOf(page) + L.HISTORY_WRITTEN);
}

/** The page is going to change, or its descriptor: what it was at the last cut is kept if it has not been since. */
// @ts-ignore: decorator
@inline export function historyKeep(page: u32): void {
  const cut = atomic.load<u32>(control() + L.CB_CUT);
  if (atomic.load<u32>(historyOf(page) + L.HISTORY_WRITTEN) != cut) versionKeep(page, cut);
}

/** The same for `pages` neighbouring ones. */
export function historyKeepRun(first: u32, pages: u32): void {
  for (let n: u32 = 0; n < pages; n++) historyKeep(first + n);
}

function versionKeep(page: u32, cut: u32): void {
  const history = historyOf(page);
  const state = load<u32>(descriptors + <usize>page * L.PAGE_DESCRIPTOR_SIZE + L.PD_STATE);
  const written = atomic.load<u32>(history + L.HISTORY_WRITTEN);
  while (state != L.PAGE_FREE && snapshotLiesIn(written + 1, cut)) {
    if (versionMake(page, written, cut)) return;
    if (pastGiveUp() <= 0) snapshotsLose(written + 1, cut);
  }
  versionSkip(page, cut);
}

/** False if there is no room for it. */
function versionMake(page: u32, written: u32, cut: u32): bool {
  const record = recordTake();
  if (!record) return false;
  const frame = versionFrame();
  if (frame) {
    versionCopy(page, cut, record, frame);
    return true;
  }
  if (swapIsThere() && versionWrite(page, written, cut, record)) return true;
  recordGive(record);
  return false;
}

/** Nobody needs what the page was. */
function versionSkip(page: u32, cut: u32): void {
  const pte = pteOf(page);
  pteLock(pte);
  atomic.store<u32>(historyOf(page) + L.HISTORY_WRITTEN, cut);
  pteUnlock(pte);
}

/** A frame for a version, or 0. With a swap file versions have few: nothing makes them leave memory, but they can be made there. */
function versionFrame(): usize {
  const most = load<u32>(control() + L.CB_FRAMES) >>> VERSIONS_SHIFT;
  if (swapIsThere() && atomic.load<u32>(control() + L.CB_VERSION_FRAMES) >= most) return 0;
  return framesProvide(1) ? frameAllocateFor(tb + L.TB_VERSION) : 0;
}

/** It is free again. */
// @ts-ignore: decorator
@inline function versionFrameDrop(frame: usize): void {
  store<u32>(tb + L.TB_VERSION, 0);
  frameFree(frame);
}

/** Copies what a page is, if it has not been written meanwhile. */
function versionCopy(page: u32, cut: u32, record: usize, frame: usize): void {
  const history = historyOf(page);
  const pte = pteOf(page);
  pteLock(pte);
  let entry = atomic.load<u64>(pte);
  while (isInSwap(entry)) {
    pteUnlock(pte);
    const status = pageBring(page);
    if (status) {
      versionFrameDrop(frame);
      recordGive(record);
      pageFault(status);
    }
    pteLock(pte);
    entry = atomic.load<u64>(pte);
  }
  const again = atomic.load<u32>(history + L.HISTORY_WRITTEN);
  const isFirst = again != cut && hasFrame(entry);
  if (isFirst) {
    memory.copy(frame, frameOf(entry), L.PAGE_SIZE);
    versionAdd(record, page, <u32>frame, again + 1, cut);
    store<u32>(tb + L.TB_VERSION, 0);
    atomic.add<u32>(control() + L.CB_VERSION_FRAMES, 1);
  }
  atomic.store<u32>(history + L.HISTORY_WRITTEN, cut);
  pteUnlock(pte);
  if (isFirst) {
    count(L.COUNTER_VERSIONS);
    return;
  }
  versionFrameDrop(frame);
  recordGive(record);
}

/**
 * Writes what a page is to the swap file: nobody changes it as long as WRITTEN is what it was. A translation of this thread
 * keeps it in memory meanwhile. False if there is no slot, or the disk failed.
 */
function versionWrite(page: u32, written: u32, cut: u32, record: usize): bool {
  const history = historyOf(page);
  const pte = pteOf(page);
  const hazard = readTlb + (<usize>page << 2);
  const before = load<u32>(hazard);
  let entry = atomic.load<u64>(pte);
  let status: u32 = 0;
  while (!status) {
    if (isInSwap(entry)) {
      status = pageBring(page);
      entry = atomic.load<u64>(pte);
      continue;
    }
    atomic.store<u32>(hazard, (<u32>frameOf(entry) - (page << L.PAGE_SHIFT)) | 1);
    const again = atomic.load<u64>(pte);
    if (!hasFrame(entry) || (again & L.PTE_PRESENT && frameOf(again) == frameOf(entry))) break;
    if (again & L.PTE_LEAVING) status = pageBring(page); // with its run: a tail that stays alone would be missing when the run comes back
    entry = atomic.load<u64>(pte);
  }
  if (status) {
    atomic.store<u32>(hazard, before);
    recordGive(record);
    pageFault(status);
  }
  const slot = slotProvide();
  if (slot == u32.MAX_VALUE) {
    atomic.store<u32>(hazard, before);
    return false;
  }
  const isWhole = hasFrame(entry) && swapWrite(slotInHand(slot), frameOf(entry)) == 0;
  pteLock(pte);
  const isFirst = isWhole && atomic.load<u32>(history + L.HISTORY_WRITTEN) == written;
  if (isFirst) {
    versionAdd(record, page, (slot << 1) | L.VERSION_IN_SWAP, written + 1, cut);
    slotTaken();
    slotPlaced();
  }
  if (isFirst || !hasFrame(entry)) atomic.store<u32>(history + L.HISTORY_WRITTEN, cut);
  pteUnlock(pte);
  atomic.store<u32>(hazard, before);
  if (isFirst) {
    count(L.COUNTER_VERSIONS);
    return true;
  }
  slotDrop(slot);
  if (hasFrame(entry) && !isWhole) return false;
  recordGive(record); // somebody was faster, or there is nothing to keep
  return true;
}

/** Makes a content (VERSION_FRAME), with the descriptor as it is, the newest version of a page, whose entry is locked. */
// @ts-ignore: decorator
@inline function versionAdd(record: usize, page: u32, content: u32, from: u32, to: u32): void {
  const history = historyOf(page);
  const descriptor = descriptors + <usize>page * L.PAGE_DESCRIPTOR_SIZE;
  store<u32>(record + L.VERSION_FROM, from);
  store<u32>(record + L.VERSION_TO, to);
  store<u32>(record + L.VERSION_FRAME, content);
  store<u32>(record + L.VERSION_PAGE, page);
  const copy = record + L.VERSION_DESCRIPTOR;
  store<u64>(copy, load<u64>(descriptor + L.PD_STATE));
  store<u64>(copy + 8, load<u64>(descriptor + L.PD_CLASS));
  store<u64>(copy + 16, load<u64>(descriptor + L.PD_CAPACITY));
  store<u64>(copy + 24, load<u64>(descriptor + L.PD_FREE));
  store<u32>(record + L.VERSION_THREAD_FREE, atomic.load<u32>(descriptor + L.PD_THREAD_FREE));
  store<u32>(record + L.VERSION_RUN_PAGES, load<u32>(descriptor + L.PD_RUN_PAGES));
  store<u32>(record + L.VERSION_BIRTH, load<u32>(descriptor + L.PD_BIRTH));
  store<u32>(record + L.VERSION_NEXT, load<u32>(history + L.HISTORY_VERSIONS));
  atomic.store<u32>(history + L.HISTORY_VERSIONS, <u32>record);
  recordPlaced();
}

/** The page goes back: if a snapshot needs what it was, its frame becomes the version, and the page is EMPTY. */
export function historyTakeFrame(page: u32): void {
  if (swapIsThere()) return historyKeep(page);
  const history = historyOf(page);
  const cut = atomic.load<u32>(control() + L.CB_CUT);
  const written = atomic.load<u32>(history + L.HISTORY_WRITTEN);
  if (written == cut) return;
  let record: usize = 0;
  while (!record && snapshotLiesIn(written + 1, cut)) {
    record = recordTake();
    if (!record && pastGiveUp() <= 0) snapshotsLose(written + 1, cut);
  }
  const pte = pteOf(page);
  pteLock(pte); // nobody else comes here, for the page is nobody's; but a reader of the snapshot may be copying it
  const entry = atomic.load<u64>(pte);
  if (record) {
    versionAdd(record, page, <u32>frameOf(entry), written + 1, cut);
    atomic.store<u64>(pte, L.PTE_LOCK);
  }
  atomic.store<u32>(history + L.HISTORY_WRITTEN, cut);
  pteUnlock(pte);
  if (record) atomic.add<u32>(control() + L.CB_VERSION_FRAMES, 1);
}

// @ts-ignore: decorator
@inline function isAsItWas(page: u32, cut: u32): bool {
  return atomic.load<u32>(historyOf(page) + L.HISTORY_WRITTEN) < cut;
}

/** PAGE_* of a page at cut `cut`, and the length of a run in OUT_A. */
export function stateAt(page: u32, cut: u32): u32 {
  const descriptor = descriptors + <usize>page * L.PAGE_DESCRIPTOR_SIZE;
  const state = load<u32>(descriptor + L.PD_STATE);
  store<u32>(tb + L.TB_OUT_A, load<u32>(descriptor + L.PD_RUN_PAGES));
  if (isAsItWas(page, cut)) return state;
  const record = versionFind(page, cut);
  if (!record) return L.PAGE_FREE;
  store<u32>(tb + L.TB_OUT_A, load<u32>(record + L.VERSION_RUN_PAGES));
  return load<u32>(record + L.VERSION_DESCRIPTOR + L.PD_STATE);
}

/** Bytes of a block of a page at cut `cut`, 0 if there was no page. */
export function blockSizeAt(page: u32, cut: u32): u32 {
  const size = load<u32>(descriptors + <usize>page * L.PAGE_DESCRIPTOR_SIZE + L.PD_BLOCK_SIZE);
  if (isAsItWas(page, cut)) return size;
  const record = versionFind(page, cut);
  return record ? load<u32>(record + L.VERSION_DESCRIPTOR + L.PD_BLOCK_SIZE) : 0;
}

/** Physical address of the version of a page at cut `cut`, if there is one and it is in memory, else 0. */
export function versionFrameAt(page: u32, cut: u32): usize {
  const record: usize = isAsItWas(page, cut) ? 0 : versionFind(page, cut);
  const content = record ? load<u32>(record + L.VERSION_FRAME) : 0;
  return content & L.VERSION_IN_SWAP ? 0 : <usize>content;
}

/**
 * Copies what a page was at cut `cut` to a frame: 0, E_FAULT if there was no page, or why it cannot be had, E_MEMORY or E_SWAP: the
 * caller has frames in hand. By one thread at a time.
 */
export function contentCopy(page: u32, cut: u32, to: usize): u32 {
  const pte = pteOf(page);
  pteLock(pte);
  let entry = atomic.load<u64>(pte);
  while (isInSwap(entry) && isAsItWas(page, cut)) {
    pteUnlock(pte);
    const status = pageBring(page);
    if (status) return status;
    pteLock(pte);
    entry = atomic.load<u64>(pte);
  }
  const isLive = isAsItWas(page, cut) && hasFrame(entry);
  if (isLive) memory.copy(to, frameOf(entry), L.PAGE_SIZE);
  pteUnlock(pte);
  if (isLive) return 0;
  const record = versionFind(page, cut);
  if (!record) return L.E_FAULT;
  const content = load<u32>(record + L.VERSION_FRAME);
  if (content & L.VERSION_IN_SWAP) return swapRead(content >>> 1, to) ? L.E_SWAP : 0;
  memory.copy(to, content, L.PAGE_SIZE);
  return 0;
}

/**
 * Reads a page at cut `cut` without making a version: what it was goes to the frame `to`. PAGE_*, with the size of its blocks
 * in OUT_B, and the length of a run in OUT_A; PAGE_FREE too if it was mapped nowhere.
 */
export function pageReadAt(page: u32, cut: u32, to: u32): u32 {
  const state = stateAt(page, cut);
  if (state == L.PAGE_FREE) return state;
  store<u32>(tb + L.TB_OUT_B, blockSizeAt(page, cut));
  const status = contentCopy(page, cut, to);
  if (status && status != L.E_FAULT) pageFault(status);
  return status ? L.PAGE_FREE : state;
}

/** The version record of what a page was at cut `cut`, 0 if there is none. */
export function versionFind(page: u32, cut: u32): usize {
  let record = <usize>atomic.load<u32>(historyOf(page) + L.HISTORY_VERSIONS);
  while (record) {
    if (load<u32>(record + L.VERSION_FROM) <= cut && cut <= load<u32>(record + L.VERSION_TO)) return record;
    record = <usize>load<u32>(record + L.VERSION_NEXT);
  }
  return 0;
}
