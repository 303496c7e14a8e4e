/** Frames that no page has, by what for: read from the lists that they stand in, with none of the kernel's code. */
import { Layout as L, SyncLayout as S } from "@ungil/kernel";
import type { Reader } from "../verify-reader.js";
import type { FramePurposes, HeapFigures, ListLengths } from "./shape.js";

export type KernelFrames = Omit<FramePurposes, "smallPages" | "runs" | "retired" | "emptyPages">;

const LISTS = {
  newborns: L.TB_NEWBORN_TOP,
  borrows: L.TB_BORROW_TOP,
  limbo: L.TB_LIMBO_TOP,
  dying: L.TB_DESTROY_TOP,
} as const;

/** Threads, then views of snapshots, then the system thread: all that have a block. */
export function slots(reader: Reader): number[] {
  return Array.from({ length: reader.kernel.systemSlot }, (_, n) => n + 1);
}

/** What the thread of a block has. */
export function framesOf(reader: Reader, block: number): Omit<KernelFrames, "versions" | "versionRecords"> {
  const word = (field: number) => reader.word(block + field);
  const chunks = (fields: number) => chain(reader, word(fields + 8), 4).length;
  const waiters = chain(reader, word(S.TB_WAITER_FRAMES), 0);
  return {
    newborns: chunks(LISTS.newborns),
    borrows: chunks(LISTS.borrows),
    limbo: chunks(LISTS.limbo),
    dying: chunks(LISTS.dying),
    spareChunks: chain(reader, word(L.TB_CHUNKS), 0).length,
    views: viewFrames(reader, word(L.TB_VIEW_RUNS)),
    queues: word(S.TB_DEQUE) ? 1 : 0,
    tasks: word(S.TB_TASKS_FRAMES),
    // The first waiters stand behind a queue, in its frame.
    waiters: waiters.filter((at) => (at & L.PAGE_MASK) === 0).length,
    held: chain(reader, word(S.TB_LOCK_FRAMES), 0).length,
    arriving: word(L.TB_ARRIVING_FRAMES) ? word(L.TB_ARRIVING_PAGES) : 0,
    trace: word(L.TB_TRACE_FIRST) ? 1 : 0,
  };
}

/** Those of all threads, and those that belong to none. */
export function kernelFrames(reader: Reader): KernelFrames {
  const { kernel } = reader;
  const records = kernel.control(L.CB_VERSIONS) + chain(reader, kernel.control(L.CB_VERSION_FREE), 0, false).length;
  const sum: Record<string, number> = {
    versions: kernel.control(L.CB_VERSION_FRAMES),
    versionRecords: Math.ceil(records / (L.PAGE_SIZE / L.VERSION_SIZE)),
    queues: kernel.control(S.CB_INJECT_RING) ? 1 : 0,
  };
  for (const slot of slots(reader)) {
    for (const [purpose, frames] of Object.entries(framesOf(reader, kernel.threadBlock(slot))))
      sum[purpose] = (sum[purpose] ?? 0) + frames;
  }
  return sum as unknown as KernelFrames;
}

/** Records of what pages were, found from the pages. */
export function versions(reader: Reader): HeapFigures["versions"] {
  const { kernel } = reader;
  let [pages, swapped, snapshots] = [0, 0, 0];
  for (let page = 1; page < reader.pages; page++) {
    const newest = reader.word(kernel.control(L.CB_HISTORY) + page * L.HISTORY_SIZE + L.HISTORY_VERSIONS);
    for (const record of chain(reader, newest, L.VERSION_NEXT, false)) {
      pages++;
      if (reader.word(record + L.VERSION_FRAME) & L.VERSION_IN_SWAP) swapped++;
    }
  }
  for (let n = 0; n < L.SNAPSHOTS_MAX; n++) if (kernel.control(L.CB_SNAPSHOTS + 4 * n)) snapshots++;
  return { pages, swapped, snapshots };
}

/** How many entries the lists of a thread have. */
export function listLengths(reader: Reader, block: number): ListLengths {
  const length = (fields: number) => {
    const chunks = chain(reader, reader.word(block + fields + 8), 4).length;
    const top = reader.word(block + fields);
    if (chunks === 0 || top === 0) return 0;
    const inLast = (((top - 1) & L.PAGE_MASK) + 1 - L.CHUNK_HEADER) / 4;
    return Math.max(0, Math.round((chunks - 1) * ((L.PAGE_SIZE - L.CHUNK_HEADER) / 4) + inLast));
  };
  return {
    newborn: length(LISTS.newborns),
    borrowed: length(LISTS.borrows),
    limbo: reader.word(block + L.TB_LIMBO_COUNT),
    dying: length(LISTS.dying),
  };
}

/** Frames of the copies that a reader of a snapshot has made. */
function viewFrames(reader: Reader, head: number): number {
  let frames = 0;
  for (const record of chain(reader, head, L.VERSION_NEXT, false)) frames += reader.word(record + L.VERSION_RUN_PAGES);
  return frames;
}

/**
 * Physical addresses of a list that is linked through a word of its own. It is being changed, perhaps, so it ends at what cannot
 * belong to it: outside of memory, or there already.
 */
function chain(reader: Reader, head: number, link: number, isFrames = true): number[] {
  const [low, high] = [reader.frameBase, reader.frameBase + reader.frames * L.PAGE_SIZE];
  const most = isFrames ? reader.frames : reader.frames * (L.PAGE_SIZE / L.VERSION_SIZE);
  const seen = new Set<number>();
  for (let at = head; at >= low && at < high && !seen.has(at) && seen.size < most; at = reader.word(at + link))
    seen.add(at);
  return [...seen];
}
