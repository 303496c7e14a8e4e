/**
 * Pages of a snapshot, for whoever saves it: each is copied out of the shared memory when it is asked for, so what coroutines write
 * meanwhile is of no concern, and no version is made for it. The last few thousand are remembered, and their memory is used again.
 */
import { type HeapExports, type Kernel, Layout as L, OutOfMemoryError } from "@ungil/kernel";
import { SnapshotLostError } from "./errors.js";
import { PAGE_WORDS } from "./image-objects.js";

/** Pages that are remembered: 32 MiB. */
const REMEMBERED = 2048;

export interface SourcePage {
  /** PAGE_SMALL, PAGE_RUN or PAGE_RUN_TAIL. */
  readonly state: number;
  readonly blockSize: number;
  /** Of a run: how many pages it has. */
  readonly pages: number;
  readonly words: Uint32Array;
}

export class ImageSource {
  readonly #kernel: Kernel;
  readonly #x: HeapExports;
  readonly #cut: number;
  readonly #frame: number;
  readonly #known = new Map<number, SourcePage>();
  #held = 0;

  /** Throws OutOfMemoryError if there is not one frame left. Close it. */
  constructor(kernel: Kernel, cut: number) {
    this.#kernel = kernel;
    this.#x = kernel.exports;
    this.#cut = cut;
    this.#frame = this.#x.imageFrameTake() >>> 0;
    if (!this.#frame) throw new OutOfMemoryError("Saving an image");
  }

  /** A page as it was; null if there was none. Valid until many others have been asked for, unless it is held. */
  page(number: number): SourcePage | null {
    const known = this.#known.get(number);
    if (known) return known;
    const { u32, outA, outB } = this.#kernel;
    const state = this.#read(number);
    if (!this.#x.snapshotIsWhole(this.#cut)) throw new SnapshotLostError();
    if (state === L.PAGE_FREE) return null;
    const words = this.#forget() ?? new Uint32Array(PAGE_WORDS);
    words.set(u32.subarray(this.#frame >>> 2, (this.#frame >>> 2) + PAGE_WORDS));
    const page = { state, blockSize: u32[outB] as number, pages: u32[outA] as number, words };
    this.#known.set(number, page);
    return page;
  }

  /** Copies it to the frame: PAGE_*. Meanwhile no other thread gives it up. */
  #read(number: number): number {
    this.#x.pastEnter();
    try {
      return this.#x.pageReadAt(number, this.#cut, this.#frame);
    } finally {
      this.#x.pastLeave();
    }
  }

  /** The same, and it stays valid until another one is held. */
  hold(number: number): SourcePage | null {
    this.#held = number;
    return this.page(number);
  }

  /** The memory of the page that was asked for first, if there are many. */
  #forget(): Uint32Array | null {
    if (this.#known.size < REMEMBERED) return null;
    for (const [number, { words }] of this.#known) {
      if (number === this.#held) continue;
      this.#known.delete(number);
      return words;
    }
    return null;
  }

  close(): void {
    this.#x.imageFrameGive(this.#frame);
  }
}
