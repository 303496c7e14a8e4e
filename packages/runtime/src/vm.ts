/** Introspection of a runtime's memory: frames, the swap file, and who evicted what. */
import { RuntimeClosedError } from "@ungil/heap";
import { heapMap, type Kernel, Layout as L } from "@ungil/kernel";

export interface VirtualMemoryStats {
  /** Bytes of a page, and of a frame. */
  readonly pageSize: number;
  /** Frames of memory; those that are free now; of these, how many only what cannot wait may take. */
  readonly frames: number;
  readonly framesFree: number;
  readonly framesReserved: number;
  /** Free frames at which the pager begins to evict, and at which it stops. Without a swap file there is no pager. */
  readonly watermarks: { readonly low: number; readonly high: number };
  /** Pages of the heap in memory, and in the swap file only. */
  readonly pagesResident: number;
  readonly pagesSwapped: number;
  /** Slots of a page each in the swap file. Of a page in memory it may hold what it was when it came. */
  readonly swap: { readonly slots: number; readonly free: number };
  /** Pages that have left memory: ahead of need, by the pager, and by threads that needed a frame at once. */
  readonly evictions: { readonly pager: number; readonly direct: number };
  /** Pages that had to be written to the swap file; pages that came back. */
  readonly swapOuts: number;
  readonly swapIns: number;
  /** Pages whose eviction was given up because somebody used them. */
  readonly rescues: number;
  /** Walks of the page table, and how often a thread has dropped all its translations. */
  readonly tlbMisses: number;
  readonly tlbFlushes: number;
  /** Pages that came into being when they were first touched, and accesses that were refused. */
  readonly faults: { readonly demandZero: number; readonly refused: number };
}

/** A counter of all threads, views and the system thread together. */
export function countAll(kernel: Kernel, counter: number): number {
  let sum = 0;
  for (let slot = 1; slot <= kernel.systemSlot; slot++) sum += kernel.counter(slot, counter);
  return sum;
}

/** `rt.vm`: what is in memory, and what in the swap file. */
export class VirtualMemory {
  readonly #kernel: Kernel;
  readonly #policy: () => string | null;
  readonly #isClosed: () => boolean;

  /** @internal */
  constructor(kernel: Kernel, policy: () => string | null, isClosed: () => boolean) {
    this.#kernel = kernel;
    this.#policy = policy;
    this.#isClosed = isClosed;
  }

  /** Slug of the policy that chooses which pages leave memory: the one that was asked for, unless it has failed. Null without a swap file. */
  get policy(): string | null {
    return this.#policy();
  }

  /** Figures of this moment; counts are since the start. A reader may be a moment behind. O(pages of the address space). */
  stats(): VirtualMemoryStats {
    const kernel = this.#open();
    const { exports } = kernel;
    const evictions = countAll(kernel, L.COUNTER_EVICTIONS);
    const pager = kernel.counter(kernel.systemSlot, L.COUNTER_EVICTIONS);
    const [pagesResident, pagesSwapped] = pagesWhere(kernel);
    return {
      pageSize: L.PAGE_SIZE,
      frames: kernel.control(L.CB_FRAMES),
      framesFree: kernel.control(L.CB_FRAMES_FREE),
      framesReserved: exports.frameReserve(),
      watermarks: { low: exports.watermarkLow(), high: exports.watermarkHigh() },
      pagesResident,
      pagesSwapped,
      swap: { slots: kernel.control(L.CB_SWAP_SLOTS), free: kernel.control(L.CB_SWAP_FREE) },
      evictions: { pager, direct: evictions - pager },
      swapOuts: countAll(kernel, L.COUNTER_SWAP_OUTS),
      swapIns: countAll(kernel, L.COUNTER_SWAP_INS),
      rescues: countAll(kernel, L.COUNTER_RESCUES),
      tlbMisses: countAll(kernel, L.COUNTER_WALKS),
      tlbFlushes: countAll(kernel, L.COUNTER_FLUSHES),
      faults: {
        demandZero: countAll(kernel, L.COUNTER_DEMAND_ZERO),
        refused: countAll(kernel, L.COUNTER_FAULTS),
      },
    };
  }

  /**
   * A map of the heap as text, what `ungil vm map` prints: arenas, the page table, how many pages each thread can reach. Threads go
   * on meanwhile, so it shows several moments. O(pages of the address space).
   */
  dump(): string {
    return heapMap(this.#open().machine.memory);
  }

  #open(): Kernel {
    if (this.#isClosed()) throw new RuntimeClosedError();
    return this.#kernel;
  }
}

function pagesWhere(kernel: Kernel): [resident: number, swapped: number] {
  const table = kernel.control(L.CB_PAGE_TABLE) >>> 2;
  let [resident, swapped] = [0, 0];
  for (let page = 1; page < kernel.control(L.CB_VIRTUAL_PAGES); page++) {
    const entry = kernel.u32[table + 2 * page] as number;
    if (entry & (L.PTE_PRESENT | L.PTE_LEAVING)) resident++;
    else if (entry & L.PTE_SWAPPED) swapped++;
  }
  return [resident, swapped];
}
