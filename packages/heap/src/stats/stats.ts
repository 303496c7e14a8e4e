/**
 * `rt.heap.stats()`: where every byte and every frame is. It reads raw memory with none of the kernel's code, as the verifier
 * does, so it can be asked at any moment: nothing is locked and nobody waits. While threads run it may meet a list that is
 * being changed; then it ends there, so it is bounded whatever happens.
 */
import { inspect } from "node:util";
import { type Kernel, Layout as L } from "@ungil/kernel";
import { Reader } from "../verify-reader.js";
import { framesOf, kernelFrames, listLengths, versions } from "./frames.js";
import { PageScan, type Share } from "./pages.js";
import type { FramePurposes, HeapFigures, ThreadHeapStats } from "./shape.js";
import { heapText } from "./text.js";
import { typeStats } from "./types.js";

/** The figures. As text (`toString()`, or printed) they read like CPython's `sys._debugmallocstats()`. */
export interface HeapStats extends HeapFigures {
  toString(): string;
}

class Stats {
  constructor(figures: HeapFigures) {
    Object.assign(this, figures);
  }

  toString(): string {
    return heapText(this as unknown as HeapFigures);
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** `exact`: the caller has stopped the world. `types`: count objects by type too, which looks at every block. O(pages), or O(heap). */
export function readHeapStats(kernel: Kernel, exact: boolean, types: boolean): HeapStats {
  const reader = new Reader(kernel, exact);
  // First what changes with every page, so that the two say as much of one moment as they can.
  const free = kernel.control(L.CB_FRAMES_FREE);
  const scan = new PageScan(reader);
  const by: FramePurposes = { ...scan.frames, ...kernelFrames(reader) };
  const inUse = reader.frames - free;
  const known = Object.values(by).reduce((all, frames) => all + frames, 0);
  return new Stats({
    exact,
    pageSize: L.PAGE_SIZE,
    classes: scan.classes,
    runs: scan.runs,
    bytes: scan.bytes,
    pages: scan.pages,
    arenas: scan.arenas,
    frames: { total: reader.frames, free, inUse, by, unaccounted: inUse - known },
    versions: versions(reader),
    tables: reader.frameBase,
    threads: threads(reader, scan),
    types: types ? typeStats(reader) : null,
  }) as unknown as HeapStats;
}

/** The main thread and the workers; slots that nothing was ever done in are left out, but for those. */
function threads(reader: Reader, scan: PageScan): ThreadHeapStats[] {
  const all: ThreadHeapStats[] = [];
  for (const [slot, block] of reader.threads()) {
    const thread = threadStats(reader, slot, block, scan.share(slot));
    const isUsed = thread.frames > 0 || thread.pages > 0 || thread.runs > 0 || thread.allocations > 0;
    if (isUsed) all.push(thread);
  }
  return all;
}

function threadStats(reader: Reader, slot: number, block: number, share: Share): ThreadHeapStats {
  const { kernel } = reader;
  return {
    id: slot - 1,
    ...share,
    lists: listLengths(reader, block),
    frames: Object.values(framesOf(reader, block)).reduce((sum, frames) => sum + frames, 0),
    allocations: kernel.counter(slot, L.COUNTER_ALLOCATIONS),
    remoteFrees: kernel.counter(slot, L.COUNTER_REMOTE_FREES),
    limboed: kernel.counter(slot, L.COUNTER_LIMBO),
  };
}
