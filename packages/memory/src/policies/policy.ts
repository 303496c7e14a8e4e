/**
 * What decides which page leaves memory. One interface, two users:
 *
 * - the trace simulator calls `access` once for each reference of a trace;
 * - a pager calls `touch` for each page whose accessed bit it finds set, `evict` under pressure, `insert` after it has
 *   brought a page in, `remove` when a page is unmapped, `tick` when a sampling interval is over.
 *
 * The two agree: `access(p)` is `touch(p)` if p is resident, else `evict(p)` while there is no room, then `insert(p)`.
 *
 * A policy keeps no page contents, only page numbers. A page number is an integer from 0 to 2^52 (PAGE_MAX): a 64-bit
 * address divided by 4096 fits. Nothing is allocated in a step: everything lies in typed arrays that are made when the
 * policy is made (or when its capacity grows).
 */
export interface ReplacementPolicy {
  /** Number of frames. */
  readonly capacity: number;
  /** Resident pages. At most `capacity`, except after `resize` to less. */
  readonly size: number;

  /**
   * One reference to a page. True: it was resident, a hit. False: a fault; the page is resident now, and if there was
   * no room others have left. `write`: the reference modifies the page. Amortised O(1) (opt: O(log capacity)).
   */
  access(page: number, write?: boolean): boolean;

  /** True if the page is resident. O(1), changes nothing. */
  has(page: number): boolean;

  /** A resident page has been referenced since the last call. False, and nothing else, if it is not resident. O(1). */
  touch(page: number, write?: boolean): boolean;

  /** Makes a page resident that is not, and counts as its first reference. There must be room. O(1). */
  insert(page: number, write?: boolean): void;

  /**
   * Takes the page out of the resident set that the policy can spare most, and returns it; NONE if there is none, or
   * if `pinned` says of every one that it must stay. `incoming` is the page that room is made for, where that is known:
   * policies that remember evicted pages choose by it. A caller that then inserts something else loses nothing but that
   * memory. Amortised O(1), and what `pinned` makes it skip. A page that stays pinned for long is better taken out with
   * `remove`, and inserted again when it may leave: then nothing is ever skipped.
   */
  evict(incoming?: number, pinned?: Pinned): number;

  /**
   * Takes out and returns a page that the policy wants gone although there is room, or NONE. Only working-set ever has
   * one. `access` does this by itself.
   */
  trim(): number;

  /** The page is gone from the address space: forgets it, and its history. False if it was not resident. O(1). */
  remove(page: number): boolean;

  /** A sampling interval is over. For policies that count time by it (nru, aging); nothing in the others. O(size). */
  tick(): void;

  /**
   * Another number of frames. Nothing is evicted: if `size` is larger now, the caller evicts until it is not (`access`
   * does). What is remembered of evicted pages is cut to the new limits. O(capacity).
   */
  resize(capacity: number): void;

  /** Forgets everything, capacity and options excepted. O(capacity). */
  reset(): void;

  /** The resident pages, in no particular order. */
  pages(): IterableIterator<number>;

  /** The options it runs with, defaults filled in, and what it has measured: for reports. */
  params(): Record<string, number | boolean>;

  /** Recomputes every invariant. Returns what is wrong, a line each. O(capacity). */
  verify(): string[];
}

/** Says that a page must not leave now. */
export type Pinned = (page: number) => boolean;

/** No page. */
export const NONE = -1;

/** The largest page number. */
export const PAGE_MAX = 2 ** 52;

/** The largest number of frames. */
export const CAPACITY_MAX = 2 ** 26;
