/**
 * Images: the pages of a heap that was saved come back where they were, in a machine in which nothing has been made yet. Each is
 * *placed* (described), then JavaScript *holds* it, a page or a run at a time, fills it, and holds it again to put its counts
 * right; then it is *finished*: what is free in it is listed, and the page belongs to this thread as if it had made all that is
 * there. With a swap file those that are not held may leave meanwhile, as always: so an image may be larger than memory.
 */
import * as L from "../layout";
import { count, descriptors, tb } from "../machine/registers";
import { frameProvide, frameRunProvide } from "../paging/evict";
import { frameFree } from "../paging/frames";
import { swapIsThere } from "../paging/swap";
import { readAddress, translationDrop, translationsFlush, writeAddress } from "../paging/translate";
import { pagesTake, runMap } from "./arenas";
import { binOf, binPush } from "./bins";
import { pageDescribe, runDescribe } from "./blocks";
import { classOf, classSize } from "./classes";

/** Places a page of blocks; its frame comes when it is held. 0, or E_RANGE if there can be no such page here. */
export function imagePagePlace(page: u32, blockSize: u32): u32 {
  if (blockSize < 16 || blockSize > L.SMALL_MAX) return L.E_RANGE;
  const sizeClass = classOf(blockSize);
  if (classSize(sizeClass) != blockSize || !pagesTake(page, 1, L.ARENA_SMALL)) return L.E_RANGE;
  pageDescribe(page, sizeClass);
  count(L.COUNTER_PAGES_ALLOCATED);
  return 0;
}

/** Places a run, in frames. 0, E_RANGE, or E_MEMORY. It stays in memory until its first word is written. */
export function imageRunPlace(first: u32, pages: u32): u32 {
  if (!pagesTake(first, pages, L.ARENA_RUNS)) return L.E_RANGE;
  const frames = frameRunProvide(pages);
  if (!frames) return L.E_MEMORY;
  runMap(first, pages, frames);
  runDescribe(first, pages);
  count(L.COUNTER_ALLOCATIONS);
  return 0;
}

/**
 * Physical address of a page that has been placed, for writing, or 0 if there is no frame for it. It stays there, with all of its run,
 * until another one is held: the thread is attached, so its translation keeps the page in memory.
 */
export function imagePageHold(page: u32): u32 {
  if (swapIsThere()) translationsFlush();
  return <u32>writeAddress(page << L.PAGE_SHIFT);
}

/** A word of an object of any page. The page that is held stays so. */
export function imageWord(va: u32): u32 {
  const word = load<u32>(readAddress(va));
  translationDrop(va); // of reading: what is held has been translated for writing
  return word;
}

/** A page of blocks that is held is filled: a block whose first word is 0 is free. */
export function imagePageFinish(page: u32): void {
  const descriptor = descriptors + (<usize>page << 6);
  const va = page << L.PAGE_SHIFT;
  const p = writeAddress(va);
  const size = load<u32>(descriptor + L.PD_BLOCK_SIZE);
  let carved: u32 = 0;
  let used: u32 = 0;
  let free: u32 = 0;
  for (let n = load<u32>(descriptor + L.PD_CAPACITY); n > 0; n--) {
    const offset = (n - 1) * size;
    if (load<u32>(p + offset)) {
      if (!carved) carved = n;
      used++;
    } else if (carved) {
      store<u32>(p + offset + 4, free);
      free = va + offset;
    }
  }
  store<u32>(descriptor + L.PD_CARVED, carved);
  store<u32>(descriptor + L.PD_FREE, free);
  store<u32>(descriptor + L.PD_USED, used);
  count(L.COUNTER_ALLOCATIONS, used);
  if (!free && carved == load<u32>(descriptor + L.PD_CAPACITY)) store<u32>(descriptor + L.PD_FULL, 1);
  else binPush(binOf(descriptor), descriptor);
}

/** A frame to read pages into, or 0. Noted as JavaScript's, but for those beyond LENT_MAX, which are given back at once. */
export function imageFrameTake(): u32 {
  const frame = <u32>frameProvide();
  const note = lentWord(0);
  if (frame && note) store<u32>(note, frame);
  return frame;
}

export function imageFrameGive(frame: u32): void {
  const note = lentWord(frame);
  if (note) store<u32>(note, 0);
  frameFree(frame);
}

/** The word of TB_LENT in which this frame stands, or 0. */
function lentWord(frame: u32): usize {
  for (let n: u32 = 0; n < L.LENT_MAX; n++) {
    const word = tb + L.TB_LENT + (n << 2);
    if (load<u32>(word) == frame) return word;
  }
  return 0;
}
