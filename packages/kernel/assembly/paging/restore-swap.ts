/**
 * Putting pages back where there is a swap file: a page may be in it now, its version too, and memory may be smaller than what is
 * put back. So nothing is planned: each page gets a frame when it is put back, for which others may leave, itself a moment later. What
 * there must be is checked before: so many frames or slots. If the disk fails half-way nothing can be relied on any more.
 *
 * A page of a run that is the same run now as then stays in it: the run is brought in and the page copied over. Else the pages are
 * taken one by one, and a run that was there gets frames when its head is put back, which comes before its tails.
 */
import * as L from "../layout";
import { descriptors } from "../machine/registers";
import { frameProvide, frameRunProvide, pageBring } from "./evict";
import { frameFree } from "./frames";
import { frameOf, pteOf, pteReplace } from "./pte";
import { framePageNote, hasFrame, headOf, isInSwap, pagesOf, pageTake } from "./residence";
import { copyDrop, swapRead } from "./swap";
import { frameReserve } from "./watermarks";

// @ts-ignore: decorator
@inline function descriptorAt(page: u32): usize {
  return descriptors + <usize>page * L.PAGE_DESCRIPTOR_SIZE;
}

/** Whether a page has neither a frame nor a slot, so that there must be room for it. */
export function needsRoom(page: u32): bool {
  const entry = atomic.load<u64>(pteOf(page));
  return !hasFrame(entry) && !isInSwap(entry);
}

// @ts-ignore: decorator
@inline function stateThen(record: usize): u32 {
  return load<u32>(record + L.VERSION_DESCRIPTOR + L.PD_STATE);
}

/** Whether a page of a run is of the same run now. `headThen`: the version record of the run's first page, 0 if that has not changed. */
function isSameRun(page: u32, state: u32, headThen: usize): bool {
  if (load<u32>(descriptorAt(page) + L.PD_STATE) != state) return false;
  const head = headOf(page);
  if (load<u32>(descriptorAt(head) + L.PD_STATE) != L.PAGE_RUN || needsRoom(head)) return false;
  if (!headThen) return true;
  return stateThen(headThen) == L.PAGE_RUN && load<u32>(headThen + L.VERSION_RUN_PAGES) == pagesOf(head);
}

function contentTo(frame: usize, record: usize): bool {
  const content = load<u32>(record + L.VERSION_FRAME);
  if (content & L.VERSION_IN_SWAP) return swapRead(content >>> 1, frame) == 0;
  memory.copy(frame, content, L.PAGE_SIZE);
  return true;
}

/** There was no page, or what is there is in the way of a run. */
export function pageVacate(page: u32): void {
  const frame = pageTake(page);
  if (frame) frameFree(frame);
}

/**
 * Maps a changed page to what `record` says; its descriptor is still what it is now. `headThen`: see `isSameRun`. False if
 * there is no frame, or the disk failed.
 */
export function contentPutBack(page: u32, record: usize, headThen: usize): bool {
  const state = stateThen(record);
  if (state == L.PAGE_SMALL) return smallPutBack(page, record);
  const planned = descriptorAt(page) + L.PD_RESTORE_FRAME; // with its head, which is put back already
  if (!load<u32>(planned)) {
    if (isSameRun(page, state, headThen)) return inPlacePutBack(page, record);
    if (state != L.PAGE_RUN || !runFrames(page, load<u32>(record + L.VERSION_RUN_PAGES))) return false;
  }
  return mapPutBack(page, load<u32>(planned), record);
}

function smallPutBack(page: u32, record: usize): bool {
  let frame = pageTake(page);
  if (!frame) frame = frameProvide();
  return frame != 0 && mapPutBack(page, frame, record);
}

function mapPutBack(page: u32, frame: usize, record: usize): bool {
  if (!contentTo(frame, record)) return false;
  framePageNote(frame, page);
  pteReplace(pteOf(page), frame); // it has no copy, so it is written when it leaves
  return true;
}

/** Frames for a run that comes back, noted for each of its pages; whatever is mapped there now goes. */
function runFrames(head: u32, pages: u32): bool {
  for (let n: u32 = 0; n < pages; n++) pageVacate(head + n);
  const frames = frameRunProvide(pages);
  if (!frames) return false;
  for (let n: u32 = 0; n < pages; n++)
    store<u32>(descriptorAt(head + n) + L.PD_RESTORE_FRAME, <u32>frames + (n << L.PAGE_SHIFT));
  return true;
}

/** The rest of its run stays what it is. Nothing leaves between bringing it in and writing to it, for that takes no frame. */
function inPlacePutBack(page: u32, record: usize): bool {
  const pte = pteOf(page);
  if (pageBring(page) || !(atomic.load<u64>(pte) & L.PTE_PRESENT)) return false;
  copyDrop(page);
  atomic.or<u64>(pte, L.PTE_DIRTY);
  return contentTo(frameOf(atomic.load<u64>(pte)), record);
}
