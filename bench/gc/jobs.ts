// What the suite runs on the worker threads: filling a heap with objects, and using and dropping some, flat out, while cycles are
// collected.
import { type Class, coroutines, f64, List, ref, type Steps, struct } from "ungil";

export class Node extends struct("GcNode", { value: f64, next: ref((): Class<Node> => Node) }) {}

const EACH = 1000; // objects in a list
const BATCH = 20; // operations between two yields
const RING_EVERY = 8; // operations: the others write to an object that stays
/** Upper bounds of the histogram's buckets, in microseconds; the last one has none. */
export const BOUNDS = [0.5, 1, 2, 4, 8, 16, 32, 64, 125, 250, 500, 1000, 2000, 4000];
/** What a gap must last to be kept whole, in milliseconds. */
export const NOTED = 0.008;

export interface Gaps {
  operations: number;
  /** Gaps between two operations, by BOUNDS. */
  buckets: number[];
  /** Pairs, of those that lasted: when it began (as `moment` tells), and how long it was. */
  long: number[];
  /** Garbage that it has made: rings of two objects. */
  rings: number;
}

/** Milliseconds, the same on all threads. */
export const moment = (): number => performance.timeOrigin + performance.now();

const bucketOf = (milliseconds: number): number => {
  const at = BOUNDS.findIndex((bound) => milliseconds * 1000 <= bound);
  return at < 0 ? BOUNDS.length : at;
};

export const { grow, mutate } = coroutines(import.meta, {
  /** Lists of objects, each of which refers to the one before it. */
  *grow(objects: number): Steps<List<List<Node>>> {
    const lists = new List<List<Node>>();
    for (let n = 0; n < objects; n += EACH) {
      const list = new List<Node>();
      let next: Node | null = null;
      for (let k = 0; k < EACH; k++) {
        next = new Node({ value: n + k, next });
        list.push(next);
      }
      lists.push(list);
      yield;
    }
    return lists;
  },

  /** Uses objects that stay, and makes cycles that nothing leads to, until then (as `moment` tells). It never waits. */
  *mutate(lists: List<List<Node>>, until: number): Steps<Gaps> {
    const all = lists.toArray();
    const found: Gaps = { operations: 0, buckets: new Array(BOUNDS.length + 1).fill(0), long: [], rings: 0 };
    let last = moment();
    while (last < until) {
      for (let n = 0; n < BATCH; n++) {
        const k = found.operations++;
        if (k % RING_EVERY === 0) {
          const ring = new Node({ value: k });
          ring.next = new Node({ value: k, next: ring });
          found.rings++;
        } else {
          (all[(k * 7919) % all.length] as List<Node>).get((k * 31) % EACH)!.value = k;
        }
        const now = moment();
        const gap = now - last;
        found.buckets[bucketOf(gap)]!++;
        if (gap > NOTED) found.long.push(last, gap);
        last = now;
      }
      yield;
    }
    return found;
  },
});
