/**
 * How often each block of an image is referred to, beside the pages, which need not be in memory: a byte a block, and what it
 * carries over for the few that are referred to more often. A sixteenth of the image at worst.
 */
import { Layout as L } from "@ungil/kernel";

/** A page, as an image lists it (image-scan.ts says what `extent` is). */
export interface PlacedPage {
  readonly page: number;
  readonly kind: number;
  readonly extent: number;
}

export class BlockCounts {
  /** Of each virtual page: the size of its blocks (of a run: nothing else begins on it), and the number of its first one. */
  readonly #blockSize: Uint32Array;
  readonly #firstBlock: Uint32Array;
  readonly #bytes: Uint8Array;
  /** In 256s. */
  readonly #carries = new Map<number, number>();

  constructor(virtual: number, pages: readonly PlacedPage[]) {
    this.#blockSize = new Uint32Array(virtual);
    this.#firstBlock = new Uint32Array(virtual);
    let blocks = 0;
    for (const { page, kind, extent } of pages) {
      if (kind === L.PAGE_RUN_TAIL) continue;
      this.#blockSize[page] = kind === L.PAGE_RUN ? extent * L.PAGE_SIZE : extent;
      this.#firstBlock[page] = blocks;
      blocks += kind === L.PAGE_RUN ? 1 : Math.floor(L.PAGE_SIZE / Math.max(extent, 1));
    }
    this.#bytes = new Uint8Array(blocks);
  }

  /** Whether a block begins at an address. */
  canBe(address: number): boolean {
    return this.#blockAt(address) >= 0;
  }

  /** One reference more; false if no block begins there. */
  add(address: number): boolean {
    const block = this.#blockAt(address);
    if (block < 0) return false;
    this.#bytes[block] = (this.#bytes[block] as number) + 1;
    if (this.#bytes[block] === 0) this.#carries.set(block, (this.#carries.get(block) ?? 0) + 1);
    return true;
  }

  /** Of an address where a block begins. */
  of(address: number): number {
    const block = this.#blockAt(address);
    return (this.#bytes[block] as number) + 256 * (this.#carries.get(block) ?? 0);
  }

  #blockAt(address: number): number {
    const page = address >>> L.PAGE_SHIFT;
    const size = page < this.#blockSize.length ? (this.#blockSize[page] as number) : 0;
    const offset = address & L.PAGE_MASK;
    if (size === 0 || offset % size !== 0 || (offset + size > L.PAGE_SIZE && offset !== 0)) return -1;
    return (this.#firstBlock[page] as number) + (offset === 0 ? 0 : offset / size);
  }
}
