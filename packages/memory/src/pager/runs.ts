/** Runs of frames that lie next to each other, for regions that are mapped whole. */
import { OutOfMemoryError } from "@ungil/kernel";
import { NO_PAGE } from "./frames.js";
import type { Pager } from "./pager.js";

/**
 * Takes `count` neighbouring frames, loading. Of all places the one is cleared where the fewest pages must be evicted.
 * OutOfMemoryError if pinned frames leave no such place. O(frames).
 */
export function takeRun(pager: Pager, count: number): number {
  const first = cheapestRun(pager, count);
  if (first < 0)
    throw new OutOfMemoryError(`A run of ${count} frames`, {}, "pinned frames leave no place where they lie together");
  for (let frame = first; frame < first + count; frame++) {
    if (pager.frames.pages[frame] !== NO_PAGE) pager.vacate(frame);
  }
  for (let frame = first; frame < first + count; frame++) pager.frames.takeThis(frame);
  return first;
}

function cheapestRun({ frames }: Pager, count: number): number {
  let [best, least] = [-1, Number.POSITIVE_INFINITY];
  let [from, used] = [0, 0];
  for (let frame = 0; frame < frames.count; frame++) {
    if (frames.pins[frame]! > 0) {
      from = frame + 1;
      used = 0;
      continue;
    }
    if (frames.pages[frame] !== NO_PAGE) used++;
    if (frame - from >= count && frames.pages[from++] !== NO_PAGE) used--;
    if (frame - from + 1 === count && used < least) [best, least] = [from, used];
  }
  return best;
}
