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
 *   reader of cut s:   WRITTEN < s: does the same as a writer, or copies under the lock;  else the version that has s in it;
 *       none: there was no page
 *
 * Nothing is copied if no open snapshot lies in [W + 1, G], or if the page was free. The critical section is straight-line code, in
 * which no thread can be terminated. A version's descriptor is that of the cut as well, because whoever changes a page's state,
 * free list or number of blocks comes here first; list links, owner and FULL are not part of what a snapshot is.
 *
 * If there is no frame for a writer's copy the snapshots in question are lost, never the write. A reader just fails.
 */
import * as L from "../layout";
import { control, count, descriptors, tb } from "../machine/registers";
import { spinPause } from "../machine/spin";
import { frameAllocate, frameFree, framesAreShort } from "./frames";
import { frameOf, pteLock, pteOf, pteUnlock } from "./pte";

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
  if (atomic.load<u32>(historyOf(page) + L.HISTORY_WRITTEN) != cut) versionKeep(page, cut, true);
}

/** The same for `pages` neighbouring ones. */
export function historyKeepRun(first: u32, pages: u32): void {
  for (let n: u32 = 0; n < pages; n++) historyKeep(first + n);
}

/** False if there is no frame, and nobody writes: then nothing has changed. */
function versionKeep(page: u32, cut: u32, writes: bool): bool {
  const history = historyOf(page);
  const state = load<u32>(descriptors + <usize>page * L.PAGE_DESCRIPTOR_SIZE + L.PD_STATE);
  const written = atomic.load<u32>(history + L.HISTORY_WRITTEN);
  let frame: usize = 0;
  let record: usize = 0;
  if (state != L.PAGE_FREE && snapshotLiesIn(written + 1, cut)) {
    frame = framesAreShort(2) ? <usize>0 : frameAllocate(); // one for the copy, one perhaps for records
    record = frame ? recordTake() : 0;
    if (!record) {
      if (frame) frameFree(frame);
      if (!writes) return false;
      frame = 0;
      snapshotsLose(written + 1, cut);
    }
  }
  const pte = pteOf(page);
  pteLock(pte);
  const again = atomic.load<u32>(history + L.HISTORY_WRITTEN);
  const entry = atomic.load<u64>(pte);
  const isFirst = again != cut && record != 0 && (entry & L.PTE_PRESENT) != 0;
  if (isFirst) {
    memory.copy(frame, frameOf(entry), L.PAGE_SIZE);
    versionAdd(record, page, frame, again + 1, cut);
  }
  atomic.store<u32>(history + L.HISTORY_WRITTEN, cut);
  pteUnlock(pte);
  if (isFirst) {
    count(L.COUNTER_VERSIONS);
    return true;
  }
  if (frame) frameFree(frame);
  if (record) recordGive(record);
  return true;
}

/** Makes `frame`, with the descriptor as it is, the newest version of a page, whose entry is locked. */
// @ts-ignore: decorator
@inline function versionAdd(record: usize, page: u32, frame: usize, from: u32, to: u32): void {
  const history = historyOf(page);
  const descriptor = descriptors + <usize>page * L.PAGE_DESCRIPTOR_SIZE;
  store<u32>(record + L.VERSION_FROM, from);
  store<u32>(record + L.VERSION_TO, to);
  store<u32>(record + L.VERSION_FRAME, <u32>frame);
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
}

/** The page goes back, and its frame with it: if a snapshot needs what it was, the frame becomes the version. False: it is free. */
export function historyTakeFrame(page: u32, frame: usize): bool {
  const history = historyOf(page);
  const cut = atomic.load<u32>(control() + L.CB_CUT);
  const written = atomic.load<u32>(history + L.HISTORY_WRITTEN);
  if (written == cut) return false;
  const needed = snapshotLiesIn(written + 1, cut);
  const record = needed ? recordTake() : 0;
  if (needed && !record) snapshotsLose(written + 1, cut);
  const pte = pteOf(page);
  pteLock(pte);
  // A reader of the snapshot may have been faster: nobody else comes here, for the page is nobody's.
  const taken = record != 0 && atomic.load<u32>(history + L.HISTORY_WRITTEN) != cut;
  if (taken) versionAdd(record, page, frame, written + 1, cut);
  atomic.store<u32>(history + L.HISTORY_WRITTEN, cut);
  pteUnlock(pte);
  if (record && !taken) recordGive(record);
  return taken;
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

/** Physical address of what a page was at cut `cut`: a version, made now if it has not been written since. 0: no frame for it. */
export function contentAt(page: u32, cut: u32): usize {
  if (isAsItWas(page, cut) && !versionKeep(page, atomic.load<u32>(control() + L.CB_CUT), false)) return 0;
  const record = versionFind(page, cut);
  return record ? <usize>load<u32>(record + L.VERSION_FRAME) : 0;
}

/** Copies what a page was at cut `cut` to a frame, without making a version; false if there was no page. */
export function contentCopy(page: u32, cut: u32, to: usize): bool {
  const pte = pteOf(page);
  pteLock(pte);
  const entry = atomic.load<u64>(pte);
  const isLive = isAsItWas(page, cut) && (entry & L.PTE_PRESENT) != 0;
  if (isLive) memory.copy(to, frameOf(entry), L.PAGE_SIZE);
  pteUnlock(pte);
  if (isLive) return true;
  const record = versionFind(page, cut);
  if (record) memory.copy(to, load<u32>(record + L.VERSION_FRAME), L.PAGE_SIZE);
  return record != 0;
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

/** Drops the versions of a page that no open snapshot needs. Not by a thread that can be terminated. */
function versionsDrop(page: u32): void {
  const history = historyOf(page);
  if (!atomic.load<u32>(history + L.HISTORY_VERSIONS)) return;
  const pte = pteOf(page);
  pteLock(pte);
  let link = history + L.HISTORY_VERSIONS;
  let dropped: usize = 0;
  let record = <usize>load<u32>(link);
  while (record) {
    const next = load<u32>(record + L.VERSION_NEXT);
    if (snapshotLiesIn(load<u32>(record + L.VERSION_FROM), load<u32>(record + L.VERSION_TO))) {
      link = record + L.VERSION_NEXT;
    } else {
      store<u32>(link, next);
      store<u32>(record + L.VERSION_NEXT, <u32>dropped);
      dropped = record;
    }
    record = <usize>next;
  }
  pteUnlock(pte);
  while (dropped) {
    const next = <usize>load<u32>(dropped + L.VERSION_NEXT);
    frameFree(load<u32>(dropped + L.VERSION_FRAME));
    recordGive(dropped);
    dropped = next;
  }
}

// Snapshots.

// @ts-ignore: decorator
@inline function snapshotSlot(n: u32): usize {
  return control() + L.CB_SNAPSHOTS + (<usize>n << 2);
}

/** Whether an open snapshot, that is not lost, is of one of the cuts `from`..`to`. */
export function snapshotLiesIn(from: u32, to: u32): bool {
  for (let n: u32 = 0; n < L.SNAPSHOTS_MAX; n++) {
    const cut = atomic.load<u32>(snapshotSlot(n));
    if (cut && from <= cut && cut <= to) return true; // a lost one is greater than any cut
  }
  return false;
}

function snapshotsLose(from: u32, to: u32): void {
  for (let n: u32 = 0; n < L.SNAPSHOTS_MAX; n++) {
    const cut = atomic.load<u32>(snapshotSlot(n));
    if (cut && from <= cut && cut <= to) atomic.or<u32>(snapshotSlot(n), L.SNAPSHOT_LOST);
  }
}

/** Opens a snapshot of the next cut: its number, or 0 if too many are open. The world stands still, at yields. */
export function snapshotOpen(): u32 {
  const cut = atomic.load<u32>(control() + L.CB_CUT) + 1;
  for (let n: u32 = 0; n < L.SNAPSHOTS_MAX; n++) {
    if (atomic.load<u32>(snapshotSlot(n))) continue;
    atomic.store<u32>(snapshotSlot(n), cut);
    atomic.store<u32>(control() + L.CB_CUT, cut);
    return cut;
  }
  return 0;
}

/** Whether what a snapshot was of is still known. */
export function snapshotIsWhole(cut: u32): bool {
  return snapshotLiesIn(cut, cut);
}

/** Closes a snapshot and gives back what only it needed. O(pages). By one thread at a time. */
export function snapshotClose(cut: u32): void {
  for (let n: u32 = 0; n < L.SNAPSHOTS_MAX; n++) {
    if ((atomic.load<u32>(snapshotSlot(n)) & ~L.SNAPSHOT_LOST) == cut) atomic.store<u32>(snapshotSlot(n), 0);
  }
  const pages = load<u32>(control() + L.CB_VIRTUAL_PAGES);
  for (let page: u32 = 1; page < pages; page++) versionsDrop(page);
}

// Records. Their lock is held in straight-line code only, in which no thread can be terminated, so it is in no journal: who
// comes here may hold a container's lock, which is.

// @ts-ignore: decorator
@inline function recordsLock(): void {
  let round: u32 = 0;
  while (atomic.cmpxchg<u32>(control() + L.CB_VERSION_LOCK, 0, 1) != 0) spinPause(round++);
}

// @ts-ignore: decorator
@inline function recordsUnlock(): void {
  atomic.store<u32>(control() + L.CB_VERSION_LOCK, 0);
}

/** A version record, or 0 if there is no frame for more of them. */
export function recordTake(): usize {
  if (!atomic.load<u32>(control() + L.CB_VERSION_FREE)) recordsAdd();
  recordsLock();
  const record = <usize>load<u32>(control() + L.CB_VERSION_FREE);
  if (record) {
    store<u32>(control() + L.CB_VERSION_FREE, load<u32>(record));
    store<u32>(control() + L.CB_VERSIONS, load<u32>(control() + L.CB_VERSIONS) + 1);
  }
  recordsUnlock();
  return record;
}

export function recordGive(record: usize): void {
  recordsLock();
  store<u32>(record, load<u32>(control() + L.CB_VERSION_FREE));
  store<u32>(control() + L.CB_VERSION_FREE, <u32>record);
  store<u32>(control() + L.CB_VERSIONS, load<u32>(control() + L.CB_VERSIONS) - 1);
  recordsUnlock();
}

/** A frame of records: they are never given back, for there are always some. */
function recordsAdd(): void {
  const frame = framesAreShort(1) ? <usize>0 : frameAllocate();
  if (!frame) return;
  let offset: u32 = 0;
  for (; offset + L.VERSION_SIZE < L.PAGE_SIZE; offset += L.VERSION_SIZE)
    store<u32>(frame + offset, <u32>frame + offset + L.VERSION_SIZE);
  recordsLock();
  store<u32>(frame + offset, load<u32>(control() + L.CB_VERSION_FREE));
  store<u32>(control() + L.CB_VERSION_FREE, <u32>frame);
  recordsUnlock();
}
