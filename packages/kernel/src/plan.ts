/**
 * Where everything stands in physical memory. The plan is made once, by the thread that starts the machine, and written
 * into the control block, where every instance of the kernel reads it.
 */

import { MemorySizeError } from "./errors.js";
import * as L from "./layout.js";

/** Bytes of a WebAssembly page; a shared memory has at most 65,536 of them. */
const WASM_PAGE = 65536;
export const MEMORY_MAX = 65536 * WASM_PAGE;
/** The least that holds the lists of a few threads and a heap beside them. */
export const MEMORY_MIN = 1 << 20;

/** Bytes of the heap, memory and swap together, for which the intern table has a bucket: a heap full of strings has some five in each. */
const BUCKET_SHARE = 256;
const BUCKETS_MAX = 1 << 22;

export interface Plan {
  /** Total size of the WebAssembly memory in bytes. */
  readonly bytes: number;
  readonly frames: number;
  /** Control block fields: offset -> value. */
  readonly fields: ReadonlyMap<number, number>;
}

const align = (value: number, to: number) => Math.ceil(value / to) * to;

// Twice as many addresses as memory, so that runs find neighbouring pages in a fragmented heap.
const virtualPages = (frames: number) =>
  Math.min(L.VIRTUAL_PAGES_MAX, align(2 * frames + 2 * L.ARENA_PAGES, L.ARENA_PAGES));

/** Bytes of the smallest heap that has so many virtual pages. */
export function heapBytesFor(pages: number): number {
  return Math.max(0, Math.ceil((pages - 2 * L.ARENA_PAGES) / 2)) * L.PAGE_SIZE;
}

/** Bytes that memory must have beside `bytes` that are used, for ordinary allocation leaves them alone (`frameReserve`). */
export function reserveBeside(bytes: number): number {
  const pages = Math.ceil(Math.min(4 << 20, Math.max(128 << 10, bytes / 31)) / L.PAGE_SIZE);
  return pages * L.PAGE_SIZE;
}

/** What a swap file of so many bytes has room for, at least: some slots are kept so that pages can come back (`slotsReserve`). */
export function roomInSwap(bytes: number): number {
  const slots = Math.floor(bytes / L.PAGE_SIZE);
  return (slots - Math.floor(slots / 8)) * L.PAGE_SIZE;
}

/** The least swap file that has room for so much. */
export function swapFor(bytes: number): number {
  const pages = Math.ceil(bytes / L.PAGE_SIZE);
  return pages > 0 ? (pages + Math.floor((pages - 1) / 7)) * L.PAGE_SIZE : 0;
}

/**
 * Plans a machine whose heap has `heapBytes` of physical memory, `swapBytes` beyond it in a swap file, and `slots` thread
 * slots (slot 0 is never used). The kernel's own tables come on top; pages of them that are never touched cost nothing.
 */
export function plan(heapBytes: number, slots: number, gil: boolean, swapBytes = 0): Plan {
  if (!(heapBytes >= MEMORY_MIN))
    throw new MemorySizeError(`memory is ${heapBytes} bytes; ${MEMORY_MIN} (1 MiB) is the least`);
  const frames = Math.floor(heapBytes / L.PAGE_SIZE);
  const swapSlots = Math.floor(swapBytes / L.PAGE_SIZE);
  const pages = virtualPages(frames + swapSlots);
  const arenas = pages / L.ARENA_PAGES;
  const all = (frames + swapSlots) * L.PAGE_SIZE;
  const buckets = Math.max(1024, Math.min(BUCKETS_MAX, 2 ** Math.ceil(Math.log2(all / BUCKET_SHARE))));

  const fields = new Map<number, number>();
  let at = L.CB + L.CB_SIZE;
  const place = (field: number, bytes: number) => {
    fields.set(field, at);
    at = align(at + bytes, 128);
  };
  const allSlots = slots + L.VIEWS_MAX + 1; // the last one is the system thread's
  place(L.CB_THREADS, allSlots * L.THREAD_BLOCK_SIZE);
  place(L.CB_TYPES, L.TYPES_MAX * L.TYPE_ENTRY_SIZE);
  place(L.CB_ARENA_MAP, arenas * 8);
  place(L.CB_ARENA_KIND, arenas * 4);
  place(L.CB_FRAME_MAP, align(frames, 64) / 8);
  place(L.CB_INTERN, buckets * 4);
  place(L.CB_INTERN_FILTERS, buckets * 4);
  place(L.CB_WEAK, buckets * L.WEAK_BUCKET_SIZE);
  place(L.CB_PAGE_TABLE, pages * 8);
  place(L.CB_HISTORY, pages * L.HISTORY_SIZE);
  place(L.CB_FRAME_PAGES, frames * 4);
  place(L.CB_VICTIMS, swapSlots ? frames * 4 : 0);
  place(L.CB_HARVEST, swapSlots ? frames * 4 : 0);
  place(L.CB_SWAP_MAP, align(swapSlots, 64) / 8);
  place(L.CB_SWAP_COPIES, swapSlots ? pages * 4 : 0);
  place(L.CB_DESCRIPTORS, pages * L.PAGE_DESCRIPTOR_SIZE);
  place(L.CB_TLBS, allSlots * 2 * L.TLB_SIZE);
  at = align(at, L.PAGE_SIZE);
  fields.set(L.CB_FRAME_BASE, at);
  const bytes = align(at + frames * L.PAGE_SIZE, WASM_PAGE);
  if (bytes > MEMORY_MAX) {
    const most = Math.floor((heapBytes - (bytes - MEMORY_MAX)) / (1 << 20));
    throw new MemorySizeError(
      `memory is ${heapBytes} bytes; the heap and the kernel's tables must fit in 4 GiB, so at most ${most} MiB with ${slots - 1} thread slots`,
    );
  }
  fields.set(L.CB_MAGIC, 0x756e6769);
  fields.set(L.CB_GIL_BUILD, gil ? 1 : 0);
  fields.set(L.CB_SLOTS, slots);
  fields.set(L.CB_FRAMES, frames);
  fields.set(L.CB_FRAMES_FREE, frames);
  fields.set(L.CB_FRAME_HINT_LAST, (align(frames, 64) >>> 6) - 1);
  fields.set(L.CB_SWAP_SLOTS, swapSlots);
  fields.set(L.CB_SWAP_FREE, swapSlots);
  fields.set(L.CB_SWAP_SPARE, swapSlots);
  // What threads still have from earlier operations is in the way of runs that come back: a quarter of memory at most.
  fields.set(L.CB_TRANSLATIONS_MAX, swapSlots ? Math.max(16, Math.floor(frames / (8 * slots))) : 0xffffffff);
  fields.set(L.CB_VIRTUAL_PAGES, pages);
  fields.set(L.CB_ARENAS, arenas);
  fields.set(L.CB_INTERN_BUCKETS, buckets);
  fields.set(L.CB_WEAK_BUCKETS, buckets);
  fields.set(L.CB_PHYSICAL_LIMIT, bytes);
  fields.set(L.CB_TYPE_COUNT, L.TYPE_FIRST_USER);
  fields.set(L.CB_EPOCH, 8); // so that "2 epochs old" never looks before the beginning
  fields.set(L.CB_TRANSLATION_EPOCH, 1);
  return { bytes, frames, fields };
}

/** Makes the memory and writes the plan into it. Page 0 of the address space is taken, and never mapped. */
export function createMemory(made: Plan): WebAssembly.Memory {
  const pages = made.bytes / WASM_PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const words = new Uint32Array(memory.buffer);
  for (const [field, value] of made.fields) words[(L.CB + field) >>> 2] = value;
  const arenaMap = made.fields.get(L.CB_ARENA_MAP) as number;
  words[arenaMap >>> 2] = 1;
  closeEnd(words, made.fields.get(L.CB_FRAME_MAP) as number, made.frames);
  closeEnd(words, made.fields.get(L.CB_SWAP_MAP) as number, made.fields.get(L.CB_SWAP_SLOTS) as number);
  return memory;
}

/** What a bit map has beyond its last bit is in use for ever. */
function closeEnd(words: Uint32Array, map: number, bits: number): void {
  for (let n = bits; n < align(bits, 64); n++) {
    const at = (map >>> 2) + (n >>> 5);
    words[at] = ((words[at] as number) | (1 << (n & 31))) >>> 0;
  }
}
