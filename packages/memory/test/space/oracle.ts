// What an address space must do, in plain JavaScript: a page is an array of bytes, private or shared, and nothing is ever
// swapped, cached or copied late.
import type { Protection } from "@ungil/memory";

export const PAGE = 512;

/** The pages of a file, or shared memory. */
export interface Source {
  pages: Uint8Array[];
  file: string | undefined;
  /** Pages that the file has now. */
  length: number;
}

interface Page {
  protection: Protection;
  /** Whose page it is, as long as it is that one's. */
  source: Source | undefined;
  index: number;
  shared: boolean;
  /** The space's own bytes. */
  own: Uint8Array | undefined;
  locked: boolean;
}

export type Outcome = "ok" | "SEGMENTATION_FAULT" | "PROTECTION_FAULT" | "BUS";

export class OracleSpace {
  readonly pages = new Map<number, Page>();

  map(base: number, count: number, protection: Protection, source?: Source, offset = 0, shared = false): void {
    for (let n = 0; n < count; n++)
      this.pages.set(base / PAGE + n, {
        ...{ protection, source, index: offset + n, shared, locked: false },
        own: source ? undefined : new Uint8Array(PAGE),
      });
  }

  unmap(base: number, count: number): void {
    for (let n = 0; n < count; n++) this.pages.delete(base / PAGE + n);
  }

  protect(base: number, count: number, protection: Protection): void {
    for (let n = 0; n < count; n++) this.pages.get(base / PAGE + n)!.protection = protection;
  }

  isMapped(base: number, count: number): boolean {
    return Array.from({ length: count }, (_, n) => this.pages.has(base / PAGE + n)).every(Boolean);
  }

  dontNeed(base: number, count: number): void {
    for (let n = 0; n < count; n++) {
      const page = this.pages.get(base / PAGE + n)!;
      if (!page.shared) page.own = page.source ? undefined : new Uint8Array(PAGE);
    }
  }

  check(address: number, length: number, write: boolean): Outcome {
    for (let page = Math.floor(address / PAGE); page <= Math.floor((address + length - 1) / PAGE); page++) {
      const found = this.pages.get(page);
      if (found === undefined) return "SEGMENTATION_FAULT";
      if (found.protection === "none" || (write && found.protection === "r")) return "PROTECTION_FAULT";
    }
    return this.readable(address, length) < length ? "BUS" : "ok";
  }

  /** Bytes before the first one that its file does not have. */
  readable(address: number, length: number): number {
    for (let page = Math.floor(address / PAGE); page <= Math.floor((address + length - 1) / PAGE); page++) {
      const { own, source, index } = this.pages.get(page)!;
      if (own === undefined && source!.length <= index) return Math.max(0, page * PAGE - address);
    }
    return length;
  }

  read(address: number, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, n) => {
      const page = this.pages.get(Math.floor((address + n) / PAGE))!;
      return (page.own ?? page.source!.pages[page.index]!)[(address + n) % PAGE]!;
    });
  }

  write(address: number, bytes: Uint8Array): void {
    bytes.forEach((byte, n) => {
      const page = this.pages.get(Math.floor((address + n) / PAGE))!;
      if (page.source && !page.shared) page.own ??= page.source.pages[page.index]!.slice();
      (page.own ?? page.source!.pages[page.index]!)[(address + n) % PAGE] = byte;
    });
  }

  fork(): OracleSpace {
    const child = new OracleSpace();
    for (const [number, page] of this.pages)
      child.pages.set(number, { ...page, own: page.own?.slice(), locked: false });
    return child;
  }
}
