/**
 * What a save writes: the objects of a snapshot that can be reached from its roots, and nothing else of the pages they stand on.
 * What is dead, free or beyond the end of an object is left out (it may be anybody's secret), and so is what means nothing to
 * another process: counts, locks, links of the intern table. So a page of which nothing else has changed is the same page.
 *
 * `mark` reads the pages in the order in which they are reached, each as long as there is something to look at on it; `pages` then
 * makes the pages to be written. Both go in steps, a page each, for the main thread has other things to do as well.
 */
import { Layout as L, SegmentationFaultError } from "@ungil/kernel";
import { bytesOf, eachValue, HEADER_KEPT, isCell, PAGE_WORDS, type Shape, valuesStart } from "./image-objects.js";
import type { ImageSource, SourcePage } from "./image-source.js";

/** Fields that mean nothing to another process, or are of a moment in the middle of an operation. */
const transient: ReadonlyMap<number, readonly number[]> = new Map([
  [L.TYPE_STR, [L.STR_NEXT]],
  [L.TYPE_VALUES, [L.VALUES_PROGRESS]],
  [L.TYPE_TABLE, [L.TABLE_PROGRESS, L.TABLE_NEXT]],
  [L.TYPE_DICT, [L.DICT_LOCKS]],
  [L.TYPE_WEAK, [L.WEAK_NEXT, L.WEAK_PREVIOUS, L.WEAK_UPGRADED, L.WEAK_DEATH]],
  [L.TYPE_FINALIZER, [L.WEAK_NEXT, L.WEAK_PREVIOUS, L.WEAK_UPGRADED, L.WEAK_DEATH]],
]);

/** Bytes; less is copied faster word by word. */
const LONG = 256;

interface Reached {
  readonly state: number;
  readonly blockSize: number;
  /** One bit a block that is reached. */
  readonly marks: Uint32Array;
  /** First words of blocks that are reached and not looked at yet. */
  readonly pending: number[];
  /** Of a tail: how many of its bytes belong to the object. */
  readonly bytes: number;
}

export interface ScannedPage {
  readonly page: number;
  /** PAGE_*. */
  readonly kind: number;
  /** Size of blocks; of the first page of a run, its pages; 0 of the others. */
  readonly extent: number;
  readonly content: Uint8Array;
}

export class ImageScan {
  readonly #source: ImageSource;
  readonly #shapes: ReadonlyMap<number, Shape>;
  readonly #refuse: (type: number, address: number) => Error;
  readonly #reached: (Reached | undefined)[] = [];
  /** Pages that are reached. */
  size = 0;
  /** Pages on which something is pending. */
  readonly #queue: number[] = [];
  readonly #content = new Uint32Array(PAGE_WORDS);
  /** By type: where its references are. */
  readonly #references: (readonly number[] | undefined)[] = [];
  #lastType = 0;
  /** Types of objects of a fixed size that were met. */
  readonly types = new Set<number>();
  objects = 0;
  /** Objects that somebody had locked. */
  locked = 0;

  /** `refuse`: the error for an object of a type that cannot be saved. */
  constructor(
    source: ImageSource,
    shapes: ReadonlyMap<number, Shape>,
    refuse: (type: number, address: number) => Error,
  ) {
    this.#source = source;
    this.#shapes = shapes;
    this.#refuse = refuse;
    for (const [type, { references }] of shapes) this.#references[type] = references;
  }

  /** Marks what is reached from these addresses. */
  *mark(roots: Iterable<number>): Generator<void> {
    for (const root of roots) this.#mark(root);
    for (let number = this.#queue.pop(); number !== undefined; number = this.#queue.pop()) {
      this.#look(number, this.#reached[number] as Reached);
      yield;
    }
  }

  readonly #mark = (address: number): void => {
    const number = address >>> L.PAGE_SHIFT;
    const page = this.#reached[number] ?? this.#reach(number, address);
    const offset = address & L.PAGE_MASK;
    const index = page.state === L.PAGE_SMALL ? Math.floor(offset / page.blockSize) : 0;
    const bit = 1 << (index & 31);
    if ((page.marks[index >>> 5] as number) & bit) return;
    page.marks[index >>> 5]! |= bit;
    if (page.pending.length === 0) this.#queue.push(number);
    page.pending.push(offset >>> 2);
  };

  #reach(number: number, address: number): Reached {
    const found = this.#source.page(number);
    if (!found || found.state === L.PAGE_RUN_TAIL) throw missing(address);
    const { state, blockSize } = found;
    const page = { state, blockSize, marks: new Uint32Array(32), pending: [], bytes: 0 };
    this.#reached[number] = page;
    this.size++;
    return page;
  }

  #hold(number: number): SourcePage {
    const page = this.#source.hold(number);
    if (!page) throw missing((number << L.PAGE_SHIFT) >>> 0);
    return page;
  }

  #look(number: number, page: Reached): void {
    const { words, pages } = this.#hold(number);
    if (page.state === L.PAGE_RUN_TAIL) {
      page.pending.length = 0;
      return eachValue(words, 0, page.bytes >>> 2, this.#mark);
    }
    for (let at = page.pending.pop(); at !== undefined; at = page.pending.pop())
      this.#object(number, words, at, page.state === L.PAGE_RUN ? pages : 0);
  }

  /** `pages`: of its run, 0 if it is none. */
  #object(number: number, words: Uint32Array, at: number, pages: number): void {
    const header = words[at] as number;
    const type = header & L.TYPE_MASK;
    this.objects++;
    if (header & L.HEADER_LOCKED) this.locked++;
    const references = this.#references[type];
    if (!references) return this.#other(number, words, at, pages);
    if (type !== this.#lastType) this.types.add((this.#lastType = type));
    for (let n = 0; n < references.length; n++) {
      const target = words[at + (references[n] as number)] as number;
      if (target !== 0) this.#mark(target);
    }
  }

  /** An object whose size is not that of all objects of its type, or which cannot be saved. */
  #other(number: number, words: Uint32Array, at: number, pages: number): void {
    const type = (words[at] as number) & L.TYPE_MASK;
    const bytes = bytesOf(words, at, this.#shapes);
    const address = ((number << L.PAGE_SHIFT) >>> 0) + at * 4;
    if (bytes === 0) throw type === 0 ? missing(address) : this.#refuse(type, address);
    const start = valuesStart(type);
    if (start) eachValue(words, at + (start >>> 2), Math.min(at + (bytes >>> 2), PAGE_WORDS), this.#mark);
    for (let n = 1; n < pages; n++) this.#tail(number + n, bytes - n * L.PAGE_SIZE, start > 0);
  }

  #tail(number: number, left: number, hasValues: boolean): void {
    const bytes = Math.max(0, Math.min(left, L.PAGE_SIZE));
    this.#reached[number] = { state: L.PAGE_RUN_TAIL, blockSize: 0, marks: new Uint32Array(0), pending: [0], bytes };
    this.size++;
    if (hasValues && bytes > 0) this.#queue.push(number);
  }

  /** The pages to be written, in order. The content of each is valid until the next one is asked for. */
  *pages(): Generator<ScannedPage> {
    for (let page = 0; page < this.#reached.length; page++) {
      const reached = this.#reached[page];
      if (!reached) continue;
      const { words, pages, blockSize } = this.#hold(page);
      this.#content.fill(0);
      let extent = 0;
      if (reached.state === L.PAGE_RUN_TAIL) {
        this.#copy(words, 0, reached.bytes);
      } else if (reached.state === L.PAGE_RUN) {
        extent = pages;
        this.#copyObject(words, 0);
      } else {
        extent = blockSize;
        this.#copyBlocks(words, reached);
      }
      yield { page, kind: reached.state, extent, content: new Uint8Array(this.#content.buffer) };
    }
  }

  #copyBlocks(words: Uint32Array, { marks, blockSize }: Reached): void {
    for (let n = 0; n < marks.length; n++) {
      for (let bits = marks[n] as number; bits !== 0; bits &= bits - 1)
        this.#copyObject(words, ((n * 32 + 31 - Math.clz32(bits & -bits)) * blockSize) >>> 2);
    }
  }

  #copyObject(words: Uint32Array, at: number): void {
    const content = this.#content;
    this.#copy(words, at, Math.min(bytesOf(words, at, this.#shapes), L.PAGE_SIZE - 4 * at));
    const header = words[at] as number;
    content[at] = (header & HEADER_KEPT) >>> 0;
    content[at + (L.OBJECT_COUNT >>> 2)] = 0;
    for (const field of transient.get(header & L.TYPE_MASK) ?? []) content[at + (field >>> 2)] = 0;
    if (!isCell(header & L.TYPE_MASK)) return;
    content[at + (L.WEAK_STATE >>> 2)] = (words[at + (L.WEAK_STATE >>> 2)] as number) & L.WEAK_DESTRUCTOR;
    // What nothing but weak cells leads to is not saved: to the image it has died.
    if (!this.#isMarked(words[at + (L.WEAK_TARGET >>> 2)] as number)) content[at + (L.WEAK_TARGET >>> 2)] = 0;
  }

  #isMarked(address: number): boolean {
    const page = this.#reached[address >>> L.PAGE_SHIFT];
    const index = page?.state === L.PAGE_SMALL ? Math.floor((address & L.PAGE_MASK) / page.blockSize) : 0;
    return page !== undefined && (((page.marks[index >>> 5] as number) >>> (index & 31)) & 1) === 1;
  }

  /** Of a string's last word, the bytes that are its own. */
  #copy(words: Uint32Array, at: number, bytes: number): void {
    const content = this.#content;
    const end = at + (bytes >>> 2);
    if (bytes > LONG) content.set(words.subarray(at, end), at);
    else for (let n = at; n < end; n++) content[n] = words[n] as number;
    if (bytes & 3) content[end] = (words[end] as number) & (2 ** (8 * (bytes & 3)) - 1);
  }
}

function missing(address: number): SegmentationFaultError {
  return new SegmentationFaultError(address, "Saving an image", "nothing is there");
}
