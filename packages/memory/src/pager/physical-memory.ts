/**
 * A machine's memory: frames, a translation buffer, a pager with its policy, a swap file. Address spaces are made over it,
 * as many as wanted, and share all of these.
 */
import { StorageError, watchEnd, watchMap } from "@ungil/kernel";
import { type ByteStore, DiskFile, SwapSpace } from "../backing/index.js";
import { VirtualMemoryError } from "../errors.js";
import { PageTable, TranslationBuffer } from "../paging/index.js";
import { releaseObject } from "./bring-in.js";
import { type Counters, faultCount, newCounters } from "./counters.js";
import { FrameTable } from "./frames.js";
import { type Account, FilePages, type MemoryObject, SharedMemory } from "./memory-object.js";
import { type PhysicalMemoryOptions, settings } from "./options.js";
import { Pager } from "./pager.js";
import { verifyFrames } from "./verify.js";

/** What the memory knows of an address space. */
export interface Tenant {
  readonly name: string;
  readonly table: PageTable;
  verify(): string[];
  dump(): string;
  close(): void;
}

export interface MemoryStats extends Counters {
  pageSize: number;
  frames: { all: number; free: number; pinned: number };
  tlb: { hits: number; misses: number };
  swap: { slots: number; used: number };
  /** Faults that were served, of all kinds. */
  faultsServed: number;
}

/** The pages of files have numbers from here on, 2^32 for each file; those of other pages lie below. */
const FILE_PAGES = 2 ** 51;

export class PhysicalMemory {
  readonly pageSize: number;
  /** The mechanism, for address spaces and for those who want to look inside. */
  readonly pager: Pager;
  /** @internal */
  readonly readAhead: number;
  private readonly tenants = new Set<Tenant>();
  private readonly files = new Map<unknown, FilePages>();
  private readonly shared = new Set<SharedMemory>();
  private nextSpace = 1;
  private nextFile = 0;
  private closed = false;

  /** VirtualMemoryError, PolicyError or SimulationError if an option cannot be. Untouched memory costs nothing. */
  constructor(options: PhysicalMemoryOptions = {}) {
    const { frames, pageSize, tlb, policy, store, slots, watermarks, readAhead, exact } = settings(options);
    this.pageSize = pageSize;
    this.readAhead = readAhead;
    this.pager = new Pager(
      new FrameTable(frames, pageSize),
      new TranslationBuffer(tlb),
      new SwapSpace(store, pageSize, slots),
      policy,
      watermarks,
      newCounters(),
      exact,
    );
    watchMap(this, "memory");
  }

  /** The address spaces over it that are open. */
  get spaces(): readonly Tenant[] {
    return [...this.tenants];
  }

  /** Runs the pager now, as far as the high watermark: so that faults to come find free frames. O(frames). */
  balance(): void {
    this.check();
    const { pager } = this;
    const missing = pager.watermarks.high - pager.frames.freeCount;
    if (missing > 0) pager.reclaim(missing);
    else pager.harvest();
  }

  /** What has happened until now, and how full it is. O(frames). */
  stats(): MemoryStats {
    const { frames, tlb, swap, counters } = this.pager;
    const { faults, writeBacks, readAhead, reclaims } = counters;
    return {
      ...counters,
      faults: { ...faults },
      writeBacks: { ...writeBacks },
      readAhead: { ...readAhead },
      reclaims: { ...reclaims },
      faultsServed: faultCount(counters),
      pageSize: this.pageSize,
      frames: {
        all: frames.count,
        free: frames.freeCount,
        pinned: frames.pins.reduce((n, pins) => n + (pins > 0 ? 1 : 0), 0),
      },
      tlb: { hits: tlb.hits, misses: tlb.misses },
      swap: { slots: swap.size, used: swap.used },
    };
  }

  /** Recomputes every invariant, of all spaces too. Returns what is wrong, a line each. O(frames and pages). */
  verify(): string[] {
    const tables = new Map([...this.tenants].map(({ table }) => [table.id, table]));
    return [
      ...verifyFrames(this.pager, tables, this.shared),
      ...[...this.tenants].flatMap((tenant) => tenant.verify()),
    ];
  }

  /** The memory, and each space as its own `dump` prints it. */
  dump(): string {
    const { frames, tlb, swap, faultsServed, evictions, pageSize } = this.stats();
    const kib = (pages: number) => `${(pages * pageSize) / 1024} kB`;
    const [hits, all] = [tlb.hits, tlb.hits + tlb.misses];
    return [
      `physical memory: ${frames.all} frames of ${pageSize} bytes, ${frames.free} free, ${frames.pinned} pinned`,
      `swap: ${kib(swap.used)} of ${kib(swap.slots)}; faults: ${faultsServed}; evictions: ${evictions}; TLB hits: ${hits} of ${all}`,
      ...[...this.tenants].map((tenant) => `\n${tenant.dump()}`),
    ].join("\n");
  }

  /**
   * Closes all spaces over it, writes back what was written to shared mappings of files, deletes the swap file.
   * StorageError if something could not be written; all is closed nevertheless.
   */
  close(): void {
    if (this.closed) return;
    watchEnd(this);
    const errors: unknown[] = [];
    for (const step of [...[...this.tenants].map((tenant) => () => tenant.close()), () => this.pager.swap.close()]) {
      try {
        step();
      } catch (error) {
        errors.push(error);
      }
    }
    this.closed = true;
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1)
      throw new StorageError("several things could not be written", { cause: new AggregateError(errors) });
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal A page table for a new space. */
  enter(tenant: Tenant): PageTable {
    this.check();
    this.tenants.add(tenant);
    return new PageTable(this.nextSpace++, 2 ** 32 / this.pageSize);
  }

  /** @internal */
  leave(tenant: Tenant): void {
    this.tenants.delete(tenant);
  }

  /** @internal */
  sharedMemory(name: string, account: Account): SharedMemory {
    const object = new SharedMemory(name, account);
    this.shared.add(object);
    return object;
  }

  /** @internal The pages of a file, which all that map it share. */
  file(file: string | ByteStore, writable: boolean): FilePages {
    const key = typeof file === "string" ? DiskFile.identity(file) : file;
    let pages = this.files.get(key);
    if (pages === undefined) {
      const store = typeof file === "string" ? new DiskFile(file, writable) : file;
      const name = typeof file === "string" ? file : "(a store)";
      pages = new FilePages(name, store, FILE_PAGES + 2 ** 32 * this.nextFile++);
      this.files.set(key, pages);
    } else if (writable && pages.store instanceof DiskFile) pages.store.allowWrites();
    return pages;
  }

  /** @internal A region over an object has gone. */
  abandon(object: MemoryObject): void {
    if (--object.users > 0) return;
    releaseObject(this.pager, object);
    if (object instanceof SharedMemory) this.shared.delete(object);
    if (!(object instanceof FilePages)) return;
    for (const [key, pages] of this.files) if (pages === object) this.files.delete(key);
    if (object.store instanceof DiskFile) object.store.close();
  }

  private check(): void {
    if (this.closed) throw new VirtualMemoryError("the physical memory is closed");
  }
}
