/**
 * Opening an image: its pages come back where they were, and everything that an image does not hold is made again: counts from the
 * references found, the intern table from the strings, free lists from what is empty, the type table from its names. Whatever
 * an image says is checked before anybody can touch it: each object fits its block, and refers to objects.
 *
 *   place (no thread runs yet)  ->  fill each page  ->  rebuild  ->  bind (types and roots, once the main thread is attached)
 */
import { type Kernel, Layout as L } from "@ungil/kernel";
import type { Heap } from "./heap.js";
import {
  builtinShapes,
  bytesOf,
  eachValue,
  HEADER_KEPT,
  type ImageHeader,
  PAGE_WORDS,
  type Shape,
  shapeOf,
  valuesStart,
} from "./image-objects.js";
import type { Scope } from "./scope.js";

/** A page, as an image lists it (image-scan.ts says what `extent` is). */
export interface PlacedPage {
  readonly page: number;
  readonly kind: number;
  readonly extent: number;
}

export class ImageLoad {
  readonly #kernel: Kernel;
  readonly #header: ImageHeader;
  readonly #pages: readonly PlacedPage[];
  readonly #damaged: (reason: string) => Error;
  /** Of each virtual page: where it is, its first word, and the size of its blocks (of a run: nothing else begins on it). */
  readonly #at: Uint32Array;
  readonly #blockSize: Uint32Array;
  readonly #shapes: Map<number, Shape>;
  /** What the types of the image are called here: without gaps, in the order of the header. */
  readonly #numbers: ReadonlyMap<number, number>;
  readonly #roots: ReadonlySet<number>;

  /** `damaged`: the error for an image that contradicts itself. */
  constructor(kernel: Kernel, header: ImageHeader, pages: readonly PlacedPage[], damaged: (reason: string) => Error) {
    this.#kernel = kernel;
    this.#header = header;
    this.#pages = pages;
    this.#damaged = damaged;
    const virtual = kernel.control(L.CB_VIRTUAL_PAGES);
    this.#at = new Uint32Array(virtual);
    this.#blockSize = new Uint32Array(virtual);
    this.#shapes = new Map(builtinShapes);
    for (const { id, size, refMask } of header.types) this.#shapes.set(id, shapeOf(size, refMask));
    this.#numbers = new Map(header.types.map(({ id }, n) => [id, L.TYPE_FIRST_USER + n]));
    this.#roots = new Set(Object.values(header.roots));
  }

  /** Maps all pages. Runs first, the longest before the others: each wants neighbouring frames. */
  place(): void {
    const runs = this.#pages.filter(({ kind }) => kind === L.PAGE_RUN).sort((a, b) => b.extent - a.extent);
    for (const { page, extent } of runs) {
      const base = this.#kernel.exports.imageRunPlace(page, extent) >>> 0;
      if (!base) throw this.#damaged(`there can be no run of ${extent} pages at page ${page}`);
      for (let n = 0; n < extent; n++) this.#at[page + n] = base + n * L.PAGE_SIZE;
      this.#blockSize[page] = extent * L.PAGE_SIZE;
    }
    for (const { page, kind, extent } of this.#pages) {
      if (kind === L.PAGE_RUN_TAIL && this.#at[page] && !this.#blockSize[page]) continue;
      if (kind === L.PAGE_RUN) continue;
      const base = kind === L.PAGE_SMALL ? this.#kernel.exports.imagePagePlace(page, extent) >>> 0 : 0;
      if (!base) throw this.#damaged(`there can be no page ${page} of kind ${kind} with ${extent}`);
      this.#at[page] = base;
      this.#blockSize[page] = extent;
    }
    const filled = new Set(this.#pages.map(({ page }) => page));
    for (let page = 0; page < this.#at.length; page++) {
      if (this.#at[page] && !filled.has(page)) throw this.#damaged(`page ${page} of a run is missing`);
    }
  }

  /** Puts the content of a page in its place. */
  fill({ page }: PlacedPage, content: Uint8Array): void {
    this.#kernel.u8.set(content, this.#at[page] as number);
  }

  /** Makes counts, and all the rest, a page a step. All pages are filled. */
  *rebuild(): Generator<void> {
    for (const { page, kind } of this.#pages) {
      if (kind === L.PAGE_SMALL) this.#eachBlock(page, (at) => this.#object(page, at));
      else if (kind === L.PAGE_RUN) this.#object(page, this.#first(page));
      yield;
    }
    for (const address of this.#roots)
      if (!this.#wordIn(address)) throw this.#damaged(`a root, ${address}, is no object`);
    const stamp = (this.#kernel.control(L.CB_EPOCH) & 7) << L.COUNT_STAMP_SHIFT;
    for (const { page, kind } of this.#pages) {
      if (kind === L.PAGE_SMALL) {
        this.#eachBlock(page, (at) => this.#settle(page, at, stamp));
        this.#kernel.exports.imagePageFinish(page);
      } else if (kind === L.PAGE_RUN) this.#settle(page, this.#first(page), stamp);
      yield;
    }
  }

  #first(page: number): number {
    return (this.#at[page] as number) >>> 2;
  }

  #eachBlock(page: number, visit: (at: number) => void): void {
    const { u32 } = this.#kernel;
    const step = (this.#blockSize[page] as number) >>> 2;
    const first = this.#first(page);
    for (let at = first; at + step <= first + PAGE_WORDS; at += step) if (u32[at]) visit(at);
  }

  /** Checks an object and counts what it refers to. `at`: its first word. */
  #object(page: number, at: number): void {
    const { u32 } = this.#kernel;
    const header = u32[at] as number;
    const type = header & L.TYPE_MASK;
    const bytes = bytesOf(u32, at, this.#shapes);
    if (bytes === 0 || bytes > (this.#blockSize[page] as number) || (header & ~HEADER_KEPT) >>> 0 !== 0)
      throw this.#wrong(page, at, `is of type ${type} and takes ${bytes} bytes`);
    const start = valuesStart(type);
    if (start) eachValue(u32, at + (start >>> 2), at + (bytes >>> 2), this.#count);
    for (const n of this.#shapes.get(type)?.references ?? []) if (u32[at + n]) this.#count(u32[at + n] as number);
    this.#checkParts(page, at, type);
    if (type === L.TYPE_STR && header & L.HEADER_INTERNED) this.#intern(page, at);
  }

  /** A container's parts are what it takes them for, for the kernel looks no more. */
  #checkParts(page: number, at: number, type: number): void {
    const { u32 } = this.#kernel;
    const typeAt = (address: number) => u32[this.#wordOf(address)]! & L.TYPE_MASK;
    const field = (offset: number) => u32[at + (offset >>> 2)] as number;
    if (type === L.TYPE_DICT) {
      for (let n = 0; n < L.DICT_SHARDS; n++) {
        const table = field(L.DICT_TABLES + 4 * n);
        if (table && typeAt(table) !== L.TYPE_TABLE) throw this.#wrong(page, at, "has a shard that is no table");
      }
    } else if (type === L.TYPE_TABLE) {
      this.#checkTable(page, at, field(L.TABLE_CAPACITY), field(L.TABLE_COUNT), field(L.TABLE_USED));
    } else if (builtinShapes.has(type)) {
      const items = field(L.LIST_ITEMS);
      if (items && typeAt(items) !== L.TYPE_VALUES) throw this.#wrong(page, at, "has items that are none");
      const room = items ? (u32[this.#wordOf(items) + (L.VALUES_CAPACITY >>> 2)] as number) : 0;
      if (field(L.LIST_LENGTH) > room)
        throw this.#wrong(page, at, `has ${field(L.LIST_LENGTH)} items, room for ${room}`);
    }
  }

  /** A search in a table ends at a hole, so there must be some. */
  #checkTable(page: number, at: number, capacity: number, count: number, used: number): void {
    const { u32 } = this.#kernel;
    let [holes, tombstones] = [0, 0];
    for (let n = 0; n < capacity; n++) {
      const key = (u32[at + ((L.TABLE_DATA + n * L.ENTRY_SIZE + 4) >>> 2)] as number) >>> 16;
      if (key === L.BOX_HOLE) holes++;
      else if (key === L.BOX_TOMBSTONE) tombstones++;
    }
    const isRight = used === capacity - holes && count === used - tombstones && used * 4 <= capacity * 3;
    if (capacity === 0 || (capacity & (capacity - 1)) !== 0 || !isRight)
      throw this.#wrong(
        page,
        at,
        `counts ${count} of ${used} entries, and has ${capacity - holes - tombstones} of ${capacity}`,
      );
  }

  /** First word of the object at an address; 0 if there can be none. */
  #wordOf(address: number): number {
    const page = address >>> L.PAGE_SHIFT;
    const size = page < this.#at.length ? (this.#blockSize[page] as number) : 0;
    const offset = address & L.PAGE_MASK;
    if (size === 0 || offset % size !== 0 || (offset + size > L.PAGE_SIZE && offset !== 0)) return 0;
    return ((this.#at[page] as number) + offset) >>> 2;
  }

  /** The same; 0 too if there is none. */
  #wordIn(address: number): number {
    const at = this.#wordOf(address);
    return at && this.#kernel.u32[at] ? at : 0;
  }

  readonly #count = (address: number): void => {
    const { u32 } = this.#kernel;
    const at = this.#wordIn(address);
    if (!at) throw this.#damaged(`it refers to address ${address}, where nothing is`);
    const word = at + (L.OBJECT_COUNT >>> 2);
    if ((u32[word] as number) < L.COUNT_IMMORTAL) u32[word] = (u32[word] as number) + L.COUNT_ONE;
  };

  /** Puts a string into the intern table. */
  #intern(page: number, at: number): void {
    const { u32 } = this.#kernel;
    if ((u32[at + (L.STR_LENGTH >>> 2)] as number) > L.INTERN_MAX)
      throw this.#wrong(page, at, "is too long to be interned");
    const hash = u32[at + (L.STR_HASH >>> 2)] as number;
    const buckets = this.#kernel.control(L.CB_INTERN_BUCKETS);
    const bucket = (this.#kernel.control(L.CB_INTERN) >>> 2) + (hash & (buckets - 1));
    u32[at + (L.STR_NEXT >>> 2)] = u32[bucket] as number;
    u32[bucket] = this.#addressOf(page, at);
  }

  /** The last look at an object: it has been counted, and its type gets the number that it has here. */
  #settle(page: number, at: number, stamp: number): void {
    const { u32 } = this.#kernel;
    const word = at + (L.OBJECT_COUNT >>> 2);
    if (u32[word] === 0 && !this.#roots.has(this.#addressOf(page, at)))
      throw this.#wrong(page, at, "is referred to by nobody");
    if ((u32[word] as number) < L.COUNT_IMMORTAL) u32[word] = ((u32[word] as number) | stamp) >>> 0;
    const header = u32[at] as number;
    const number = this.#numbers.get(header & L.TYPE_MASK);
    if (number !== undefined) u32[at] = ((header & ~L.TYPE_MASK) | number) >>> 0;
  }

  /** Registers the types and keeps the roots, each as often as it has a name: the scopes that are to be released. In a batch. */
  bind(heap: Heap): ReadonlyMap<string, Scope> {
    const { strings, x } = heap;
    this.#header.types.forEach(({ name, url, schema, hash, size, refMask }, n) => {
      const [nameAt, urlAt, schemaAt] = [name, url, schema].map((text) => strings.address(text));
      const id = x.typeRegister(nameAt as number, urlAt as number, schemaAt as number, ...hash, size, ...refMask);
      if (id !== L.TYPE_FIRST_USER + n) throw this.#damaged(`its struct "${name}" cannot be registered`);
    });
    return new Map(Object.entries(this.#header.roots).map(([name, address]) => [name, heap.adopt(address | 0)]));
  }

  #addressOf(page: number, at: number): number {
    return ((page << L.PAGE_SHIFT) >>> 0) + (at << 2) - (this.#at[page] as number);
  }

  #wrong(page: number, at: number, what: string): Error {
    return this.#damaged(`the object at address ${this.#addressOf(page, at)} ${what}`);
  }
}
