/** Memory as the verifier reads it: physical words, lists in chunks, and the violations found. */
import { type Kernel, Layout as L } from "@ungil/kernel";

/** Live objects: address -> size of the block. */
export type Objects = Map<number, number>;
/** How often each object is referred to, by address. */
export type Counts = Map<number, number>;

export const hex = (address: number) => `0x${address.toString(16)}`;
export const add = (counts: Counts, address: number) => counts.set(address, (counts.get(address) ?? 0) + 1);

export class Reader {
  readonly violations: string[] = [];
  readonly pages: number;
  readonly types: number;
  readonly frames: number;
  readonly frameBase: number;

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
    return this.kernel.u32[physical >>> 2] as number;
  }

  /** A word of an object; 0 where nothing is mapped. */
  at(address: number, offset: number): number {
    const physical = this.kernel.walk(address);
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
    return (type >= L.TYPE_STR && type <= L.TYPE_BIGINT) || (type >= L.TYPE_FIRST_USER && type < this.types);
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
