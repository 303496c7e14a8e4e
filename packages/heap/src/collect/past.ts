/** The heap as it was at a cut, page by page: read by the collector's instance of the kernel while all others go on. */
import { type HeapExports, type Kernel, Layout as L, OutOfMemoryError } from "@ungil/kernel";
import { SnapshotLostError } from "../errors.js";

/** Where pages were open for bump allocation when the cut was taken: page to the address of the first block not handed out. */
export type OpenPages = ReadonlyMap<number, number>;

/** While the world stands still. O(threads). */
export function openPages(kernel: Kernel): OpenPages {
  const open = new Map<number, number>();
  const { u32 } = kernel;
  for (let slot = 1; slot < kernel.control(L.CB_SLOTS); slot++) {
    const from = (kernel.threadBlock(slot) + L.TB_BUMP) >>> 2;
    for (let n = from; n < from + 2 * L.SMALL_CLASSES; n += 2) {
      const [next, end] = [u32[n] as number, u32[n + 1] as number];
      if (next !== end) open.set(((end - 1) >>> 0) >>> L.PAGE_SHIFT, next);
    }
  }
  return open;
}

export class Past {
  readonly #x: HeapExports;
  readonly #frame: number;
  /** The page that was read last. */
  readonly words: Uint32Array;
  /** Of the page that was looked at last: bytes of a block, and how many blocks it has; of a run its pages. */
  blockSize = 0;
  blocks = 0;

  /** Throws OutOfMemoryError if there is not one frame left. Close it. */
  constructor(
    readonly kernel: Kernel,
    readonly cut: number,
    readonly open: OpenPages,
  ) {
    this.#x = kernel.exports;
    this.#frame = this.#x.imageFrameTake() >>> 0;
    if (!this.#frame) throw new OutOfMemoryError("Collecting cycles");
    this.words = kernel.u32.subarray(this.#frame >>> 2, (this.#frame + L.PAGE_SIZE) >>> 2);
  }

  /** PAGE_* of a page as it was. */
  look(page: number): number {
    const { u32, outA, outB } = this.kernel;
    const state = this.#x.pastLook(page, this.cut);
    this.blockSize = u32[outB] as number;
    this.blocks = u32[outA] as number;
    const next = state === L.PAGE_SMALL ? this.open.get(page) : undefined;
    if (next !== undefined) this.blocks = (next - ((page << L.PAGE_SHIFT) >>> 0)) / this.blockSize;
    return state;
  }

  /** The page as it was comes to stand in `words`. */
  read(page: number): void {
    try {
      this.#x.pastRead(page, this.cut, this.#frame);
    } finally {
      this.#x.pastEnd();
    }
    if (!this.#x.snapshotIsWhole(this.cut)) throw new SnapshotLostError();
  }

  close(): void {
    this.#x.imageFrameGive(this.#frame);
  }
}
