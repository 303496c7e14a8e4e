/**
 * Images: the pages of a heap that was saved come back where they were, in a machine in which nothing has been made yet. Each is
 * *placed* (mapped and described), then JavaScript fills it and makes its counts, then it is *finished*: what is free in it is
 * listed, and the page belongs to this thread as if it had made all that is there.
 */
import * as L from "../layout";
import { count, descriptors } from "../machine/registers";
import { frameProvide } from "../paging/evict";
import { frameAllocate, frameFree, frameRunAllocate } from "../paging/frames";
import { pteInstall, pteOf } from "../paging/pte";
import { writeAddress } from "../paging/translate";
import { pagesTake, runMap } from "./arenas";
import { binOf, binPush } from "./bins";
import { pageDescribe, runDescribe } from "./blocks";
import { classOf, classSize } from "./classes";

/** Places a page of blocks: its physical address; 0 if there can be no such page here. Its content is undefined. */
export function imagePagePlace(page: u32, blockSize: u32): u32 {
  if (blockSize < 16 || blockSize > L.SMALL_MAX) return 0;
  const sizeClass = classOf(blockSize);
  if (classSize(sizeClass) != blockSize || !pagesTake(page, 1, L.ARENA_SMALL)) return 0;
  const frame = frameAllocate();
  if (!frame || !pteInstall(pteOf(page), frame)) return 0;
  pageDescribe(page, sizeClass);
  count(L.COUNTER_PAGES_ALLOCATED);
  return <u32>frame;
}

/** Places a run: the physical address of its first page, or 0. */
export function imageRunPlace(first: u32, pages: u32): u32 {
  if (!pagesTake(first, pages, L.ARENA_RUNS)) return 0;
  const frames = frameRunAllocate(pages);
  if (!frames) return 0;
  runMap(first, pages, frames);
  runDescribe(first, pages);
  count(L.COUNTER_ALLOCATIONS);
  return <u32>frames;
}

/** A page of blocks is filled: a block whose first word is 0 is free. */
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

/** A frame to read pages into, or 0. */
export function imageFrameTake(): u32 {
  return <u32>frameProvide();
}

export function imageFrameGive(frame: u32): void {
  frameFree(frame);
}
