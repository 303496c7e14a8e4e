/**
 * What `rt.heap.stats()` says. Each figure stands in one place only, and these equations hold in figures that are exact:
 *
 *   class:   inUse + remote + available + fresh = capacity
 *   bytes:   allocated + remote + available + fresh + retired + quantization = pages.total * pageSize
 *   pages:   small + runs + retired = total;   arenas * 64 = total + free + padding
 *   frames:  the sum of `by` + unaccounted = inUse,   inUse + free = total
 *   threads: the sums of pages, runs and blocks are those of the whole
 *   types:   the sums of objects and bytes are the blocks in use and the bytes allocated
 */

/** Blocks of one size. */
export interface SizeClassStats {
  /** Bytes of a block. */
  readonly size: number;
  readonly pages: number;
  /** Blocks that these pages have room for. */
  readonly capacity: number;
  /** Blocks that are objects. */
  readonly inUse: number;
  /** Blocks freed by other threads than their page's, which has not taken them back yet. */
  readonly remote: number;
  /** Blocks that were freed. */
  readonly available: number;
  /** Blocks that have not been handed out since their page was made, or came back in the opposite order. */
  readonly fresh: number;
  /** Share of the pages' bytes that no object has: 0..1. */
  readonly fragmentation: number;
}

/** Entries of the lists that a thread has of objects. */
export interface ListLengths {
  /** Objects that the running step has made and read: their handles need no count. */
  readonly newborn: number;
  readonly borrowed: number;
  /** Objects whose count fell to 0, and that wait until no thread can hold them any more. */
  readonly limbo: number;
  /** Objects that are being destroyed. */
  readonly dying: number;
}

export interface ThreadHeapStats {
  /** 0 is the main thread, workers are 1, 2, ... */
  readonly id: number;
  /** Small pages that it owns, and their blocks that are objects. */
  readonly pages: number;
  readonly blocks: number;
  /** Bytes of these blocks. */
  readonly bytes: number;
  /** Large objects that it has allocated. */
  readonly runs: number;
  readonly lists: ListLengths;
  /** Frames that its lists and its queues have. */
  readonly frames: number;
  /** Since the start: objects allocated, blocks of other threads freed, objects that entered limbo. */
  readonly allocations: number;
  readonly remoteFrees: number;
  readonly limboed: number;
}

/** Frames in use, by what for. */
export interface FramePurposes {
  /** Pages of blocks, and large objects. */
  readonly smallPages: number;
  readonly runs: number;
  /** Pages that were given back: waiting until no thread has a translation of them, and with their frame kept for reuse. */
  readonly retired: number;
  readonly emptyPages: number;
  /** Lists of handles, of limbo, of what dies, and chunks that threads keep for them. */
  readonly newborns: number;
  readonly borrows: number;
  readonly limbo: number;
  readonly dying: number;
  readonly spareChunks: number;
  /** What pages were, for snapshots; copies that readers of snapshots have made; the records of both. */
  readonly versions: number;
  readonly views: number;
  readonly versionRecords: number;
  /** Queues of tasks with the first waiters, tables of started tasks, further waiters, locks and handles that are held. */
  readonly queues: number;
  readonly tasks: number;
  readonly waiters: number;
  readonly held: number;
  /** Pages that come from the swap file at the moment, and notes of references (`ungil vm record`). */
  readonly arriving: number;
  readonly trace: number;
}

export interface TypeStats {
  readonly name: string;
  readonly objects: number;
  /** Bytes of their blocks. */
  readonly bytes: number;
}

export interface HeapFigures {
  /** Whether no thread ran meanwhile. Otherwise these are the figures of several moments, and the equations may miss by what changed. */
  readonly exact: boolean;
  readonly pageSize: number;
  /** Size classes that have a page. */
  readonly classes: readonly SizeClassStats[];
  readonly runs: { readonly objects: number; readonly bytes: number };
  /** Bytes of the pages in use, by what is in them. */
  readonly bytes: {
    readonly allocated: number;
    readonly remote: number;
    readonly available: number;
    readonly fresh: number;
    readonly retired: number;
    /** Lost at the ends of pages that no whole block fits into. */
    readonly quantization: number;
  };
  /** Pages of the address space. `free` and `padding` are those of arenas that are in use. */
  readonly pages: {
    readonly total: number;
    readonly small: number;
    readonly runs: number;
    readonly retired: number;
    readonly free: number;
    /** Page 0, and what lies between the end of a large object and that of its last arena. */
    readonly padding: number;
    readonly resident: number;
    readonly swapped: number;
  };
  readonly arenas: { readonly total: number; readonly small: number; readonly runs: number };
  readonly frames: {
    readonly total: number;
    readonly free: number;
    readonly inUse: number;
    readonly by: FramePurposes;
    /** Frames in use that nobody is known to have: in the hands of a thread at this moment, or lost by one that was killed. */
    readonly unaccounted: number;
  };
  /** What is kept for snapshots: pages in all, and of these in the swap file. */
  readonly versions: { readonly pages: number; readonly swapped: number; readonly snapshots: number };
  /** Bytes of the kernel's tables, beside the frames. Those of them that were never touched cost nothing. */
  readonly tables: number;
  readonly threads: readonly ThreadHeapStats[];
  /** By type, the largest first, if that was asked for. */
  readonly types: readonly TypeStats[] | null;
}
