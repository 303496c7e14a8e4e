/**
 * Pages become again what they were at a cut. The world stands still, and only the main thread, which does this, holds
 * translations.
 *
 *   find   the pages written since the cut `since`, at which memory was the same as at `cut`: in a list
 *   keep   what they are now, for snapshots taken in between
 *   plan   a frame for each page that has none, runs contiguous. Frames of pages that go are given back for that, in the map
 *          only. Up to here it can fail, and then nothing has changed.
 *   put    descriptors, frames, contents
 *
 * With a swap file it is another matter how contents come back: restore-swap.ts.
 *
 * When all is done a new cut is taken, of which no snapshot is opened: memory is the same at it, so the next time only the pages
 * written since then are found, and what is written next is not kept once more.
 */
import * as L from "../layout";
import { control, descriptors } from "../machine/registers";
import { roomForPages } from "./evict";
import { frameAllocate, frameFree, frameRunAllocate, frameTakeBack } from "./frames";
import { historyKeep, versionFind, writtenOf } from "./history";
import { frameOf, pteOf, pteReplace } from "./pte";
import { contentPutBack, needsRoom, pageVacate } from "./restore-swap";
import { swapIsThere } from "./swap";

// Of the restore under way.
let cutRestored: u32 = 0;
let changedSince: u32 = 0;
let changedFirst: u32 = 0;

// @ts-ignore: decorator
@inline function descriptorAt(page: u32): usize {
  return descriptors + <usize>page * L.PAGE_DESCRIPTOR_SIZE;
}

/** Lists the pages that have changed. O(pages of arenas that were ever used), a load each for those that have not. */
export function changesFind(cut: u32, since: u32): void {
  cutRestored = cut;
  changedSince = since;
  changedFirst = 0;
  const history = <usize>load<u32>(control() + L.CB_HISTORY) + L.HISTORY_WRITTEN;
  const kinds = <usize>load<u32>(control() + L.CB_ARENA_KIND);
  for (let arena = load<u32>(control() + L.CB_ARENAS); arena > 0; arena--) {
    if (load<u32>(kinds + (<usize>(arena - 1) << 2)) == L.ARENA_UNUSED) continue;
    for (let page = (arena << L.ARENA_SHIFT) - 1; page >= (arena - 1) << L.ARENA_SHIFT; page--) {
      if (!page) return;
      if (load<u32>(history + <usize>page * L.HISTORY_SIZE) < since) continue;
      store<u32>(descriptorAt(page) + L.PD_RESTORE_NEXT, changedFirst);
      changedFirst = page;
    }
  }
}

/** Whether a page is one of them. */
// @ts-ignore: decorator
@inline export function hasChanged(page: u32): bool {
  return writtenOf(page) >= changedSince;
}

/** The first of them, in order; 0 if there is none. */
export function changesBegin(): u32 {
  return changedFirst;
}

/** The one after it, or 0. */
// @ts-ignore: decorator
@inline export function changesNext(page: u32): u32 {
  return load<u32>(descriptorAt(page) + L.PD_RESTORE_NEXT);
}

/** What the page was: its version record, 0 if there was no page. */
// @ts-ignore: decorator
@inline export function pastOf(page: u32): usize {
  return versionFind(page, cutRestored);
}

// @ts-ignore: decorator
@inline function stateOf(record: usize): u32 {
  return record ? load<u32>(record + L.VERSION_DESCRIPTOR + L.PD_STATE) : L.PAGE_FREE;
}

/** Keeps what the changed pages are now for snapshots that were taken later. Without memory these are lost. */
export function changesKeep(): void {
  for (let page = changedFirst; page; page = changesNext(page)) historyKeep(page);
}

/** Physical address of the frame of a page, 0 if it has none. */
// @ts-ignore: decorator
@inline export function frameAt(page: u32): usize {
  const entry = atomic.load<u64>(pteOf(page));
  return entry & L.PTE_PRESENT ? frameOf(entry) : 0;
}

function isContiguous(first: u32, pages: u32): bool {
  const frame = frameAt(first);
  if (!frame) return false;
  for (let n: u32 = 1; n < pages; n++) if (frameAt(first + n) != frame + (<usize>n << L.PAGE_SHIFT)) return false;
  return true;
}

/** The frames that changed pages will not need: `take` 0: gives them back; 1: takes them again. */
function framesLeave(take: bool): void {
  for (let page = changedFirst; page; page = changesNext(page)) {
    const record = pastOf(page);
    const state = stateOf(record);
    if (state == L.PAGE_FREE && load<u32>(descriptorAt(page) + L.PD_STATE) != L.PAGE_FREE) frameLeave(page, take);
    if (state != L.PAGE_RUN) continue;
    const pages = load<u32>(record + L.VERSION_RUN_PAGES);
    if (isContiguous(page, pages)) continue;
    for (let n: u32 = 0; n < pages; n++) frameLeave(page + n, take);
  }
}

function frameLeave(page: u32, take: bool): void {
  const frame = frameAt(page);
  if (!frame) return;
  if (take) frameTakeBack(frame);
  else frameFree(frame);
}

/** A frame for each page that needs one, and `spare` ones left; false if memory is too full: then nothing has changed. */
export function framesPlan(spare: u32): bool {
  for (let page = changedFirst; page; page = changesNext(page)) store<u32>(descriptorAt(page) + L.PD_RESTORE_FRAME, 0);
  if (swapIsThere()) return roomIsThere(spare);
  framesLeave(false);
  if (framesFind() && atomic.load<u32>(control() + L.CB_FRAMES_FREE) >= spare) return true;
  for (let page = changedFirst; page; page = changesNext(page)) {
    const frame = load<u32>(descriptorAt(page) + L.PD_RESTORE_FRAME);
    if (frame) frameFree(frame);
  }
  framesLeave(true);
  return false;
}

/** With a swap file nothing is planned: there must be room. */
function roomIsThere(spare: u32): bool {
  let wanted = spare;
  for (let page = changedFirst; page; page = changesNext(page)) if (pastOf(page) && needsRoom(page)) wanted++;
  return roomForPages() >= wanted;
}

/** Runs first: a single frame is found anywhere. */
function framesFind(): bool {
  for (let page = changedFirst; page; page = changesNext(page)) {
    const record = pastOf(page);
    if (stateOf(record) != L.PAGE_RUN) continue;
    const pages = load<u32>(record + L.VERSION_RUN_PAGES);
    if (isContiguous(page, pages)) continue;
    const frames = frameRunAllocate(pages);
    if (!frames) return false;
    // All its pages have changed, or it would still be mapped.
    for (let n: u32 = 0; n < pages; n++)
      store<u32>(descriptorAt(page + n) + L.PD_RESTORE_FRAME, <u32>frames + (n << L.PAGE_SHIFT));
  }
  for (let page = changedFirst; page; page = changesNext(page)) {
    if (stateOf(pastOf(page)) != L.PAGE_SMALL || frameAt(page)) continue;
    const frame = frameAllocate();
    if (!frame) return false;
    store<u32>(descriptorAt(page) + L.PD_RESTORE_FRAME, <u32>frame);
  }
  return true;
}

/** Makes a changed page what it was; false if there was none. It stands in no list. With a swap file `putBackFailed` may tell more. */
export function pagePutBack(page: u32): bool {
  const descriptor = descriptorAt(page);
  const record = pastOf(page);
  if (record) {
    if (swapIsThere()) failed = !contentPutBack(page, record, headThen(page, record)) || failed;
    else framePutBack(page, descriptor, record);
    descriptorPutBack(descriptor, record);
  } else if (load<u32>(descriptor + L.PD_STATE) != L.PAGE_FREE) {
    if (swapIsThere()) pageVacate(page);
    else pteReplace(pteOf(page), 0);
    store<u32>(descriptor + L.PD_STATE, L.PAGE_FREE);
  }
  return record != 0;
}

function framePutBack(page: u32, descriptor: usize, record: usize): void {
  const frame = load<u32>(descriptor + L.PD_RESTORE_FRAME);
  if (frame) pteReplace(pteOf(page), frame);
  memory.copy(frameAt(page), load<u32>(record + L.VERSION_FRAME), L.PAGE_SIZE);
}

let failed: bool = false;

/** Whether a page could not be put back, for the disk failed: the heap is neither what it is nor what it was. */
export function putBackFailed(): bool {
  const has = failed;
  failed = false;
  return has;
}

/** The version record of the first page of the run that a page was of, if that page has changed, else 0. */
function headThen(page: u32, record: usize): usize {
  let head = page;
  let at = record;
  while (at && stateOf(at) == L.PAGE_RUN_TAIL) {
    head--;
    at = hasChanged(head) ? pastOf(head) : 0;
  }
  return at;
}

function descriptorPutBack(descriptor: usize, record: usize): void {
  const copy = record + L.VERSION_DESCRIPTOR;
  store<u64>(descriptor + L.PD_STATE, load<u64>(copy));
  store<u64>(descriptor + L.PD_CLASS, load<u64>(copy + 8));
  store<u64>(descriptor + L.PD_CAPACITY, load<u64>(copy + 16));
  store<u64>(descriptor + L.PD_FREE, load<u64>(copy + 24));
  atomic.store<u32>(descriptor + L.PD_THREAD_FREE, load<u32>(record + L.VERSION_THREAD_FREE));
  store<u32>(descriptor + L.PD_RUN_PAGES, load<u32>(record + L.VERSION_RUN_PAGES));
  store<u32>(descriptor + L.PD_BIRTH, load<u32>(record + L.VERSION_BIRTH));
}

/** Memory is what it was: a cut of that, for which nothing is kept. Its number. */
export function restoreCut(): u32 {
  atomic.add<u32>(control() + L.CB_TRANSLATION_EPOCH, 1); // whoever comes back has translated other frames
  return atomic.add<u32>(control() + L.CB_CUT, 1) + 1;
}
