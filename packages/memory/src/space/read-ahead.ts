/**
 * Read-ahead: a major fault brings what comes after its page as well. Under "sequential" advice always, under "normal"
 * when major faults follow each other, each time twice as many pages; under "random" never.
 *
 * What is read ahead lies in memory, mapped by nobody; the first access to it is a minor fault. It takes frames that are
 * free, never those of others: what it needs is reclaimed before the page itself comes in. It is no one's error if it fails.
 */
import { FilePages, objectPage, SharedMemory, swappedPage } from "../pager/index.js";
import { pteNumber, SWAPPED } from "../paging/index.js";
import type { Area } from "./areas.js";
import type { SpaceState } from "./space-state.js";

/** How many pages shall come with this one, which is `known` to the policy; frames for them are made free. */
export function prepareReadAhead(space: SpaceState, area: Area, page: number, known: number): number {
  const { memory, pager } = space;
  const most = Math.min(memory.readAhead, pager.frames.count >> 2);
  if (most === 0 || area.advice === "random") return 0;
  const window =
    area.advice === "sequential" ? most : page === area.next ? Math.min(most, Math.max(2, 2 * area.window)) : 0;
  area.window = Math.min(window, area.end - page - 1);
  area.next = page + area.window + 1;
  if (area.window > 0) pager.makeRoom(1 + area.window, known);
  return area.window;
}

/** Brings pages of an area that are not in memory but somewhere, while there are frames to spare. */
export function readAhead(space: SpaceState, area: Area, first: number, count: number): void {
  const { pager } = space;
  for (let page = first; page < Math.min(area.end, first + count); page++) {
    if (pager.frames.freeCount <= pager.watermarks.low) return;
    let frame: number;
    try {
      frame = bring(space, area, page);
    } catch {
      return;
    }
    if (frame < 0) continue;
    pager.frames.ahead[frame] = 1;
    pager.counters.readAhead.pages++;
  }
}

/** The frame, or -1 if there is nothing to bring. */
function bring({ pager, table }: SpaceState, area: Area, page: number): number {
  const pte = table.get(page);
  if (pte & SWAPPED) {
    const slot = pteNumber(pte);
    return pager.swap.frames[slot]! >= 0 ? -1 : swappedPage(pager, slot, false).frame;
  }
  const { object } = area;
  const index = area.offset + page - area.first;
  if (pte !== 0 || object === undefined || object.frames.has(index)) return -1;
  const exists =
    object instanceof FilePages
      ? index * pager.frames.pageSize < object.size
      : object instanceof SharedMemory && object.slots.has(index) && pager.swap.frames[object.slots.get(index)!]! < 0;
  return exists ? objectPage(pager, object, index, false).frame : -1;
}
