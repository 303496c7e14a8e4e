/**
 * What several mappings have in common: the pages of a file, or shared memory. (Mach's name for it. Private anonymous
 * pages belong to no object: the page table entry alone says where they are.)
 *
 * Invariant: frames.get(i) = f exactly if f's object is this one and f's index is i.
 */
import { type ByteStore, sizeOf } from "../backing/index.js";
import type { PageTable } from "../paging/index.js";

export abstract class MemoryObject {
  /** Pages that are in memory. */
  readonly frames = new Map<number, number>();
  /** Regions that map it. */
  users = 0;
  abstract readonly name: string;
}

/** Anonymous memory that several regions map. It goes when the last of them has gone. */
export class SharedMemory extends MemoryObject {
  /** Pages that were swapped out. A page that is neither here nor in memory is all zeros. */
  readonly slots = new Map<number, number>();

  constructor(
    readonly name: string,
    /** Whose limit its pages count against. */
    readonly account: Account,
  ) {
    super();
  }
}

/** A file's pages: its page cache, one for all regions and spaces that map the file. */
export class FilePages extends MemoryObject {
  /** The file's length when it was last looked at. Bytes of a page beyond it are zeros. */
  size: number;

  constructor(
    readonly name: string,
    readonly store: ByteStore,
    /** What its pages are known by: `page + index`. */
    readonly page: number,
  ) {
    super();
    this.size = sizeOf(store, `the file ${name}`);
  }
}

/** What a space may use, and what it uses. */
export interface Account {
  readonly table: PageTable;
  /** Pages of shared memory that it has made. */
  shared: number;
  /** Pages, at most. */
  readonly limit: number;
  readonly name: string;
}
