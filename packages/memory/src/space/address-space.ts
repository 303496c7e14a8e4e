/** An address space: 4 GiB of addresses, of which regions are mapped. What a process has, without the process. */
import { VirtualMemoryError } from "../errors.js";
import { checkBytes, checkNames, checkType, PhysicalMemory, type Tenant, whole } from "../pager/index.js";
import type { PageTable } from "../paging/index.js";
import { type Advice, AreaList, type Protection } from "./areas.js";
import { readBytes, readScalar, writeBytes, writeScalar } from "./bytes.js";
import * as change from "./change.js";
import { dumpSpace } from "./dump.js";
import { accountOf, forkInto } from "./fork.js";
import { checkProtection, describe, type MapOptions, mapRegion, type Region } from "./mapping.js";
import type { Scalar, ScalarValue } from "./scalars.js";
import { checkOpen, type Extent, mappedPages, pagesOf, type SpaceState } from "./space-state.js";
import { verifySpace } from "./verify.js";
import { openView, type View } from "./view.js";

export interface AddressSpaceOptions {
  /** What errors and dumps call it: "space 1", unless told. */
  name?: string;
  /**
   * Bytes, or a text such as "8MiB": how much that only memory and swap hold it may use, that is private pages (those it
   * shares since a fork too) and the shared memory that it has made. Pages of files do not count. No limit unless told.
   */
  limit?: number | string;
}

export interface ViewOptions {
  /** False: nothing is written through it, so its pages do not become dirty. True unless the region is read-only. */
  write?: boolean;
}

/** "dontneed" drops private changes: pages are zeros, or what the file has, again. "willneed" brings pages in. */
export type MemoryAdvice = Advice | "willneed" | "dontneed";

let unnamed = 0;

export class AddressSpace implements Tenant {
  readonly memory: PhysicalMemory;
  /** @internal */
  readonly table: PageTable;
  private readonly state: SpaceState;

  /** VirtualMemoryError if an option cannot be. */
  constructor(memory: PhysicalMemory, options: AddressSpaceOptions = {}) {
    if (!(memory instanceof PhysicalMemory)) throw new VirtualMemoryError(`${String(memory)} is no PhysicalMemory`);
    checkNames("AddressSpace", options, ["name", "limit"]);
    const { name = `space ${++unnamed}`, limit } = options;
    checkType("name", name, "string");
    const pages =
      limit === undefined ? Number.POSITIVE_INFINITY : Math.floor(checkBytes("limit", limit) / memory.pageSize);
    this.memory = memory;
    this.table = memory.enter(this);
    this.state = {
      ...{ name, memory, pager: memory.pager, table: this.table, closed: false },
      areas: new AreaList(this.table.pages, memory.pageSize),
      account: accountOf(name, this.table, pages),
    };
  }

  get name(): string {
    return this.state.name;
  }

  // Regions.

  /**
   * Maps a region and returns it as it is now. No page is brought in before it is accessed (but for `huge`). VirtualMemoryError
   * says what cannot be; OutOfMemoryError if frames or the limit do not suffice for a huge one.
   */
  map(options: MapOptions): Region {
    checkOpen(this.state);
    return mapRegion(this.state, options, (extent) => this.unmap(extent));
  }

  /**
   * Unmaps all pages of a range, be it several regions or a part of one; of a region that `map` returned its guard pages too.
   * Holes are no error. What was written to a shared mapping of a file is in the file then (StorageError, and nothing
   * unmapped, if it cannot be written). O(pages).
   */
  unmap(extent: Extent & { readonly guard?: number }): void {
    const { first, end } = pagesOf(this.state, extent);
    const guard = Math.ceil(whole("guard", extent.guard ?? 0, 0, 2 ** 32) / this.memory.pageSize);
    change.unmapPages(this.state, { first, end });
    for (const [from, to] of [
      [first - guard, first],
      [end, end + guard],
    ] as const) {
      const guards = this.state.areas.overlapping(from, to).filter((area) => area.kind === "guard");
      for (const area of guards)
        change.unmapPages(this.state, { first: Math.max(from, area.first), end: Math.min(to, area.end) });
    }
  }

  /** Changes what a range allows. All of it must be mapped. O(pages). */
  protect(extent: Extent, protection: Protection): void {
    checkProtection(protection);
    change.protectPages(this.state, mappedPages(this.state, extent), protection);
  }

  /** Says how a range will be used. All of it must be mapped. Errors while reading ahead are nobody's. */
  advise(extent: Extent, advice: MemoryAdvice): void {
    const range = mappedPages(this.state, extent);
    if (advice === "willneed") change.willNeed(this.state, range);
    else if (advice === "dontneed") change.dontNeed(this.state, range);
    else if (["normal", "sequential", "random"].includes(advice)) change.advisePages(this.state, range, advice);
    else
      throw new VirtualMemoryError(
        `there is no advice ${String(advice)}: there are normal, sequential, random, willneed, dontneed`,
      );
  }

  /** Brings all pages of a range in and keeps them in memory. The error of a page that cannot be had leaves the range unlocked. */
  lock(extent: Extent): void {
    change.lockPages(this.state, mappedPages(this.state, extent));
  }

  unlock(extent: Extent): void {
    change.unlockPages(this.state, mappedPages(this.state, extent));
  }

  /** Writes what was written to shared mappings of files, in a range or everywhere, to the disk. StorageError if that fails. */
  sync(extent?: Extent): void {
    checkOpen(this.state);
    change.syncPages(this.state, extent ? mappedPages(this.state, extent) : { first: 0, end: this.table.pages });
  }

  /** All regions, in order of addresses. A region of which a part was treated differently is several. O(pages). */
  regions(): Region[] {
    checkOpen(this.state);
    return [...this.state.areas].map((area) => describe(this.state, area));
  }

  /** The region of an address, if there is one. */
  region(address: number): Region | undefined {
    checkOpen(this.state);
    const area = this.state.areas.find(Math.floor(address / this.memory.pageSize));
    return area && describe(this.state, area);
  }

  // Accesses. SegmentationFaultError, ProtectionFaultError, BusError, OutOfMemoryError, StorageError: nothing was read or written.

  /** Reads a number, little-endian, at any alignment: a bigint for u64 and i64. */
  read<T extends Scalar>(address: number, type: T): ScalarValue<T> {
    return readScalar(this.state, address, type);
  }

  /** Writes a number: all of it or, with an error, nothing. VirtualMemoryError if it is not of that type. */
  write<T extends Scalar>(address: number, type: T, value: ScalarValue<T>): void {
    writeScalar(this.state, address, type, value);
  }

  /** A copy of some bytes. */
  readBytes(address: number, length: number): Uint8Array {
    return readBytes(this.state, address, length);
  }

  /** Writes some bytes. If a page cannot be had (file, disk, memory), those before it are written. */
  writeBytes(address: number, bytes: Uint8Array): void {
    writeBytes(this.state, address, bytes);
  }

  /**
   * Lets `use` look at physical memory itself, without a copy. The pages stay where they are until it returns; the bytes must
   * not be used after that. They must lie next to each other, as those of one page do, and those of a huge region.
   */
  view<T>(extent: Extent, use: (bytes: Uint8Array) => T, options: ViewOptions = {}): T {
    checkType("use", use, "function");
    const view = this.openView(extent, options);
    try {
      const result = use(view.bytes);
      if (typeof (result as { then?: unknown } | null | undefined)?.then === "function")
        throw new VirtualMemoryError("a view ends when its function returns, and this one goes on: use openView");
      return result;
    } finally {
      view.release();
    }
  }

  /** The same, until `release` is called on it, or its `using` ends. */
  openView(extent: Extent, options: ViewOptions = {}): View {
    checkOpen(this.state);
    const { base, length } = extent ?? {};
    checkNames("view", options, ["write"]);
    if (!Number.isInteger(base) || !Number.isInteger(length) || length < 1 || base < 0 || base + length > 2 ** 32)
      throw new VirtualMemoryError(
        `a view of ${String(length)} bytes at ${String(base)}: both must be whole numbers, within 4 GiB`,
      );
    checkType("write", options.write ?? false, "boolean");
    const { write = this.state.areas.find(Math.floor(base / this.memory.pageSize))?.protection !== "r" } = options;
    return openView(this.state, base, length, write);
  }

  // The whole.

  /**
   * A second address space with the same regions and content. Shared regions are shared, private pages are copied when one
   * of the two writes to them. Locks are not inherited. OutOfMemoryError if the child's limit does not suffice. O(pages).
   */
  fork(options: AddressSpaceOptions = {}): AddressSpace {
    checkOpen(this.state);
    const { limit } = this.state.account;
    const inherited = limit === Number.POSITIVE_INFINITY ? {} : { limit: limit * this.memory.pageSize };
    const child = new AddressSpace(this.memory, { ...inherited, ...options });
    try {
      forkInto(this.state, child.state);
    } catch (error) {
      child.close();
      throw error;
    }
    return child;
  }

  /** Pages in memory, in the swap file, and counted against the limit. O(1). */
  usage(): { resident: number; swapped: number; counted: number } {
    const { resident, swapped, exclusive } = this.table;
    return { resident, swapped, counted: exclusive + this.state.account.shared };
  }

  /** Regions, page table and TLB, as text. */
  dump(): string {
    return dumpSpace(this.state);
  }

  /** @internal Part of `memory.verify()`. */
  verify(): string[] {
    return verifySpace(this.state);
  }

  /** Unmaps everything. StorageError if something could not be written to a file; all is unmapped nevertheless. */
  close(): void {
    if (this.state.closed) return;
    try {
      change.unmapAll(this.state);
    } finally {
      this.state.closed = true;
      this.memory.leave(this);
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
