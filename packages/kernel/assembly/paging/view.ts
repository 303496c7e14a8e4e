/**
 * Views: an instance of the kernel that reads a snapshot instead of memory as it is. Its translations lead to versions; what
 * has not been written since the cut becomes a version when it is read. Versions never change, so its translations stay
 * valid until the snapshot is closed. It cannot write.
 *
 * A run must be contiguous and its versions are not, so a view reads a copy of its own.
 *
 * What cannot be read makes its host throw, in the middle of the operation: a view holds no lock, and nobody need look at an
 * error code to know that what it has in its hands is nothing.
 */
import * as L from "../layout";
import { readTlb, tb } from "../machine/registers";
import { frameFree, frameRunAllocate, framesAreShort } from "./frames";
import { blockSizeAt, contentAt, contentCopy, recordGive, recordTake, snapshotIsWhole, stateAt } from "./history";
import { translationsForget } from "./translate";

/** Throws what JavaScript is to know: E_PROTECTION, E_FAULT (there was no such page, or it is lost) or E_MEMORY. */
// @ts-ignore: decorator
@external("env", "viewFault")
declare function viewFault(code: u32): void;

function refuse(code: u32): usize {
  viewFault(code);
  unreachable();
  return 0;
}

/** This thread reads the snapshot of cut `cut` from now on. */
export function viewOpen(cut: u32): void {
  translationsForget();
  store<u32>(tb + L.TB_SNAPSHOT, cut);
}

/** Reads nothing any more. Before the snapshot is closed. */
export function viewClose(): void {
  translationsForget();
  store<u32>(tb + L.TB_SNAPSHOT, 0);
  let record = <usize>load<u32>(tb + L.TB_VIEW_RUNS);
  store<u32>(tb + L.TB_VIEW_RUNS, 0);
  while (record) {
    const next = <usize>load<u32>(record + L.VERSION_NEXT);
    runFree(record);
    record = next;
  }
}

function runFree(record: usize): void {
  const frames = load<u32>(record + L.VERSION_FRAME);
  for (let n = load<u32>(record + L.VERSION_RUN_PAGES); n > 0; n--) frameFree(frames + ((n - 1) << L.PAGE_SHIFT));
  recordGive(record);
}

/** Physical base of a page as it was. */
export function viewWalk(page: u32, writes: bool): usize {
  if (writes) return refuse(L.E_PROTECTION);
  const cut = load<u32>(tb + L.TB_SNAPSHOT);
  const state = stateAt(page, cut);
  if (state == L.PAGE_FREE) return refuse(L.E_FAULT);
  if (state != L.PAGE_SMALL) return viewRun(page, cut);
  const content = contentAt(page, cut);
  return content ? content : refuse(snapshotIsWhole(cut) ? L.E_MEMORY : L.E_FAULT);
}

/** Bytes of the block of an object as it was. */
export function viewBlockSize(va: u32): u32 {
  return blockSizeAt(va >>> L.PAGE_SHIFT, load<u32>(tb + L.TB_SNAPSHOT));
}

function viewRun(page: u32, cut: u32): usize {
  let first = page;
  while (stateAt(first, cut) == L.PAGE_RUN_TAIL) first--;
  if (stateAt(first, cut) != L.PAGE_RUN) return refuse(L.E_FAULT);
  const pages = load<u32>(tb + L.TB_OUT_A);
  const record = framesAreShort(pages) ? <usize>0 : recordTake();
  if (!record) return refuse(L.E_MEMORY);
  const frames = frameRunAllocate(pages);
  if (!frames) {
    recordGive(record);
    return refuse(L.E_MEMORY);
  }
  store<u32>(record + L.VERSION_FRAME, <u32>frames);
  store<u32>(record + L.VERSION_RUN_PAGES, pages);
  for (let n: u32 = 0; n < pages; n++) {
    if (!contentCopy(first + n, cut, frames + (<usize>n << L.PAGE_SHIFT))) {
      runFree(record);
      return refuse(L.E_FAULT);
    }
  }
  const addend = (<u32>frames - (first << L.PAGE_SHIFT)) | 1;
  for (let n: u32 = 0; n < pages; n++) store<u32>(readTlb + ((first + n) << 2), addend);
  store<u32>(record + L.VERSION_NEXT, load<u32>(tb + L.TB_VIEW_RUNS));
  store<u32>(tb + L.TB_VIEW_RUNS, <u32>record);
  // Too many to note one by one: the next flush clears the table.
  store<u32>(tb + L.TB_READ_TOUCHED, L.TOUCHED_MAX + 1);
  return frames + (<usize>(page - first) << L.PAGE_SHIFT);
}
