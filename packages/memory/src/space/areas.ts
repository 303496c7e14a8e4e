/**
 * What is mapped where: the areas of one address space, in order of addresses (Linux calls them VMAs). A region that a
 * user has mapped is one area until a part of it is treated differently; then it is split.
 *
 * Invariant: areas do not overlap, none is empty, none lies in page 0.
 */
import type { MemoryObject } from "../pager/index.js";

/** May be read and written, only read, or neither. */
export type Protection = "none" | "r" | "rw";
export type RegionKind = "anonymous" | "shared" | "file" | "guard";
export type Advice = "normal" | "sequential" | "random";

export interface Area {
  /** Pages: the first, and the first one beyond. */
  first: number;
  end: number;
  name: string;
  kind: RegionKind;
  protection: Protection;
  /** Writes are seen by all that map it; otherwise a page is copied at its first write. */
  shared: boolean;
  /** Whose pages they are, and which page of it lies first. */
  object: MemoryObject | undefined;
  offset: number;
  locked: boolean;
  /** Its frames are a run, and all of them are there. */
  huge: boolean;
  advice: Advice;
  /** Read-ahead: a major fault at this page continues a sequence; pages that were read ahead last time. */
  next: number;
  window: number;
}

/** Below this address nothing is placed, so that a null pointer with an offset faults. */
const PLACE_FROM = 65536;

export class AreaList {
  private list: Area[] = [];

  constructor(
    private readonly pages: number,
    private readonly pageSize: number,
  ) {}

  [Symbol.iterator](): IterableIterator<Area> {
    return this.list[Symbol.iterator]();
  }

  /** The area of a page. O(log areas). */
  find(page: number): Area | undefined {
    const area = this.list[this.after(page)];
    return area !== undefined && area.first <= page ? area : undefined;
  }

  /** The areas that lie in a range, or partly. */
  overlapping(first: number, end: number): Area[] {
    const found: Area[] = [];
    for (let n = this.after(first); n < this.list.length && this.list[n]!.first < end; n++) found.push(this.list[n]!);
    return found;
  }

  /** The first page of a range that is in no area, or -1. */
  gap(first: number, end: number): number {
    let at = first;
    for (const area of this.overlapping(first, end)) {
      if (area.first > at) return at;
      at = area.end;
    }
    return at < end ? at : -1;
  }

  /** The areas of a range, after those at its edges have been split. */
  cut(first: number, end: number): Area[] {
    this.split(first);
    this.split(end);
    return this.overlapping(first, end);
  }

  insert(area: Area): void {
    this.list.splice(this.after(area.first), 0, area);
    if (area.object) area.object.users++;
  }

  /** The caller lets go of its object. */
  remove(area: Area): void {
    this.list.splice(this.list.indexOf(area), 1);
  }

  /** Where so many pages fit: the lowest place, as a page; -1 if there is none. */
  place(count: number): number {
    let at = Math.ceil(PLACE_FROM / this.pageSize);
    for (const area of this.list) {
      if (area.first - at >= count) return at;
      at = Math.max(at, area.end);
    }
    return this.pages - at >= count ? at : -1;
  }

  verify(): string[] {
    return this.list
      .filter((area, n) => area.first < Math.max(1, this.list[n - 1]?.end ?? 0) || area.end <= area.first)
      .map(({ name }) => `region ${name}: empty, in page 0, or over another one`);
  }

  /** The number of the first area that ends beyond a page. */
  private after(page: number): number {
    let [low, high] = [0, this.list.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.list[middle]!.end <= page) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private split(page: number): void {
    const area = this.find(page);
    if (area === undefined || area.first === page) return;
    const offset = area.object ? area.offset + page - area.first : 0;
    const upper = { ...area, first: page, offset };
    area.end = page;
    this.insert(upper);
  }
}
