/**
 * The cycle collector: takes a cut, reads the heap as it was then, finds what nothing leads to, and breaks the cycles.
 *
 *   cut --> read and subtract --> mark --> the cut is closed --> hold all of the garbage --> break it --> counts free it
 *   world    all others go on ------------------------------------------------------------------------------------->
 *   stands still
 *
 * At the cut every thread stands at a yield, where it holds no address that is not counted. So what is garbage then is out of
 * everybody's reach for ever, but for weak references. Others read and write all the time meanwhile: what is written for the
 * first time after the cut is copied aside first, as for any snapshot.
 *
 * Its own memory is JavaScript's: a collection needs one frame of the heap, so it works when that is full.
 *
 * Bacon and Rajan (2001), section 4, is the ancestor: subtract, scan, collect, and do not rely on a list of roots; theirs needs a
 * buffer of candidates and repairs races afterwards, where a snapshot has none.
 */
import { type HeapExports, type Kernel, Layout as L } from "@ungil/kernel";
import { releasing } from "../release.js";
import { Garbage } from "./garbage.js";
import { Graph } from "./graph.js";
import { type OpenPages, openPages, Past } from "./past.js";

export interface Cut {
  /** Its number. */
  readonly cut: number;
  readonly open: OpenPages;
}

export interface Collection {
  /** Objects of the heap at the cut. */
  readonly objects: number;
  /** Of these, objects that nothing led to. */
  readonly collected: number;
}

/** Addresses that are held, or broken, in one batch. With a GIL others wait for it that long: about half a millisecond. */
const BATCH = Math.min(4096, L.PAGE_SIZE / 4);

/**
 * Takes the cut: null if a thread was in the middle of a step for longer than `bound` ms, or too many snapshots are open. Nobody
 * else goes on while this waits.
 */
export function takeCut(kernel: Kernel, bound: number): Cut | null {
  const x = kernel.exports;
  const late = performance.now() + bound;
  if (!x.worldStop(L.STOP_AT_YIELD)) return null;
  try {
    while (!x.worldIsStopped()) if (performance.now() > late) return null;
    const cut = x.snapshotTake();
    kernel.u32[(L.CB + L.CB_COLLECT_CUT) >>> 2] = cut; // whoever comes after a collector that has ended closes it
    return cut > 0 ? { cut, open: openPages(kernel) } : null;
  } finally {
    x.worldResume();
  }
}

/** Finds the garbage of a cut: in slices; the addresses of what is to be broken, and how much was found. */
export function* findGarbage(
  kernel: Kernel,
  { cut, open }: Cut,
): Generator<void, Collection & { addresses: Uint32Array }> {
  const past = new Past(kernel, cut, open);
  try {
    const graph = new Graph(past);
    yield* graph.read();
    const garbage = new Garbage(graph);
    yield* garbage.mark();
    return { objects: graph.objects, collected: garbage.found, addresses: Uint32Array.from(garbage.addresses()) };
  } finally {
    past.close();
  }
}

/** Gives back what the garbage refers to, in slices, each of which is a batch. Then it is in limbo: see `settle`. */
export function* breakCycles(kernel: Kernel, addresses: Uint32Array): Generator<void> {
  const x = kernel.exports;
  const frame = x.imageFrameTake() >>> 0;
  if (!frame) return; // there will be another time
  const list = frame >>> 2;
  try {
    for (const walk of [x.cyclesHold, x.cyclesBreak]) {
      for (let from = 0; from < addresses.length; from += BATCH) {
        const some = addresses.subarray(from, from + BATCH);
        kernel.u32.set(some, list);
        for (let done = 0; done < some.length; ) {
          done = batch(x, () => walk(frame, done, some.length));
          yield;
        }
        some.set(kernel.u32.subarray(list, list + some.length));
      }
    }
  } finally {
    x.imageFrameGive(frame);
  }
}

/** Frees what has been broken: 0 if nothing is left of it, 1 if others must go on first, 2 if more can be freed at once. */
export function settle({ exports: x }: Kernel): number {
  return batch(x, () => x.limboSettle());
}

function batch(x: HeapExports, work: () => number): number {
  x.batchBegin();
  try {
    return releasing(work);
  } finally {
    releasing(() => x.batchEnd());
  }
}
