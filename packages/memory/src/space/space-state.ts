/** What an address space consists of. The files of this folder are functions over it; AddressSpace is its face. */
import { VirtualMemoryError } from "../errors.js";
import type { Account, Pager, PhysicalMemory } from "../pager/index.js";
import type { PageTable } from "../paging/index.js";
import type { AreaList } from "./areas.js";

export interface SpaceState {
  readonly name: string;
  readonly memory: PhysicalMemory;
  readonly pager: Pager;
  readonly table: PageTable;
  readonly areas: AreaList;
  readonly account: Account;
  closed: boolean;
}

/** A range of addresses: a region, or any object that has these two. */
export interface Extent {
  readonly base: number;
  /** In bytes; rounded up to whole pages. */
  readonly length: number;
}

export interface PageRange {
  first: number;
  end: number;
}

export const hex = (address: number): string => `0x${address.toString(16)}`;

export function checkOpen(space: SpaceState): void {
  if (space.closed) throw new VirtualMemoryError(`the address space ${space.name} is closed`);
}

/** The pages of a range. VirtualMemoryError if it does not begin at a page's border, is empty or goes beyond 4 GiB. */
export function pagesOf(space: SpaceState, extent: Extent): PageRange {
  checkOpen(space);
  if (typeof extent !== "object" || extent === null)
    throw new VirtualMemoryError(`${String(extent)} is no range: give a region, or { base, length }`);
  const { base, length } = extent;
  const { pageSize } = space.memory;
  if (typeof base !== "number" || !Number.isInteger(base / pageSize) || base < 0 || base >= 2 ** 32)
    throw new VirtualMemoryError(
      `base is ${String(base)}: it must be a multiple of the page size ${pageSize}, below 4 GiB`,
    );
  if (typeof length !== "number" || !Number.isInteger(length) || length <= 0 || base + length > 2 ** 32)
    throw new VirtualMemoryError(`length is ${String(length)}: it must be a whole number above 0, within 4 GiB`);
  return { first: base / pageSize, end: Math.ceil((base + length) / pageSize) };
}

/** The same, and all of it must be mapped. */
export function mappedPages(space: SpaceState, extent: Extent): PageRange {
  const range = pagesOf(space, extent);
  const gap = space.areas.gap(range.first, range.end);
  if (gap >= 0) throw new VirtualMemoryError(`nothing is mapped at ${hex(gap * space.memory.pageSize)}`);
  return range;
}
