/**
 * Which snapshots are open, and what happens to what is kept for them: it is dropped when they are closed, and given up when memory is
 * out, for the past must not stand in the way of a write, nor of an allocation, which is one (PROTOCOLS section 5).
 *
 * Only the main thread reads the past: in the steps of its views, and when it saves an image. It is counted in CB_PAST_LOCK as long as
 * it may have the address of a version in its hands, and drops versions whenever it likes, for it does one thing at a time. Another
 * thread does so only while it reads nothing, and never waits for that: it may be in the middle of anything. So readers find no
 * version that is being freed. What views have translated is forgotten with it.
 *
 * A thread can be terminated while it drops: what it has unlinked by then is leaked, and the lock is given back with what it
 * evicted (residence.ts). Taking a record from its page is straight-line code under the entry's lock, for others may add one.
 */
import * as L from "../layout";
import { control, threadBlock, tid } from "../machine/registers";
import { frameFree, framesAreShort } from "./frames";
import { pteLock, pteOf, pteUnlock } from "./pte";
import { recordGive, runRecordGive } from "./records";
import { waitFor } from "./residence";
import { slotFree, slotGiven } from "./swap";

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

export function snapshotsLose(from: u32, to: u32): void {
  for (let n: u32 = 0; n < L.SNAPSHOTS_MAX; n++) {
    const cut = atomic.load<u32>(snapshotSlot(n));
    if (cut && from <= cut && cut <= to) snapshotLose(n, cut);
  }
}

/** Unless it has been closed meanwhile. */
function snapshotLose(n: u32, cut: u32): void {
  atomic.cmpxchg<u32>(snapshotSlot(n), cut, cut | L.SNAPSHOT_LOST);
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

/** Nothing more is kept for it; what was is given back when it is closed. */
export function snapshotForget(cut: u32): void {
  for (let n: u32 = 0; n < L.SNAPSHOTS_MAX; n++) {
    if ((atomic.load<u32>(snapshotSlot(n)) & ~L.SNAPSHOT_LOST) == cut) atomic.store<u32>(snapshotSlot(n), 0);
  }
}

/** Closes a snapshot and gives back what only it needed. O(pages). By the main thread. */
export function snapshotClose(cut: u32): void {
  snapshotForget(cut);
  pastEnter();
  versionsDropAll();
  pastLeave();
}

// Who reads, and who drops.

/** The main thread is going to read the past, or to drop some of it. As often as it likes. */
export function pastEnter(): void {
  const lock = control() + L.CB_PAST_LOCK;
  for (let round: u32 = 0; ; round++) {
    const word = atomic.load<u32>(lock);
    const isFree = word == 0 || word >= L.PAST_READER;
    if (isFree && atomic.cmpxchg<u32>(lock, word, word + L.PAST_READER) == word) return;
    waitFor(round, lock);
  }
}

export function pastLeave(): void {
  atomic.sub<u32>(control() + L.CB_PAST_LOCK, L.PAST_READER);
}

/** False if another thread drops versions, or the main thread reads some. */
function pastSeize(): bool {
  if (tid != 1) return atomic.cmpxchg<u32>(control() + L.CB_PAST_LOCK, 0, tid) == 0;
  pastEnter();
  return true;
}

function pastRelease(): void {
  if (tid == 1) pastLeave();
  else atomic.store<u32>(control() + L.CB_PAST_LOCK, 0);
}

let isNeeded: bool = false;

/** While the heap is restored the past is more than a snapshot. */
export function pastIsNeeded(needed: bool): void {
  isNeeded = needed;
}

/**
 * Memory is out: gives back what views have copied and versions that only lost snapshots need, or else loses snapshots, the oldest
 * first, until a version goes. 1: something was given back; 0: nothing is left; -1: not at this moment. O(pages), in the middle
 * of anything, but not with the lock of a page table entry.
 */
export function pastGiveUp(): i32 {
  if (isNeeded) return 0;
  if (!pastSeize()) return -1;
  let given = viewsForget();
  if (load<u32>(control() + L.CB_VERSIONS)) given += versionsDropAll();
  while (!given && load<u32>(control() + L.CB_VERSIONS) && oldestLose()) given = versionsDropAll();
  pastRelease();
  return given ? 1 : 0;
}

/** No page can leave, for there is no slot, and some are of versions: who needs a frame would wait for long. */
export function pastIsInTheWay(): bool {
  return !atomic.load<u32>(control() + L.CB_SWAP_FREE) && framesAreShort(1) && load<u32>(control() + L.CB_VERSIONS) != 0;
}

function oldestLose(): bool {
  let oldest: u32 = L.SNAPSHOT_LOST;
  let at: u32 = 0;
  for (let n: u32 = 0; n < L.SNAPSHOTS_MAX; n++) {
    const cut = atomic.load<u32>(snapshotSlot(n));
    if (!cut || cut >= oldest) continue;
    oldest = cut;
    at = n;
  }
  if (oldest == L.SNAPSHOT_LOST) return false;
  snapshotLose(at, oldest);
  return true;
}

/** All that views have translated is void, and the copies that they have made are given back: how many. No view is in an operation. */
function viewsForget(): u32 {
  const slots = load<u32>(control() + L.CB_SLOTS);
  const tlbs = <usize>load<u32>(control() + L.CB_TLBS);
  let given: u32 = 0;
  for (let slot = slots; slot < slots + L.VIEWS_MAX; slot++) {
    const block = threadBlock(slot);
    if (!load<u32>(block + L.TB_SNAPSHOT)) continue;
    memory.fill(tlbs + <usize>slot * (2 * L.TLB_SIZE), 0, <usize>load<u32>(control() + L.CB_VIRTUAL_PAGES) << 2);
    store<u32>(block + L.TB_READ_TOUCHED, 0);
    for (let record = <usize>load<u32>(block + L.TB_VIEW_RUNS); record; record = <usize>load<u32>(block + L.TB_VIEW_RUNS)) {
      store<u32>(block + L.TB_VIEW_RUNS, load<u32>(record + L.VERSION_NEXT));
      runRecordGive(record);
      given++;
    }
  }
  return given;
}

// Versions.

/** Drops what no open snapshot needs: how many versions. */
function versionsDropAll(): u32 {
  let dropped: u32 = 0;
  const pages = load<u32>(control() + L.CB_VIRTUAL_PAGES);
  for (let page: u32 = 1; page < pages; page++) dropped += versionsDrop(page);
  return dropped;
}

function versionsDrop(page: u32): u32 {
  const first = <usize>load<u32>(control() + L.CB_HISTORY) + <usize>page * L.HISTORY_SIZE + L.HISTORY_VERSIONS;
  let link = first;
  let dropped: u32 = 0;
  let record = <usize>atomic.load<u32>(link);
  while (record) {
    if (snapshotLiesIn(load<u32>(record + L.VERSION_FROM), load<u32>(record + L.VERSION_TO))) {
      link = record + L.VERSION_NEXT;
    } else if (versionUnlink(page, link, record)) {
      collectorAwait();
      versionFree(record);
      dropped++;
    }
    record = <usize>atomic.load<u32>(link); // if it was not unlinked, one has been added before it
  }
  return dropped;
}

/** The collector, which reads the past too, may stand on what has just been unlinked: for a look, or a copy of a page. */
function collectorAwait(): void {
  const reader = control() + L.CB_PAST_READER; // collect/past.ts
  for (let round: u32 = 0; ; round++) {
    const slot = atomic.load<u32>(reader);
    if (slot == 0 || slot == tid) return; // it is this thread: it makes room for a page before it follows a list
    waitFor(round, reader);
  }
}

function versionUnlink(page: u32, link: usize, record: usize): bool {
  const pte = pteOf(page);
  pteLock(pte);
  const isIt = atomic.load<u32>(link) == <u32>record;
  if (isIt) atomic.store<u32>(link, load<u32>(record + L.VERSION_NEXT));
  pteUnlock(pte);
  return isIt;
}

function versionFree(record: usize): void {
  const content = load<u32>(record + L.VERSION_FRAME);
  if (content & L.VERSION_IN_SWAP) {
    slotFree(content >>> 1);
    slotGiven();
  } else {
    frameFree(content);
    atomic.sub<u32>(control() + L.CB_VERSION_FRAMES, 1);
  }
  recordGive(record);
}
