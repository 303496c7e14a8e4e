/**
 * Strings between JavaScript and the shared heap. A thread remembers which address holds which string, both ways, for
 * strings short enough to be interned; the kernel keeps those alive (a PINS of the thread), so an address here cannot be
 * reused. The cache starts again when it is full; what it held is kept alive until it is full the next time.
 */
import { type HeapExports, type Kernel, Layout as L } from "@ungil/kernel";
import type { Heap } from "./heap.js";

const CACHE_MAX = 32768;
const SHORT_DECODE = 24;

export class Strings {
  readonly #byText = new Map<string, number>();
  readonly #byAddress = new Map<number, string>();
  readonly #buffer: Buffer;

  constructor(
    readonly heap: Heap,
    readonly kernel: Kernel,
    readonly x: HeapExports,
  ) {
    this.#buffer = Buffer.from(kernel.machine.memory.buffer as ArrayBufferLike);
  }

  /** Address of the shared string. What it returns may be used until thousands of other strings have been asked for. */
  address(text: string): number {
    return this.#byText.get(text) ?? this.#make(text);
  }

  /** The text at an address. */
  read(address: number): string {
    return this.#byAddress.get(address) ?? this.#decode(address);
  }

  #make(text: string): number {
    if (text.length > L.INTERN_MAX) return this.#makeLong(text);
    const address = this.heap.retry("A string", () => this.x.stringIntern(text.length, this.#writeUnits(text)));
    this.#remember(text, address);
    return address;
  }

  /** Writes the units to scratch; returns 1 if they are 16-bit ones. */
  #writeUnits(text: string): number {
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
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is Latin-1
    const wide = /[^\u0000-\u00ff]/.test(text) ? 1 : 0;
    const address = this.heap.retry(`A string of ${text.length} characters`, () => this.x.stringNew(text.length, wide));
    this.#buffer.write(text, (this.kernel.u32[this.kernel.outA] as number) >>> 0, wide ? "utf16le" : "latin1");
    this.x.stringSeal(address);
    return address;
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
    if (header & L.HEADER_INTERNED && this.x.stringCache(address) === 0) this.#remember(text, address);
    return text;
  }

  #remember(text: string, address: number): void {
    if (this.#byText.size >= CACHE_MAX) {
      this.#byText.clear();
      this.#byAddress.clear();
      this.x.stringCacheTurn();
    }
    this.#byText.set(text, address);
    this.#byAddress.set(address, text);
  }

  clear(): void {
    this.#byText.clear();
    this.#byAddress.clear();
    this.x.stringCacheClear();
  }
}
