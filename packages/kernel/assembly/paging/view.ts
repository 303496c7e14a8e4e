/**
 * Views: an instance of the kernel that reads a snapshot instead of memory as it is. Its translations lead to versions; what
 * has not been written since the cut becomes a version when it is read. Versions never change, so its translations stay
 * valid until the snapshot is closed. It cannot write.
 *
 * A run must be contiguous and its versions are not, so a view reads a copy of its own. Between two operations it may lose these
 * copies, and what it has translated, to a thread that finds memory full (snapshots.ts). So a copy is no allocation: where there
 * is no room for more pages it takes of what is kept for those that come back, and lets go of it when its next operation begins.
 *
 * What cannot be read makes its host throw, in the middle of the operation: a view holds no lock, and nobody need look at an
 * error code to know that what it has in its hands is nothing.
 */
import * as L from "../layout";
import { readTlb, tb } from "../machine/registers";
import { frameRunProvide, framesProvide, roomToBorrow } from "./evict";
import { blockSizeAt, contentCopy, stateAt, versionFrameAt } from "./history";
import { recordGive, recordPlaced, recordTake, runRecordGive } from "./records";
import { pageFault } from "./refuse";
import { pastEnter, pastLeave, snapshotIsWhole } from "./snapshots";
import { translationsForget } from "./translate";

/** This thread reads the snapshot of cut `cut` from now on. */
export function viewOpen(cut: u32): void {
  translationsForget();
  store<u32>(tb + L.TB_SNAPSHOT, cut);
}

/** Reads nothing any more. Before the snapshot is closed. */
export function viewClose(): void {
  pastEnter(); // another thread may be about to give its copies up
  translationsForget();
  store<u32>(tb + L.TB_SNAPSHOT, 0);
  let record = <usize>load<u32>(tb + L.TB_VIEW_RUNS);
  store<u32>(tb + L.TB_VIEW_RUNS, 0);
  while (record) {
    const next = <usize>load<u32>(record + L.VERSION_NEXT);
    runRecordGive(record);
    record = next;
  }
  pastLeave();
}

/** Lets its copies go, for memory is short: between two operations. */
export function viewForget(): void {
  const cut = load<u32>(tb + L.TB_SNAPSHOT);
  viewClose();
  viewOpen(cut);
}

/** Physical base of a page as it was. */
export function viewWalk(page: u32, writes: bool): usize {
  if (writes) return pageFault(L.E_PROTECTION);
  const cut = load<u32>(tb + L.TB_SNAPSHOT);
  const state = stateAt(page, cut);
  if (state == L.PAGE_FREE) return pageFault(L.E_FAULT);
  if (state != L.PAGE_SMALL) return viewRun(page, cut);
  const version = versionFrameAt(page, cut);
  return version ? version : viewCopy(page, 1, cut);
}

/** Bytes of the block of an object as it was. */
export function viewBlockSize(va: u32): u32 {
  return blockSizeAt(va >>> L.PAGE_SHIFT, load<u32>(tb + L.TB_SNAPSHOT));
}

function viewRun(page: u32, cut: u32): usize {
  let first = page;
  while (stateAt(first, cut) == L.PAGE_RUN_TAIL) first--;
  if (stateAt(first, cut) != L.PAGE_RUN) return pageFault(L.E_FAULT);
  const pages = load<u32>(tb + L.TB_OUT_A);
  const frames = viewCopy(first, pages, cut);
  const addend = (<u32>frames - (first << L.PAGE_SHIFT)) | 1;
  for (let n: u32 = 0; n < pages; n++) store<u32>(readTlb + ((first + n) << 2), addend);
  // Too many to note one by one: the next flush clears the table.
  store<u32>(tb + L.TB_READ_TOUCHED, L.TOUCHED_MAX + 1);
  return frames + (<usize>(page - first) << L.PAGE_SHIFT);
}

/** A copy of its own of neighbouring pages as they were, in neighbouring frames. */
function viewCopy(first: u32, pages: u32, cut: u32): usize {
  if (!framesProvide(pages)) {
    if (roomToBorrow() < pages) return pageFault(L.E_MEMORY);
    atomic.or<u32>(tb + L.TB_REQUEST, L.REQUEST_TRANSLATIONS);
  }
  const record = recordTake();
  if (!record) return pageFault(L.E_MEMORY);
  const frames = frameRunProvide(pages);
  if (!frames) {
    recordGive(record);
    return pageFault(L.E_MEMORY);
  }
  store<u32>(record + L.VERSION_FRAME, <u32>frames);
  store<u32>(record + L.VERSION_RUN_PAGES, pages);
  for (let n: u32 = 0; n < pages; n++) {
    const status = contentCopy(first + n, cut, frames + (<usize>n << L.PAGE_SHIFT));
    if (!status) continue;
    runRecordGive(record);
    return pageFault(snapshotIsWhole(cut) ? status : L.E_FAULT);
  }
  store<u32>(record + L.VERSION_NEXT, load<u32>(tb + L.TB_VIEW_RUNS));
  store<u32>(tb + L.TB_VIEW_RUNS, <u32>record);
  recordPlaced();
  return frames;
}
