/**
 * The heap becomes again what it was when a snapshot was taken. Only between coroutines: what a generator holds in JavaScript
 * cannot be set back, so none may have run or waited then, nor may one now; the same for locks.
 *
 * Pages are put back by the kernel (heap/restore.ts). What it knows beside them is little, and is copied here when the snapshot
 * is taken: which pages are open for allocation, what is pinned for the string caches, the names of types. Types that were
 * defined later stay defined; their names are written anew.
 */
import { Layout as L, SyncLayout as S } from "@ungil/kernel";
import type { MainThread } from "./main.js";

/** Of a thread block: the pages that are open, and the PINS of handles and strings. */
const WORDS: readonly number[] = [
  ...Array.from({ length: 2 * L.SMALL_CLASSES }, (_, n) => L.TB_BUMP + 4 * n),
  L.TB_OWN_PINS,
  L.TB_CACHE_PINS,
  L.TB_CACHE_OLD,
];
/** Of the control block: the queue of weak cells whose coroutines are due. */
const QUEUE: readonly number[] = [L.CB_WEAK_DUE_HEAD, L.CB_WEAK_DUE_TAIL];
const TYPE_WORDS = L.TYPE_ENTRY_SIZE / 4;
/** Frames that are to be left: one for each size of strings. */
const SPARE = 16;

type TypeNames = ReturnType<MainThread["heap"]["typeText"]>;

/** What the heap is beside pages. */
export interface Besides {
  /** A cut at which memory was the same as at the snapshot's: that, or that of the last restore. */
  since: number;
  readonly garbage: number;
  readonly threads: readonly Uint32Array[];
  readonly types: Uint32Array;
  readonly queue: readonly number[];
}

/** Called while the world stands still; null if coroutines are under way or locks are held: it cannot be restored then. */
export function copyBesides({ kernel, x }: MainThread, cut: number): Besides | null {
  if (x.tasksAreLeft() || x.locksAreHeld()) return null;
  const { u32 } = kernel;
  const types = kernel.control(L.CB_TYPES) >>> 2;
  return {
    since: cut,
    garbage: x.garbageCount(),
    threads: blocks(kernel).map((block) => Uint32Array.from(WORDS, (word) => u32[(block + word) >>> 2] as number)),
    types: u32.slice(types, types + kernel.control(L.CB_TYPE_COUNT) * TYPE_WORDS),
    queue: QUEUE.map((word) => kernel.control(word)),
  };
}

function blocks(kernel: MainThread["kernel"]): number[] {
  return Array.from({ length: kernel.control(L.CB_SLOTS) - 1 }, (_, n) => kernel.threadBlock(n + 1));
}

/** Why the heap cannot be restored at this moment; "lost": never again, to this snapshot. */
export type Obstacle = "coroutines" | "locks" | "threads" | "memory" | "lost";

/** Restores the heap, if everything is at rest; else nothing has changed, and what is in the way is returned. */
export function restoreHeap(main: MainThread, cut: number, besides: Besides): Obstacle | null {
  const { x, heap } = main;
  return heap.batch(() => {
    if (!x.worldStop(L.STOP_AT_YIELD)) return "threads";
    try {
      // A thread that comes back now waits at the gate: it holds nothing, and drops what it has translated.
      if (x.tasksAreLeft()) return "coroutines";
      if (x.locksAreHeld()) return "locks";
      if (!x.threadsAreAtRest() || main.watching > 0) return "threads";
      return putBack(main, cut, besides);
    } finally {
      x.worldResume();
    }
  });
}

function putBack(main: MainThread, cut: number, besides: Besides): Obstacle | null {
  const { x, heap, kernel } = main;
  const { u32 } = kernel;
  const known = besides.types.length / TYPE_WORDS;
  const names = Array.from({ length: kernel.control(L.CB_TYPE_COUNT) - known }, (_, n) => heap.typeText(known + n));
  // Only now: to read the names may have been the write for which there was no room.
  if (!x.snapshotIsWhole(cut)) return "lost";
  const spare = SPARE + framesOf(names) + heldFrames(kernel);
  if (x.restoreBegin(cut, besides.since, besides.garbage, spare) !== 0) return "memory";
  blocks(kernel).forEach((block, n) => {
    const words = besides.threads[n] as Uint32Array;
    WORDS.forEach((word, k) => {
      u32[(block + word) >>> 2] = words[k] as number;
    });
  });
  u32.set(besides.types, kernel.control(L.CB_TYPES) >>> 2);
  QUEUE.forEach((word, k) => {
    u32[(L.CB + word) >>> 2] = besides.queue[k] as number;
  });
  const restored = x.restoreEnd(besides.garbage);
  if (restored === 0) throw main.panic(kernel.swap?.error);
  besides.since = restored;
  Atomics.store(u32, (L.CB + L.CB_RESTORED) >>> 2, besides.since);
  heap.strings.heed();
  Atomics.add(u32, (L.CB + L.CB_WEAK_DUES) >>> 2, 1);
  Atomics.notify(kernel.i32, (L.CB + L.CB_WEAK_DUES) >>> 2); // what was due at the cut is due again
  x.handlesRestore(cut, besides.since - 1);
  nameTypes(main, known, names);
  return null;
}

/** Frames for strings, each of which may need a page of its own size. */
function framesOf(names: readonly TypeNames[]): number {
  const units = names.reduce((sum, { name, url, schema }) => sum + name.length + url.length + schema.length, 0);
  return Math.ceil((4 * units) / L.PAGE_SIZE);
}

/** Frames in which threads note what they hold: for each of them no more than one of limbo is needed, if all is released. */
function heldFrames(kernel: MainThread["kernel"]): number {
  let frames = 0;
  for (const block of blocks(kernel)) {
    for (let at = kernel.u32[(block + S.TB_LOCK_FRAMES) >>> 2] as number; at; at = kernel.u32[at >>> 2] as number)
      frames++;
  }
  return frames;
}

/** There is memory for it: some frames have been left, and it may take of the reserve. */
function nameTypes({ x, heap }: MainThread, from: number, names: readonly TypeNames[]): void {
  x.reserveOpen(true);
  try {
    names.forEach(({ name, url, schema }, n) => {
      const [a, b, c] = [heap.strings.address(name), heap.strings.address(url), heap.strings.address(schema)];
      x.typeName(from + n, a as number, b as number, c as number);
    });
  } finally {
    x.reserveOpen(false);
  }
}
