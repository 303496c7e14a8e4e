/**
 * Strings between JavaScript and the shared heap. A thread remembers which address holds which string, both ways, for
 * strings short enough to be interned; the kernel keeps those alive (a PINS of the thread), so an address here cannot be
 * reused. When the cache is full, or memory is out, it turns: it starts again, and what it held is kept until the next turn,
 * for the operation in hand may still use addresses from it.
 */
import { type HeapExports, type Kernel, Layout as L } from "@ungil/kernel";
import type { Heap } from "./heap.js";

/**
 * Bytes of strings that the cache holds at most before it turns: a share of the heap, so that the caches of all threads
 * together are a small part of it, but always more than the strings of one operation (64 arguments or fields).
 */
const CACHE_MOST = 1 << 20;
const CACHE_LEAST = 1 << 16;
const CACHE_SHARE = 1 / 32;
/** What is not worth letting go when memory is out. */
const CACHE_SMALL = 1 << 12;

/** A word of the control block that counts how often a thread that was out of memory asked the others to turn. */
const ASKED = (L.CB + L.CB_STRINGS_ASKED) >>> 2;

/** A word of the control block that changes whenever the heap is restored. */
const RESTORED = (L.CB + L.CB_RESTORED) >>> 2;

const SHORT_DECODE = 24;

/** In the place of an address: there is no such string. Nothing lives so low. */
export const NO_STRING: number = L.ERROR_LIMIT;

/** What a string of so many bytes takes. */
const sizeOf = (bytes: number) => (L.STR_DATA + bytes + 15) & ~15;

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is Latin-1
const isWide = (text: string) => /[^\u0000-\u00ff]/.test(text);

/** As the kernel's `stringHash`. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let n = 0; n < text.length; n++) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

export class Strings {
  readonly #byText = new Map<string, number>();
  readonly #byAddress = new Map<number, string>();
  readonly #buffer: Buffer;
  readonly #limit: number;
  /** Of the strings cached since the last turn, and of those before. */
  #bytes = 0;
  #oldBytes = 0;
  /** The count of safepoints when the cache turned last. */
  #turned = -1;
  #asked: number;
  #restored: number;
  /** A string that was cached before the last turn. */
  #spare = 0;

  constructor(
    readonly heap: Heap,
    readonly kernel: Kernel,
    readonly x: HeapExports,
  ) {
    this.#buffer = Buffer.from(kernel.machine.memory.buffer as ArrayBufferLike);
    const share = (CACHE_SHARE * kernel.control(L.CB_FRAMES) * L.PAGE_SIZE) / (kernel.control(L.CB_SLOTS) - 1);
    this.#limit = Math.max(CACHE_LEAST, Math.min(share, CACHE_MOST));
    this.#asked = kernel.i32[ASKED] as number;
    this.#restored = kernel.i32[RESTORED] as number;
  }

  /** Address of the shared string. It may be used until the end of the operation that asks for it: see `turn`. */
  address(text: string): number {
    return this.#byText.get(text) ?? this.#make(text);
  }

  /** Address of a key of this dict that is equal, as far as can be seen here, else NO_STRING: looking makes no string. */
  find(dict: number, text: string): number {
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    return text.length > L.INTERN_MAX ? this.findLong(dict, text) : this.#short(text, this.x.stringFind);
  }

  /** The text at an address. */
  read(address: number): string {
    return this.#byAddress.get(address) ?? this.#decode(address);
  }

  #make(text: string): number {
    return text.length > L.INTERN_MAX ? this.#makeLong(text) : this.#short(text, this.x.stringIntern);
  }

  /** A string that is interned: made if need be, or only looked for. */
  #short(text: string, call: (length: number, wide: number) => number): number {
    this.#makeRoom(text.length);
    let wide = 0;
    const address = this.heap.retry("A string", () => {
      wide = this.writeUnits(text);
      return call(text.length, wide) || NO_STRING;
    });
    if (address !== NO_STRING) this.#remember(text, address, wide ? 2 * text.length : text.length);
    return address;
  }

  /** Its pin is in the cache. */
  #remember(text: string, address: number, bytes: number): void {
    this.#bytes += sizeOf(bytes);
    this.#byText.set(text, address);
    this.#byAddress.set(address, text);
  }

  /** Writes the units to scratch; returns 1 if they are 16-bit ones. */
  protected writeUnits(text: string): number {
    const { u8, scratch } = this.kernel;
    for (let n = 0; n < text.length; n++) {
      const unit = text.charCodeAt(n);
      if (unit > 255) return this.#writeWide(text);
      u8[scratch + n] = unit;
    }
    return 0;
  }

  #writeWide(text: string): number {
    this.#buffer.write(text, this.kernel.scratch, "utf16le");
    return 1;
  }

  #makeLong(text: string): number {
    const wide = isWide(text) ? 1 : 0;
    const address = this.heap.retry(`A string of ${text.length} characters`, () => this.x.stringNew(text.length, wide));
    this.#buffer.write(text, (this.kernel.u32[this.kernel.outA] as number) >>> 0, wide ? "utf16le" : "latin1");
    this.x.stringSeal(address);
    return address;
  }

  protected findLong(dict: number, text: string): number {
    const hash = hashOf(text);
    const wide = isWide(text) ? 1 : 0;
    const found = this.heap.retry("A long key", () => this.x.dictFindLong(dict, hash, text.length, wide) || NO_STRING);
    if (found === NO_STRING || this.read(found) === text) return found;
    return this.otherOfItsHash(dict, text);
  }

  /** The kernel compares what comes after the one it has found, too, if it gets a string to compare. */
  protected otherOfItsHash(_dict: number, text: string): number {
    return this.#makeLong(text);
  }

  #decode(address: number): string {
    const { u8, u32, outA, outB } = this.kernel;
    const length = this.x.stringRead(address);
    const at = u32[outA] as number;
    const header = u32[outB] as number;
    let text = "";
    if (header & L.HEADER_WIDE) text = this.#buffer.toString("utf16le", at, at + 2 * length);
    else if (length > SHORT_DECODE) text = this.#buffer.toString("latin1", at, at + length);
    else for (let n = 0; n < length; n++) text += String.fromCharCode(u8[at + n] as number);
    if (header & L.HEADER_INTERNED) {
      const bytes = header & L.HEADER_WIDE ? 2 * length : length;
      this.#makeRoom(bytes);
      if (this.x.stringCache(address) === 0) this.#remember(text, address, bytes);
    }
    return text;
  }

  /** Before another string is pinned: turns if the cache is full, or if a thread that is out of memory asks for it. */
  #makeRoom(bytes: number): void {
    if (this.#bytes + sizeOf(bytes) > this.#limit) this.#turn();
    else if (this.#isAsked()) this.shed();
  }

  #turn(): void {
    this.#spare = this.#byAddress.keys().next().value ?? 0;
    this.#byText.clear();
    this.#byAddress.clear();
    this.#oldBytes = this.#bytes;
    this.#bytes = 0;
    this.#turned = this.#safepoints();
    this.x.stringCacheTurn();
  }

  /** No operation of this floor lasts across a safepoint with an address of a string in its hands. */
  #safepoints(): number {
    return this.kernel.counter(this.kernel.slot, L.COUNTER_SAFEPOINTS);
  }

  /**
   * Memory is out: lets go of what the cache held before it turned the last time, unless that was since the last safepoint,
   * when the operation in hand may have begun before. A small cache stays: to read a full heap takes memory without it.
   */
  shed(): void {
    if (this.#bytes + this.#oldBytes > CACHE_SMALL && this.#turned !== this.#safepoints()) this.#turn();
  }

  /** Has every thread let go, this one now: the others at the next string that is new to them, or when they call `obey`. */
  shedAll(): void {
    this.shed();
    this.#asked = Atomics.add(this.kernel.i32, ASKED, 1) + 1;
  }

  /** There is memory again: has the kernel make room for the next few strings, so that a full heap can still be read. */
  reserve(): void {
    if (this.#spare && this.kernel.u32[(this.kernel.block + L.TB_CACHE_PINS) >>> 2] === 0)
      this.x.stringCache(this.#spare);
    this.#spare = 0;
  }

  /**
   * Between operations: forgets all addresses if the heap was restored. The kernel pins again what the cache held at that
   * cut, until it turns.
   */
  heed(): void {
    const restored = this.kernel.i32[RESTORED] as number;
    if (restored === this.#restored) return;
    this.#restored = restored;
    this.#byText.clear();
    this.#byAddress.clear();
    this.#spare = 0;
  }

  /** Between operations: lets go of everything if another thread has asked for it. */
  obey(): void {
    this.heed();
    if (this.#isAsked()) this.clear();
  }

  #isAsked(): boolean {
    const asked = this.kernel.i32[ASKED] as number;
    if (asked === this.#asked) return false;
    this.#asked = asked;
    return true;
  }

  clear(): void {
    this.#byText.clear();
    this.#byAddress.clear();
    this.#bytes = 0;
    this.#oldBytes = 0;
    this.x.stringCacheClear();
  }
}
