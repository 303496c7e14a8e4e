/**
 * All objects of the heap at a cut, who refers to whom, and how many references each has that come from no other object.
 *
 * An object is a number: blocks are counted through, page by page. `outside` is its count less the references that were found
 * to it, CPython's way (Modules/gcmodule.c, subtract_refs): what is left comes from outside of the heap, whoever it is, a
 * coroutine's handles, a queue, a lock, so no list of roots can be incomplete.
 *
 *   outside[n] = count of n - references to n in objects that are alive;   0: nothing but other objects leads to it
 *
 * What is on its way to die (count 0) holds on to its references until it has, so they are not subtracted, and it is a root.
 */
import { Layout as L } from "@ungil/kernel";
import { eachValue } from "../image-objects.js";
import type { Past } from "./past.js";

/** Where references and values stand in objects of a type, as numbers of words. */
interface Fields {
  readonly references: readonly number[];
  readonly values: readonly number[];
}

const NONE: Fields = { references: [], values: [] };

export class Graph {
  readonly #past: Past;
  readonly #fields: Fields[] = [];
  /** Number of a page's first object, and bytes of its blocks; -1: it has none. */
  readonly #first: Int32Array;
  readonly #size: Uint32Array;
  /** Pages that have objects, in order; of a run its first one. */
  readonly #pages: number[] = [];
  /** How many there are, free blocks among them. */
  length = 0;
  /** How many objects there are. */
  objects = 0;
  outside: Int32Array = new Int32Array(0);
  /** Objects that others may reach through weak cells, and those of them that have destructors. */
  readonly weakTargets: number[] = [];
  readonly destructed: number[] = [];
  /** Weak cells with something to be run. */
  readonly cells: number[] = [];
  /** Types, 0: a free block. */
  types: Uint16Array = new Uint16Array(0);
  readonly #dying = new Set<number>();
  #edges = new Uint32Array(1 << 16);
  #edgeCount = 0;
  /** Where an object's references begin among all; those of the next one begin where they end. */
  #edgesFrom: Uint32Array = new Uint32Array(0);

  constructor(past: Past) {
    this.#past = past;
    const pages = past.kernel.control(L.CB_VIRTUAL_PAGES);
    this.#first = new Int32Array(pages).fill(-1);
    this.#size = new Uint32Array(pages);
  }

  /** Reads the heap: O(pages), in slices of a page. Another thread has its turn whenever the caller wants. */
  *read(): Generator<void> {
    yield* this.#count();
    this.outside = new Int32Array(this.length);
    this.types = new Uint16Array(this.length);
    this.#edgesFrom = new Uint32Array(this.length + 1);
    for (let place = 0; place < this.#pages.length; place++) {
      this.#page(place);
      yield;
    }
    this.#edgesFrom[this.length] = this.#edgeCount;
  }

  *#count(): Generator<void> {
    const past = this.#past;
    for (let page = 1; page < this.#first.length; page++) {
      const state = past.look(page);
      if (page % 256 === 0) yield;
      if (state !== L.PAGE_SMALL && state !== L.PAGE_RUN) continue;
      if (state === L.PAGE_SMALL && past.blocks === 0) continue;
      this.#first[page] = this.length;
      this.#size[page] = state === L.PAGE_RUN ? 0 : past.blockSize;
      this.length += state === L.PAGE_RUN ? 1 : past.blocks;
      this.#pages.push(page);
    }
  }

  /** Whether an object is counted by anybody: one that is not is on its way to die. */
  isAlive(n: number): boolean {
    return !this.#dying.has(n);
  }

  /** The number of the object at an address; -1 if there is none. */
  at(address: number): number {
    const page = address >>> L.PAGE_SHIFT;
    const size = this.#size[page] as number;
    const first = this.#first[page] as number;
    return size === 0 ? first : first + Math.floor((address & L.PAGE_MASK) / size);
  }

  /** Calls back with the references of object `n`. */
  edgesOf(n: number, visit: (target: number) => void): void {
    const end = this.#edgesFrom[n + 1] as number;
    for (let edge = this.#edgesFrom[n] as number; edge < end; edge++) visit(this.#edges[edge] as number);
  }

  /** Those objects that `isMeant` says, and their addresses, in order. */
  *places(isMeant: (n: number) => boolean): Generator<[n: number, address: number]> {
    for (const [place, page] of this.#pages.entries()) {
      const first = this.#first[page] as number;
      const size = this.#size[page] as number;
      const base = (page << L.PAGE_SHIFT) >>> 0;
      const end = this.#endOf(place);
      for (let n = first; n < end; n++) if (isMeant(n)) yield [n, base + (n - first) * size];
    }
  }

  /** Their addresses alone. */
  *addresses(isMeant: (n: number) => boolean): Generator<number> {
    for (const [, address] of this.places(isMeant)) yield address;
  }

  /** Number after the last object of the page at that place among `#pages`. */
  #endOf(place: number): number {
    const next = this.#pages[place + 1];
    return next === undefined ? this.length : (this.#first[next] as number);
  }

  #page(place: number): void {
    const { words } = this.#past;
    const page = this.#pages[place] as number;
    this.#past.read(page);
    const first = this.#first[page] as number;
    const size = this.#size[page] as number;
    if (size === 0) return this.#run(page, first);
    const end = this.#endOf(place);
    for (let n = first, at = 0; n < end; n++, at += size >>> 2) {
      this.#edgesFrom[n] = this.#edgeCount;
      if (((words[at] as number) & L.TYPE_MASK) !== 0) this.#object(n, at, size >>> 2);
    }
  }

  /** An object whose values may go on over many pages. */
  #run(page: number, n: number): void {
    const past = this.#past;
    this.#edgesFrom[n] = this.#edgeCount;
    const header = past.words[0] as number;
    const type = header & L.TYPE_MASK;
    if (type === 0) return;
    const isLive = this.#note(n, 0);
    const start = type === L.TYPE_VALUES ? L.VALUES_DATA : type === L.TYPE_TABLE ? L.TABLE_DATA : 0;
    if (start === 0) return; // a long string, or pins
    const field = type === L.TYPE_VALUES ? L.VALUES_CAPACITY : L.TABLE_CAPACITY;
    const bytes = start + (past.words[field >>> 2] as number) * (type === L.TYPE_VALUES ? 8 : L.ENTRY_SIZE);
    for (let from = 0; from < bytes; from += L.PAGE_SIZE) {
      if (from > 0) past.read(page + from / L.PAGE_SIZE);
      const end = Math.min(bytes - from, L.PAGE_SIZE) >>> 2;
      eachValue(past.words, from === 0 ? start >>> 2 : 0, end, (target) => this.#edge(target, isLive));
    }
  }

  /** `room`: words of its block. */
  #object(n: number, at: number, room: number): void {
    const { words } = this.#past;
    const type = (words[at] as number) & L.TYPE_MASK;
    const isLive = this.#note(n, at);
    if (type === L.TYPE_VALUES || type === L.TYPE_TABLE) {
      const isTable = type === L.TYPE_TABLE;
      const start = (isTable ? L.TABLE_DATA : L.VALUES_DATA) >>> 2;
      const capacity = words[at + ((isTable ? L.TABLE_CAPACITY : L.VALUES_CAPACITY) >>> 2)] as number;
      const end = Math.min(start + capacity * (isTable ? L.ENTRY_SIZE >>> 2 : 2), room);
      return eachValue(words, at + start, at + end, (target) => this.#edge(target, isLive));
    }
    const { references, values } = this.#fieldsOf(type);
    for (let k = 0; k < references.length; k++) {
      const target = words[at + (references[k] as number)] as number;
      if (target !== 0) this.#edge(target, isLive);
    }
    for (let k = 0; k < values.length; k++) {
      const value = at + (values[k] as number);
      if ((words[value + 1] as number) >>> 16 === L.BOX_REF) this.#edge(words[value] as number, isLive);
    }
  }

  /** Notes type and count of an object; false if it is on its way to die. */
  #note(n: number, at: number): boolean {
    const { words } = this.#past;
    const word = words[at + (L.OBJECT_COUNT >>> 2)] as number;
    const count = word >>> L.COUNT_SHIFT;
    const header = words[at] as number;
    this.types[n] = header & L.TYPE_MASK;
    this.objects++;
    if ((header & L.TYPE_MASK) === L.TYPE_WEAK) this.cells.push(n);
    else if (header & L.HEADER_HAS_WEAK) this.weakTargets.push(n);
    if (header & L.HEADER_HAS_DESTRUCTOR) this.destructed.push(n);
    const isLive = count > 0 && !(word & L.COUNT_DYING);
    this.outside[n]! += isLive ? count : 1;
    if (!isLive) this.#dying.add(n);
    return isLive;
  }

  #edge(target: number, isLive: boolean): void {
    const n = this.at(target);
    if (n < 0) return; // of what a thread that died has half destroyed
    if (isLive) this.outside[n]!--;
    if (this.#edgeCount === this.#edges.length) {
      const larger = new Uint32Array(2 * this.#edgeCount);
      larger.set(this.#edges);
      this.#edges = larger;
    }
    this.#edges[this.#edgeCount++] = n;
  }

  #fieldsOf(type: number): Fields {
    return (this.#fields[type] ??= type === L.TYPE_PINS || type === L.TYPE_STR ? NONE : this.#readFields(type));
  }

  #readFields(type: number): Fields {
    const { kernel } = this.#past;
    const entry = kernel.control(L.CB_TYPES) + type * L.TYPE_ENTRY_SIZE;
    const bits = (field: number) =>
      Array.from({ length: 64 }, (_, n) => n).filter(
        (n) => ((kernel.u32[(entry + field + (n < 32 ? 0 : 4)) >>> 2] as number) >>> (n & 31)) & 1,
      );
    return { references: bits(L.TYPE_REF_MASK), values: bits(L.TYPE_VALUE_MASK).map((n) => 2 * n) };
  }
}
