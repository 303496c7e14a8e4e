// What the suite runs on the worker threads: filling a heap with objects, and using and dropping some, flat out, while cycles are
// collected.
import { type Class, coroutines, f64, List, ref, type Steps, scope, struct } from "ungil";

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

/** Counts a gap since `last` among those that were found; the moment now. */
function note(found: Gaps, last: number): number {
  const now = moment();
  const gap = now - last;
  found.buckets[bucketOf(gap)]!++;
  if (gap > NOTED) found.long.push(last, gap);
  return now;
}

const none = (): Gaps => ({ operations: 0, buckets: new Array(BOUNDS.length + 1).fill(0), long: [], rings: 0 });

export const { drop, grow, mutate } = coroutines(import.meta, {
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
    const found = none();
    let last = moment();
    while (last < until) {
      // In a scope: what it has read is not pinned for as long as it runs.
      scope(() => {
        for (let n = 0; n < BATCH; n++) {
          const k = found.operations++;
          if (k % RING_EVERY === 0) {
            const ring = new Node({ value: k });
            ring.next = new Node({ value: k, next: ring });
            found.rings++;
          } else {
            (all[(k * 7919) % all.length] as List<Node>).get((k * 31) % EACH)!.value = k;
          }
          last = note(found, last);
        }
      });
      yield;
    }
    return found;
  },

  /** Gaps without anything else, for so long, and as long again after a list of so many objects has been dropped at once. */
  *drop(objects: number, milliseconds: number): Steps<{ off: Gaps; on: Gaps }> {
    const holder = new Node({ value: -1 });
    for (let n = 0; n < objects; n += EACH) {
      scope(() => {
        for (let k = 0; k < EACH; k++) holder.next = new Node({ value: n + k, next: holder.next });
      });
      yield;
    }
    const seen = { off: none(), on: none() };
    const other = new Node({ value: 0 });
    for (const found of [seen.off, seen.on]) {
      let last = moment();
      const until = last + milliseconds;
      if (found === seen.on) holder.next = null;
      while (last < until) {
        for (let n = 0; n < BATCH; n++) {
          other.value = found.operations++;
          last = note(found, last);
        }
        yield;
      }
    }
    return seen;
  },
});
