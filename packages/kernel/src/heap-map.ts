/**
 * A map of the shared heap, from its memory alone: arenas, the page table, and how much of it each thread's TLBs know.
 * Other threads may be changing what is read: then the figures are those of several moments.
 */
import * as L from "./layout.js";

const pad = (address: number): string => address.toString(16).padStart(8, "0");
const kib = (pages: number): string => `${(pages * L.PAGE_SIZE) / 1024} kB`;

export function heapMap(memory: { readonly buffer: ArrayBufferLike }): string {
  const heap = new HeapReader(new Uint32Array(memory.buffer));
  const [frames, free] = [heap.control(L.CB_FRAMES), heap.control(L.CB_FRAMES_FREE)];
  const slots = heap.control(L.CB_SWAP_SLOTS);
  const swap = slots ? `; swap: ${slots} slots, ${heap.control(L.CB_SWAP_FREE)} free` : "";
  return [
    `heap: ${frames} frames of ${L.PAGE_SIZE} bytes, ${free} free; ${heap.control(L.CB_GIL_BUILD) ? "GIL" : "free"} build${swap}`,
    ...arenas(heap),
    "page table (p present, r read, w write, a accessed, d dirty, l locked; s in swap):",
    ...entries(heap),
    "TLBs (pages that a thread can read, write):",
    ...tlbs(heap),
  ].join("\n");
}

class HeapReader {
  constructor(private readonly words: Uint32Array) {}

  word(physical: number): number {
    return this.words[physical >>> 2] as number;
  }

  control(field: number): number {
    return this.word(L.CB + field);
  }

  get pages(): number {
    return this.control(L.CB_VIRTUAL_PAGES);
  }

  /** Flags and frame of a page's entry. */
  entry(page: number): [flags: number, frame: number] {
    const at = this.control(L.CB_PAGE_TABLE) + 8 * page;
    return [this.word(at), this.word(at + 4)];
  }

  /** A field of a page's descriptor. */
  page(page: number, field: number): number {
    return this.word(this.control(L.CB_DESCRIPTORS) + page * L.PAGE_DESCRIPTOR_SIZE + field);
  }

  thread(slot: number): number {
    return this.control(L.CB_THREADS) + slot * L.THREAD_BLOCK_SIZE;
  }
}

/** As RuntimeOptions counts them: slot 1 is the main thread's. */
const threadName = (slot: number): string => (slot === 1 ? "main" : `worker ${slot - 1}`);

function* arenas(heap: HeapReader): Generator<string> {
  for (let arena = 0; arena < heap.pages / L.ARENA_PAGES; arena++) {
    const kind = heap.word(heap.control(L.CB_ARENA_KIND) + 4 * arena);
    if (kind === L.ARENA_UNUSED) continue;
    const first = arena * L.ARENA_PAGES;
    const pages = Array.from({ length: L.ARENA_PAGES }, (_, n) => first + n);
    const used = pages.filter((page) => heap.page(page, L.PD_STATE) !== L.PAGE_FREE).length;
    const resident = pages.filter((page) => heap.entry(page)[0] & L.PTE_PRESENT).length;
    const swapped = pages.filter((page) => heap.entry(page)[0] & L.PTE_SWAPPED).length;
    const range = `${pad(first * L.PAGE_SIZE)}-${pad((first + L.ARENA_PAGES) * L.PAGE_SIZE)}`;
    yield `${range} rw-s heap      arena of ${kind === L.ARENA_SMALL ? "small pages" : "runs"}`;
    yield `    Size ${kib(L.ARENA_PAGES)}, Used ${kib(used)}, Rss ${kib(resident)}, Swap ${kib(swapped)}`;
    if (kind === L.ARENA_SMALL) yield* smallPages(heap, pages);
    else yield* runs(heap, pages);
  }
}

/** A line for each owner and size class. Blocks that are about to be handed out count as taken. */
function* smallPages(heap: HeapReader, pages: readonly number[]): Generator<string> {
  const groups = new Map<string, { pages: number; used: number; capacity: number }>();
  for (const page of pages) {
    if (heap.page(page, L.PD_STATE) !== L.PAGE_SMALL) continue;
    const name = `blocks of ${heap.page(page, L.PD_BLOCK_SIZE)} bytes, ${threadName(heap.page(page, L.PD_OWNER))}`;
    const group = groups.get(name) ?? { pages: 0, used: 0, capacity: 0 };
    groups.set(name, group);
    group.pages++;
    group.used += heap.page(page, L.PD_USED);
    group.capacity += heap.page(page, L.PD_CAPACITY);
  }
  for (const [name, { pages: count, used, capacity }] of groups)
    yield `    ${name}: ${kib(count)}, ${used} of ${capacity} taken`;
}

function* runs(heap: HeapReader, pages: readonly number[]): Generator<string> {
  for (const page of pages) {
    if (heap.page(page, L.PD_STATE) !== L.PAGE_RUN) continue;
    const length = heap.page(page, L.PD_RUN_PAGES);
    const owner = threadName((heap.page(page, L.PD_OWNER) & ~L.OWNER_RUN) >>> 0);
    yield `    ${pad(page * L.PAGE_SIZE)}-${pad((page + length) * L.PAGE_SIZE)} run, ${owner}: ${kib(length)}`;
  }
}

/** Neighbouring pages of the same kind in neighbouring frames, or slots, are one line. */
function* entries(heap: HeapReader): Generator<string> {
  let [first, firstFrame, kind] = [0, 0, 0];
  for (let page = 1; page <= heap.pages; page++) {
    const [flags, frame] = page < heap.pages ? heap.entry(page) : [0, 0];
    if (kind !== 0 && flags === kind && frame === firstFrame + page - first) continue;
    if (kind !== 0) {
      const where = kind & L.PTE_SWAPPED ? "slot" : "frame";
      const frames =
        page - first === 1 ? `${where} ${firstFrame}` : `${where}s ${firstFrame} to ${firstFrame + page - first - 1}`;
      yield `    ${pad(first * L.PAGE_SIZE)}-${pad(page * L.PAGE_SIZE)}  ${flagsOf(kind)}  ${frames}`;
    }
    [first, firstFrame, kind] = [page, frame, flags & (L.PTE_PRESENT | L.PTE_SWAPPED) ? flags : 0];
  }
}

function flagsOf(entry: number): string {
  const flags = [L.PTE_PRESENT, L.PTE_READ, L.PTE_WRITE, L.PTE_ACCESSED, L.PTE_DIRTY, L.PTE_PINNED];
  if (entry & L.PTE_SWAPPED) return "s-----";
  return flags.map((flag, n) => (entry & flag ? "prwadl".charAt(n) : "-")).join("");
}

function* tlbs(heap: HeapReader): Generator<string> {
  for (let slot = 1; slot < heap.control(L.CB_SLOTS); slot++) {
    if (heap.word(heap.thread(slot) + L.TB_STATE) === L.THREAD_FREE) continue;
    const table = heap.control(L.CB_TLBS) + slot * 2 * L.TLB_SIZE;
    let [reads, writes] = [0, 0];
    for (let page = 1; page < heap.pages; page++) {
      if (!(heap.entry(page)[0] & L.PTE_PRESENT)) continue;
      reads += heap.word(table + 4 * page) & 1;
      writes += heap.word(table + L.TLB_SIZE + 4 * page) & 1;
    }
    yield `    ${threadName(slot)}: ${reads}, ${writes}`;
  }
}
