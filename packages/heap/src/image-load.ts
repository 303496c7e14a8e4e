/**
 * Opening an image: its pages come back where they were, and everything that an image does not hold is made again: counts from the
 * references found, the intern table from the strings, free lists from what is empty, the type table from its names. Whatever
 * an image says is checked before anybody can touch it: each object fits its block, and refers to objects.
 *
 *   arrange (no thread runs yet)  ->  fill each page  ->  rebuild  ->  bind (types and roots, once the main thread is attached)
 *
 * Memory may be smaller than the image: so each page is looked at twice, one after the other, and what is found of others in between
 * is in `BlockCounts`. Only one page, or run, is certain to be in memory: the one that is held.
 */
import { type Kernel, Layout as L, OutOfMemoryError } from "@ungil/kernel";
import type { Heap } from "./heap.js";
import { BlockCounts, type PlacedPage } from "./image-counts.js";
import {
  builtinShapes,
  bytesOf,
  eachValue,
  HEADER_KEPT,
  type ImageHeader,
  isCell,
  PAGE_WORDS,
  type Shape,
  shapeOf,
  valuesStart,
} from "./image-objects.js";
import type { Scope } from "./scope.js";

const noRoom = () => new OutOfMemoryError("Opening an image");

export class ImageLoad {
  readonly #kernel: Kernel;
  readonly #header: ImageHeader;
  readonly #pages: readonly PlacedPage[];
  readonly #damaged: (reason: string) => Error;
  /** Objects of the image, and how often each is referred to. */
  readonly #counts: BlockCounts;
  readonly #shapes: Map<number, Shape>;
  /** What the types of the image are called here: without gaps, in the order of the header. */
  readonly #numbers: ReadonlyMap<number, number>;
  readonly #roots: ReadonlySet<number>;
  /** The page that is held, and where it is. */
  #page = 0;
  #base = 0;
  /** Weak cells, and what they lead to. */
  readonly #cells: [cell: number, target: number][] = [];
  /** First page of the run that is being filled. */
  #run: PlacedPage | null = null;

  /** `damaged`: the error for an image that contradicts itself. */
  constructor(kernel: Kernel, header: ImageHeader, pages: readonly PlacedPage[], damaged: (reason: string) => Error) {
    this.#kernel = kernel;
    this.#header = header;
    this.#pages = pages;
    this.#damaged = damaged;
    this.#counts = new BlockCounts(kernel.control(L.CB_VIRTUAL_PAGES), pages);
    this.#shapes = new Map(builtinShapes);
    for (const { id, size, refMask } of header.types) this.#shapes.set(id, shapeOf(size, refMask));
    this.#numbers = new Map(header.types.map(({ id }, n) => [id, L.TYPE_FIRST_USER + n]));
    this.#roots = new Set(Object.values(header.roots));
    kernel.pageFault = () => {
      throw noRoom();
    };
    if (kernel.swap) kernel.swap.mustWork = true; // a machine that could not be filled is given up
  }

  /** The order in which pages must be filled: runs first, the longest before the others, for each wants neighbouring frames. */
  arrange<Page extends PlacedPage>(pages: readonly Page[]): Page[] {
    const byNumber = new Map(pages.map((page) => [page.page, page]));
    const arranged: Page[] = [];
    const runs = pages.filter(({ kind }) => kind === L.PAGE_RUN).sort((a, b) => b.extent - a.extent);
    for (const run of runs) {
      arranged.push(run);
      for (let n = 1; n < run.extent; n++) {
        const tail = byNumber.get(run.page + n);
        if (tail?.kind !== L.PAGE_RUN_TAIL) throw this.#damaged(`page ${run.page + n} of a run is missing`);
        arranged.push(tail);
      }
    }
    for (const page of pages) if (page.kind === L.PAGE_SMALL) arranged.push(page);
    if (arranged.length !== pages.length || byNumber.size !== pages.length)
      throw this.#damaged(`${pages.length} pages are listed, and ${arranged.length} can be`);
    return arranged;
  }

  /** Places a page and puts its content there. In the order of `arrange`. */
  fill(placed: PlacedPage, content: Uint8Array): void {
    const { page, kind, extent } = placed;
    if (kind !== L.PAGE_RUN_TAIL) this.#place(placed);
    this.#kernel.u8.set(content, this.#hold(page));
    if (kind === L.PAGE_SMALL) this.#eachBlock(extent, (at) => this.#object(at, extent));
    else if (this.#run && page === this.#run.page + this.#run.extent - 1)
      this.#object(this.#hold(this.#run.page) >>> 2, this.#run.extent * L.PAGE_SIZE);
  }

  #place(placed: PlacedPage): void {
    const { page, kind, extent } = placed;
    const { exports } = this.#kernel;
    const status = kind === L.PAGE_SMALL ? exports.imagePagePlace(page, extent) : exports.imageRunPlace(page, extent);
    if (status === L.E_MEMORY) throw noRoom();
    if (status !== 0) throw this.#damaged(`there can be no page ${page} of kind ${kind} with ${extent}`);
    if (kind === L.PAGE_RUN) this.#run = placed;
  }

  /** Makes counts, and all the rest, a page a step. All pages are filled. */
  *rebuild(): Generator<void> {
    for (const address of this.#roots)
      if (!this.#counts.canBe(address) || !this.#kernel.exports.imageWord(address))
        throw this.#damaged(`a root, ${address}, is no object`);
    const stamp = (this.#kernel.control(L.CB_EPOCH) & 7) << L.COUNT_STAMP_SHIFT;
    for (const [, target] of this.#cells)
      if (!this.#counts.canBe(target) || (!this.#counts.of(target) && !this.#roots.has(target)))
        throw this.#nothingAt(target);
    for (const { page, kind, extent } of this.#pages) {
      if (kind === L.PAGE_RUN_TAIL) continue;
      const first = this.#hold(page) >>> 2;
      if (kind === L.PAGE_RUN) this.#settle(first, stamp);
      else {
        this.#eachBlock(extent, (at) => this.#settle(at, stamp), true);
        this.#kernel.exports.imagePageFinish(page);
      }
      yield;
    }
    if (this.#kernel.swap) this.#kernel.swap.mustWork = false;
  }

  /** Physical address of a page, which is in memory until another one is held. */
  #hold(page: number): number {
    this.#page = page;
    this.#base = this.#kernel.exports.imagePageHold(page) >>> 0;
    if (!this.#base) throw noRoom();
    return this.#base;
  }

  /** Visits the blocks of the page that is held: the objects, or all. */
  #eachBlock(size: number, visit: (at: number) => void, all = false): void {
    const { u32 } = this.#kernel;
    const step = size >>> 2;
    const first = this.#base >>> 2;
    for (let at = first; at + step <= first + PAGE_WORDS; at += step) if (all || u32[at]) visit(at);
  }

  /** Checks an object and counts what it refers to. `at`: its first word. */
  #object(at: number, blockSize: number): void {
    const { u32 } = this.#kernel;
    const header = u32[at] as number;
    const type = header & L.TYPE_MASK;
    const bytes = bytesOf(u32, at, this.#shapes);
    if (bytes === 0 || bytes > blockSize || (header & ~HEADER_KEPT) >>> 0 !== 0)
      throw this.#wrong(at, `is of type ${type} and takes ${bytes} bytes`);
    const start = valuesStart(type);
    if (start) eachValue(u32, at + (start >>> 2), at + (bytes >>> 2), this.#count);
    for (const n of this.#shapes.get(type)?.references ?? []) if (u32[at + n]) this.#count(u32[at + n] as number);
    const target = isCell(type) ? (u32[at + (L.WEAK_TARGET >>> 2)] as number) : 0;
    if (target) this.#cells.push([this.#addressOf(at), target]);
    if (target && type === L.TYPE_FINALIZER) this.#count(this.#addressOf(at)); // its table will count it
    if (isCell(type)) u32[at + (L.WEAK_TARGET >>> 2)] = 0;
  }

  readonly #count = (address: number): void => {
    if (!this.#counts.add(address)) throw this.#nothingAt(address);
  };

  /** The last look at a block: its object gets its count, and its type the number that it has here. */
  #settle(at: number, stamp: number): void {
    const { u32 } = this.#kernel;
    const address = this.#addressOf(at);
    const count = Math.min(this.#counts.of(address) * L.COUNT_ONE, L.COUNT_IMMORTAL);
    const header = u32[at] as number;
    if (header === 0) {
      if (count > 0) throw this.#nothingAt(address);
      return;
    }
    if (count === 0 && !this.#roots.has(address)) throw this.#wrong(at, "is referred to by nobody");
    u32[at + (L.OBJECT_COUNT >>> 2)] = count < L.COUNT_IMMORTAL ? (count | stamp) >>> 0 : count;
    const type = header & L.TYPE_MASK;
    this.#checkParts(at, type);
    if (type === L.TYPE_STR && header & L.HEADER_INTERNED) this.#intern(at);
    const number = this.#numbers.get(type);
    if (number !== undefined) u32[at] = ((header & ~L.TYPE_MASK) | number) >>> 0;
  }

  /** A container's parts are what it takes them for, for the kernel looks no more. */
  #checkParts(at: number, type: number): void {
    const { u32 } = this.#kernel;
    const word = (address: number) => this.#kernel.exports.imageWord(address) >>> 0;
    const field = (offset: number) => u32[at + (offset >>> 2)] as number;
    if (type === L.TYPE_DICT) {
      for (let n = 0; n < L.DICT_SHARDS; n++) {
        const table = field(L.DICT_TABLES + 4 * n);
        if (table && (word(table) & L.TYPE_MASK) !== L.TYPE_TABLE)
          throw this.#wrong(at, "has a shard that is no table");
      }
    } else if (type === L.TYPE_TABLE) {
      this.#checkTable(at, field(L.TABLE_CAPACITY), field(L.TABLE_COUNT), field(L.TABLE_USED));
    } else if (isCell(type)) {
      for (const part of [L.WEAK_COROUTINE, L.WEAK_ARGS])
        if (field(part) && (word(field(part)) & L.TYPE_MASK) !== (part === L.WEAK_ARGS ? L.TYPE_ARRAY : L.TYPE_STR))
          throw this.#wrong(at, "has a coroutine, or arguments, that are none");
    } else if (builtinShapes.has(type)) {
      const items = field(L.LIST_ITEMS);
      if (items && (word(items) & L.TYPE_MASK) !== L.TYPE_VALUES) throw this.#wrong(at, "has items that are none");
      const room = items ? word(items + L.VALUES_CAPACITY) : 0;
      if (field(L.LIST_LENGTH) > room) throw this.#wrong(at, `has ${field(L.LIST_LENGTH)} items, room for ${room}`);
    }
  }

  /** A search in a table ends at a hole, so there must be some. */
  #checkTable(at: number, capacity: number, count: number, used: number): void {
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
        at,
        `counts ${count} of ${used} entries, and has ${capacity - holes - tombstones} of ${capacity}`,
      );
  }

  /** Puts a string into the intern table. */
  #intern(at: number): void {
    const { u32 } = this.#kernel;
    if ((u32[at + (L.STR_LENGTH >>> 2)] as number) > L.INTERN_MAX) throw this.#wrong(at, "is too long to be interned");
    const hash = u32[at + (L.STR_HASH >>> 2)] as number;
    const buckets = this.#kernel.control(L.CB_INTERN_BUCKETS);
    const bucket = (this.#kernel.control(L.CB_INTERN) >>> 2) + (hash & (buckets - 1));
    u32[at + (L.STR_NEXT >>> 2)] = u32[bucket] as number;
    u32[bucket] = this.#addressOf(at);
    const filter = bucket + ((this.#kernel.control(L.CB_INTERN_FILTERS) - this.#kernel.control(L.CB_INTERN)) >>> 2);
    u32[filter] = ((u32[filter] as number) | (1 << (hash >>> 27))) >>> 0;
  }

  /** Registers the types and keeps the roots, each as often as it has a name: the scopes that are to be released. In a batch. */
  bind(heap: Heap): ReadonlyMap<string, Scope> {
    const { strings, x } = heap;
    this.#header.types.forEach(({ name, url, schema, hash, size, refMask }, n) => {
      const [nameAt, urlAt, schemaAt] = [name, url, schema].map((text) => strings.address(text));
      const id = x.typeRegister(nameAt as number, urlAt as number, schemaAt as number, ...hash, size, ...refMask);
      if (id !== L.TYPE_FIRST_USER + n) throw this.#damaged(`its struct "${name}" cannot be registered`);
    });
    for (const [cell, target] of this.#cells) x.weakLink(cell | 0, target | 0);
    return new Map(Object.entries(this.#header.roots).map(([name, address]) => [name, heap.adopt(address | 0)]));
  }

  /** Virtual address of what is on the page that is held, or on its run. */
  #addressOf(at: number): number {
    return ((this.#page << L.PAGE_SHIFT) >>> 0) + ((at << 2) >>> 0) - this.#base;
  }

  #nothingAt(address: number): Error {
    return this.#damaged(`it refers to address ${address}, where nothing is`);
  }

  #wrong(at: number, what: string): Error {
    return this.#damaged(`the object at address ${this.#addressOf(at)} ${what}`);
  }
}
