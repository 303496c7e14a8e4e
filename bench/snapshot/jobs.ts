// What the suite runs on the worker thread: filling a heap, and writing to all of it while snapshots are taken.
import { coroutines, List, type Steps } from "ungil";

const LIST_BYTES = 1 << 20;
const CAPACITY_SHARE = 0.66; // a list has half as much room again as it needs
const BATCH = 20; // writes between two yields
/** What a gap must last to be noted, in milliseconds: less is an ordinary write. */
export const NOTED = 0.005;

export interface Gaps {
  /** Pairs: when a gap began (as `moment` tells) and how long it lasted. */
  gaps: number[];
  writes: number;
}

/** Milliseconds, the same on all threads. */
export const moment = (): number => performance.timeOrigin + performance.now();

export const { fill, writer } = coroutines(import.meta, {
  /** Lists of numbers that take so many MiB: every page of them is written. */
  *fill(mib: number): Steps<List<List<number>>> {
    const lists = new List<List<number>>();
    const length = Math.floor((LIST_BYTES / 8) * CAPACITY_SHARE);
    for (let n = 0; n < mib; n++) {
      const list = new List<number>();
      lists.push(list);
      for (let k = 0; k < length; k++) list.push(k);
      yield;
    }
    return lists;
  },

  /** Writes flat out for so long, all over its share of the lists, and notes gaps between two writes. */
  *writer(lists: List<List<number>>, milliseconds: number, own: number, of: number): Steps<Gaps> {
    const all = lists.toArray().filter((_, n) => n % of === own);
    const length = (all[0] as List<number>).length;
    const gaps: number[] = [];
    let writes = 0;
    let last = moment();
    for (const end = last + milliseconds; last < end; ) {
      for (let n = 0; n < BATCH; n++, writes++) {
        (all[writes % all.length] as List<number>).set((writes * 7919) % length, writes);
        const now = moment();
        if (now - last > NOTED) gaps.push(last, now - last);
        last = now;
      }
      yield;
    }
    return { gaps, writes };
  },
});
