/** Counters, as the threads have written them into kernel memory. A reader may be a moment behind. */
import { type Kernel, Layout as L, SyncLayout as S } from "@ungil/kernel";
import { countAll } from "./vm.js";

export interface ThreadStats {
  /** 0 is the main thread, which runs no steps; workers are 1, 2, ... */
  readonly id: number;
  readonly steps: number;
  /** Tasks taken from other threads. */
  readonly steals: number;
  readonly parks: number;
  readonly wakes: number;
  readonly safepoints: number;
  readonly tasksCreated: number;
  readonly tasksStarted: number;
  readonly tasksEnded: number;
  readonly lockWaits: number;
  /** Time inside runs of steps, waits for the GIL in mid-run included. */
  readonly busyMs: number;
  readonly gilWaitMs: number;
  readonly gilHoldMs: number;
  readonly gilTakes: number;
  readonly gilForced: number;
  readonly allocations: number;
}

export interface RuntimeStats {
  readonly mode: "gil" | "free";
  readonly threads: ThreadStats[];
  readonly totals: Omit<ThreadStats, "id">;
  /** Most threads that were inside a run of steps at once: 1 with a GIL. */
  readonly maxRunning: number;
  /** Share of the time in which workers wanted to run that they waited for the GIL: 0..1. */
  readonly gilContention: number;
  readonly tasksOutstanding: number;
  readonly framesFree: number;
  /** Pages that are kept as they were, for snapshots. */
  readonly pagesKept: number;
  readonly allocations: number;
  readonly frees: number;
  readonly remoteFrees: number;
  /** Objects that entered limbo. */
  readonly limbo: number;
  readonly resurrections: number;
  readonly adoptions: number;
  readonly safepoints: number;
  readonly faults: number;
  readonly tlbMisses: number;
  /** Pages that have left memory; of these, pages that had to be written to the swap file; pages that came back. */
  readonly evictions: number;
  readonly swapOuts: number;
  readonly swapIns: number;
  /** Pages whose eviction was given up because somebody used them. */
  readonly rescues: number;
}

const perThread = {
  steps: S.COUNTER_STEPS,
  steals: S.COUNTER_STEALS,
  parks: S.COUNTER_PARKS,
  wakes: S.COUNTER_WAKES,
  safepoints: L.COUNTER_SAFEPOINTS,
  tasksCreated: S.COUNTER_CREATED,
  tasksStarted: S.COUNTER_STARTED,
  tasksEnded: S.COUNTER_ENDED,
  lockWaits: S.COUNTER_LOCK_WAITS,
  busyMs: S.COUNTER_BUSY,
  gilWaitMs: S.COUNTER_GIL_WAIT,
  gilHoldMs: S.COUNTER_GIL_HOLD,
  gilTakes: S.COUNTER_GIL_TAKES,
  gilForced: S.COUNTER_GIL_FORCED,
  allocations: L.COUNTER_ALLOCATIONS,
} as const;

const names = Object.keys(perThread) as (keyof typeof perThread)[];

export function readStats(kernel: Kernel): RuntimeStats {
  const threads: ThreadStats[] = [];
  for (let slot = 1; slot < kernel.collectorSlot; slot++) {
    const stats: Record<string, number> = { id: slot - 1 };
    for (const name of names) stats[name] = kernel.counter(slot, perThread[name]) / (name.endsWith("Ms") ? 1000 : 1);
    threads.push(stats as unknown as ThreadStats);
  }
  const totals = Object.fromEntries(
    names.map((name) => [name, threads.reduce((sum, stats) => sum + stats[name], 0)]),
  ) as unknown as Omit<ThreadStats, "id">;
  const workers = threads.slice(1);
  const wait = workers.reduce((all, stats) => all + stats.gilWaitMs, 0);
  const hold = workers.reduce((all, stats) => all + stats.gilHoldMs, 0);
  return {
    mode: kernel.gil ? "gil" : "free",
    threads,
    totals,
    maxRunning: kernel.control(S.CB_RUNNING_MAX),
    gilContention: wait + hold > 0 ? wait / (wait + hold) : 0,
    tasksOutstanding: totals.tasksCreated - totals.tasksEnded,
    framesFree: kernel.control(L.CB_FRAMES_FREE),
    pagesKept: kernel.control(L.CB_VERSIONS),
    allocations: totals.allocations,
    frees: totals.allocations - blocksInUse(kernel),
    remoteFrees: countAll(kernel, L.COUNTER_REMOTE_FREES),
    limbo: countAll(kernel, L.COUNTER_LIMBO),
    resurrections: countAll(kernel, L.COUNTER_RESURRECTIONS),
    adoptions: countAll(kernel, L.COUNTER_ADOPTIONS),
    safepoints: totals.safepoints,
    faults: countAll(kernel, L.COUNTER_FAULTS),
    evictions: countAll(kernel, L.COUNTER_EVICTIONS),
    swapOuts: countAll(kernel, L.COUNTER_SWAP_OUTS),
    swapIns: countAll(kernel, L.COUNTER_SWAP_INS),
    rescues: countAll(kernel, L.COUNTER_RESCUES),
    tlbMisses: countAll(kernel, L.COUNTER_WALKS),
  };
}

/** Blocks that have been handed out and not come back to their page. O(pages). */
function blocksInUse(kernel: Kernel): number {
  return blocksUsed(kernel) - blocksToBump(kernel);
}

/** Blocks of open pages that were not handed out. */
function blocksToBump(kernel: Kernel): number {
  const { u32 } = kernel;
  let blocks = 0;
  for (let slot = 1; slot < kernel.control(L.CB_SLOTS); slot++) {
    for (let size = 0; size < L.SMALL_CLASSES; size++) {
      const bump = (kernel.threadBlock(slot) + L.TB_BUMP + 8 * size) >>> 2;
      const [next, end] = [u32[bump] as number, u32[bump + 1] as number];
      if (next === end) continue;
      const page = ((end - 1) >>> 0) >>> L.PAGE_SHIFT;
      const descriptor = kernel.control(L.CB_DESCRIPTORS) + page * L.PAGE_DESCRIPTOR_SIZE;
      blocks += (end - next) / (u32[(descriptor + L.PD_BLOCK_SIZE) >>> 2] as number);
    }
  }
  return blocks;
}

function blocksUsed(kernel: Kernel): number {
  const { u32 } = kernel;
  const descriptors = kernel.control(L.CB_DESCRIPTORS) >>> 2;
  const words = L.PAGE_DESCRIPTOR_SIZE >>> 2;
  let used = 0;
  for (let page = 1; page < kernel.control(L.CB_VIRTUAL_PAGES); page++) {
    const at = descriptors + page * words;
    const state = u32[at + (L.PD_STATE >>> 2)];
    if (state === L.PAGE_SMALL) used += u32[at + (L.PD_USED >>> 2)] as number;
    else if (state === L.PAGE_RUN) used++;
  }
  return used;
}
