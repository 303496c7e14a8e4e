/** Memory as the verifier reads it: physical words, lists in chunks, and the violations found. */
import { readSync } from "node:fs";
import { type Kernel, Layout as L } from "@ungil/kernel";

/** Live objects: address -> size of the block. */
export type Objects = Map<number, number>;
/** How often each object is referred to, by address. */
export type Counts = Map<number, number>;

export const hex = (address: number) => `0x${address.toString(16)}`;
export const add = (counts: Counts, address: number) => counts.set(address, (counts.get(address) ?? 0) + 1);

/** Beyond all physical memory: here stands, for the verifier, what is in the swap file. */
const SWAPPED = 2 ** 32;

export class Reader {
  readonly violations: string[] = [];
  readonly pages: number;
  readonly types: number;
  readonly frames: number;
  readonly frameBase: number;
  /** What has been read from the swap file: by page, and the contents. */
  readonly #read = new Map<number, number>();
  readonly #swapped: Uint8Array[] = [];

  /** `exact`: what is lost to everybody is a violation too. A thread that was killed may have lost what it held. */
  constructor(
    readonly kernel: Kernel,
    readonly exact: boolean,
  ) {
    this.pages = kernel.control(L.CB_VIRTUAL_PAGES);
    this.types = kernel.control(L.CB_TYPE_COUNT);
    this.frames = kernel.control(L.CB_FRAMES);
    this.frameBase = kernel.control(L.CB_FRAME_BASE);
  }

  word(physical: number): number {
    if (physical < SWAPPED) return this.kernel.u32[physical >>> 2] as number;
    const page = this.#swapped[Math.floor((physical - SWAPPED) / L.PAGE_SIZE)] as Uint8Array;
    return new DataView(page.buffer).getUint32((physical - SWAPPED) % L.PAGE_SIZE, true);
  }

  /** Bytes of an object that do not cross the end of a page, unless it is in memory. */
  bytes(physical: number, length: number): Uint8Array {
    if (physical < SWAPPED) return this.kernel.u8.subarray(physical, physical + length);
    const from = (physical - SWAPPED) % L.PAGE_SIZE;
    const page = this.#swapped[Math.floor((physical - SWAPPED) / L.PAGE_SIZE)] as Uint8Array;
    return page.subarray(from, from + length);
  }

  /** Physical address of a virtual one, 0 where nothing is mapped. What is in the swap file has one beyond all memory. */
  walk(address: number): number {
    const physical = this.kernel.walk(address);
    if (physical) return physical;
    const page = address >>> L.PAGE_SHIFT;
    const read = this.#read.get(page) ?? this.#readRun(page);
    return read && read + (address & L.PAGE_MASK);
  }

  /** Entry of a page in the page table: flags, and a frame or a slot. */
  entry(page: number): [flags: number, number: number] {
    const at = this.kernel.control(L.CB_PAGE_TABLE) + page * 8;
    return [this.word(at), this.word(at + 4)];
  }

  /** Reads a page, or all of a run, which stays in one piece, from the swap file. */
  #readRun(page: number): number {
    if (page >= this.pages || !(this.entry(page)[0] & L.PTE_SWAPPED)) return 0;
    const state = (of: number) => this.word(this.descriptor(of) + L.PD_STATE);
    let head = page;
    while (state(head) === L.PAGE_RUN_TAIL) head--;
    const pages = state(head) === L.PAGE_RUN ? this.word(this.descriptor(head) + L.PD_RUN_PAGES) : 1;
    for (let n = head; n < head + pages && n < this.pages; n++) {
      this.#read.set(n, SWAPPED + this.#swapped.length * L.PAGE_SIZE);
      const content = new Uint8Array(L.PAGE_SIZE);
      const [flags, slot] = this.entry(n);
      if (!(flags & L.PTE_SWAPPED) || !this.#readSlot(slot, content))
        this.violation("swap", `page ${n} cannot be read from slot ${slot}`);
      this.#swapped.push(content);
    }
    return this.#read.get(page) ?? 0;
  }

  #readSlot(slot: number, to: Uint8Array): boolean {
    const { swap } = this.kernel.machine;
    return swap !== null && readSync(swap.descriptor, to, 0, L.PAGE_SIZE, slot * L.PAGE_SIZE) === L.PAGE_SIZE;
  }

  /** A word of an object; 0 where nothing is mapped. */
  at(address: number, offset: number): number {
    const physical = this.walk(address);
    return physical ? this.word(physical + offset) : 0;
  }

  bit(map: number, n: number): boolean {
    return ((this.word(map + (n >>> 5) * 4) >>> (n & 31)) & 1) === 1;
  }

  descriptor(page: number): number {
    return this.kernel.control(L.CB_DESCRIPTORS) + page * L.PAGE_DESCRIPTOR_SIZE;
  }

  /** Page of a descriptor, or 0 if that is none. */
  pageOf(descriptor: number): number {
    const page = (descriptor - this.kernel.control(L.CB_DESCRIPTORS)) / L.PAGE_DESCRIPTOR_SIZE;
    return Number.isInteger(page) && page > 0 && page < this.pages ? page : 0;
  }

  isType(type: number): boolean {
    return (type >= L.TYPE_STR && type <= L.TYPE_LAST) || (type >= L.TYPE_FIRST_USER && type < this.types);
  }

  violation(name: string, what: string): void {
    if (this.violations.length < 100) this.violations.push(`${name}: ${what}`);
  }

  /** Slots and their blocks. */
  *threads(): Generator<[slot: number, block: number]> {
    for (let slot = 1; slot < this.kernel.control(L.CB_SLOTS); slot++) yield [slot, this.kernel.threadBlock(slot)];
  }

  /** Descriptors of a list that is linked through a field of theirs; stops at one that is none, or was there already. */
  *descriptors(head: number, link: number): Generator<number> {
    const seen = new Set<number>();
    for (let at = head; at !== 0 && !seen.has(at) && this.pageOf(at); at = this.word(at + link)) {
      seen.add(at);
      yield at;
    }
  }

  /** Entries of a chunk list of the thread block, oldest first; `words` of each. */
  *list(block: number, fields: number, words = 1, head = 0): Generator<number> {
    const top = this.word(block + fields);
    let chunk = this.word(block + fields + 8);
    let at = head;
    if (head && (head & L.PAGE_MASK) === 0) {
      chunk = this.word(head - L.PAGE_SIZE + 4);
      at = 0;
    }
    for (let left = this.frames; chunk && top && left > 0; left--) {
      const end = top > chunk && top <= chunk + L.PAGE_SIZE ? top : chunk + L.PAGE_SIZE;
      for (let p = at || chunk + L.CHUNK_HEADER; p < end; p += 4 * words) yield this.word(p);
      if (end === top) return;
      at = 0;
      chunk = this.word(chunk + 4);
    }
  }
}
