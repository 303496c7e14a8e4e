/**
 * The cycle collector: takes a cut, reads the heap as it was then, finds what nothing leads to, and breaks the cycles.
 *
 *   cut --> read and subtract --> mark --> the cut is closed --> judge --> hold the garbage --> break it --> counts free it
 *   world    all others go on ------------------------------------------------------------------------------------->
 *   stands still
 *
 * At the cut every thread stands at a yield, or at the beginning of an operation with all pinned that its step has read and made:
 * it holds no address that is not counted. So what is garbage then is out of everybody's reach for ever, but through weak cells: see
 * judge.ts. Others read and write all
 * the time meanwhile: what is written for the first time after the cut is copied aside first, as for any snapshot.
 *
 * Its own memory is JavaScript's: a collection needs one frame of the heap. When that is full nothing can be copied aside, so then
 * the world stands still until the garbage is known.
 *
 * Bacon and Rajan (2001), section 4, is the ancestor: subtract, scan, collect, and do not rely on a list of roots; theirs needs a
 * buffer of candidates and repairs races afterwards, where a snapshot has none.
 */
import { type HeapExports, type Kernel, Layout as L } from "@ungil/kernel";
import { SnapshotLostError } from "../errors.js";
import { releasing } from "../release.js";
import { Garbage } from "./garbage.js";
import { Graph } from "./graph.js";
import { type OpenPages, openPages, Past } from "./past.js";

export interface Cut {
  /** Its number. */
  readonly cut: number;
  readonly open: OpenPages;
}

/** Addresses in a list: a frame of them. */
const LIST = L.PAGE_SIZE / 4;
/** Objects that are broken in one batch. With a GIL others wait for it that long: a tenth of a millisecond. */
const SLICE = 512;
/** Objects in limbo at which nothing more is broken until some have been freed. */
const LIMBO_MAX = 8192;

/**
 * Takes a cut, and does what is to be done before others go on. Null: a thread neither yielded nor used a shared object for `bound`
 * ms, or too many snapshots are open.
 */
export function atCut<T>(kernel: Kernel, bound: number, work: (cut: Cut) => T): T | null {
  const x = kernel.exports;
  const late = performance.now() + bound;
  if (!x.worldStop(L.STOP_PINNED)) return null;
  try {
    while (!x.worldIsStopped()) if (performance.now() > late) return null;
    const cut = x.snapshotTake();
    kernel.u32[(L.CB + L.CB_COLLECT_CUT) >>> 2] = cut; // whoever comes after a collector that has ended closes it
    if (cut > 0) x.weakBegin();
    return cut > 0 ? work({ cut, open: openPages(kernel) }) : null;
  } finally {
    x.worldResume();
  }
}

/** Finds the garbage of a cut: in slices. */
export function* findGarbage(kernel: Kernel, { cut, open }: Cut): Generator<void, Garbage> {
  const past = new Past(kernel, cut, open);
  try {
    const graph = new Graph(past);
    yield* graph.read();
    const garbage = new Garbage(graph);
    yield* garbage.mark();
    return garbage;
  } finally {
    past.close();
  }
}

/**
 * Gives back what the garbage refers to, in slices, each of which is a batch. It dies on the way, but for what is in limbo at the end: see
 * `settle`. If nothing can be freed for `patience` ms, for other threads are in long steps, the rest is left for another time. True: a slice
 * has been done; false: others must go on first.
 */
export function* breakCycles(
  kernel: Kernel,
  cut: number,
  addresses: Uint32Array,
  patience: number,
): Generator<boolean> {
  const x = kernel.exports;
  const frame = x.imageFrameTake() >>> 0;
  if (!frame) return; // there will be another time
  const limbo = (kernel.block + L.TB_LIMBO_COUNT) >>> 2;
  let late = performance.now() + patience;
  try {
    yield* each(kernel, cut, frame, addresses, (from, until) => x.cyclesHold(frame, from, until));
    yield* each(kernel, cut, frame, addresses, (from, until) => {
      // Its list grows in frames, of which there may be few.
      if ((kernel.u32[limbo] as number) > LIMBO_MAX) x.limboSettle();
      const isFull = (kernel.u32[limbo] as number) > LIMBO_MAX;
      if (isFull && performance.now() > late) return x.cyclesLetGo(frame, from, until);
      const done = isFull ? from : x.cyclesBreak(frame, from, Math.min(until, from + SLICE));
      if (done > from) late = performance.now() + patience;
      else if (performance.now() > late) return x.cyclesLetGo(frame, from, until);
      return done;
    });
  } finally {
    x.imageFrameGive(frame);
  }
}

/** `walk` goes over all addresses, a list of some at a time that stands in `frame`, and says how far it has come. */
export function* each(
  kernel: Kernel,
  cut: number,
  frame: number,
  addresses: Uint32Array,
  walk: (from: number, until: number) => number,
): Generator<boolean> {
  for (let from = 0; from < addresses.length; from += LIST) {
    const some = addresses.subarray(from, from + LIST);
    kernel.u32.set(some, frame >>> 2);
    for (let done = 0; done < some.length; ) {
      const before = done;
      done = batchSince(kernel, cut, () => walk(before, some.length));
      yield done > before;
    }
    some.set(kernel.u32.subarray(frame >>> 2, (frame >>> 2) + some.length)); // what the disk has lost is 0
  }
}

/** Frees what has been broken: 0 if nothing is left of it, 1 if others must go on first, 2 if more can be freed at once. */
export function settle({ exports: x }: Kernel): number {
  return batch(x, () => x.limboSettle());
}

/** A batch in a heap that has not been restored since the cut: what was garbage then may be none now. Throws SnapshotLostError. */
export function batchSince<T>(kernel: Kernel, cut: number, work: () => T): T {
  return batch(kernel.exports, () => {
    if (kernel.control(L.CB_RESTORED) > cut) throw new SnapshotLostError();
    return work();
  });
}

function batch<T>(x: HeapExports, work: () => T): T {
  x.batchBegin();
  try {
    return releasing(work);
  } finally {
    releasing(() => x.batchEnd());
  }
}
