/**
 * A replacement policy over the pages of the live heap. It learns what was used from a *harvest* of accessed bits, and names
 * *victims*, which leave in that order: the pager takes them at once, and what is left of them is for threads that need a frame
 * before the next harvest. A run of pages is one page to it, its head.
 *
 * The policy's capacity is what memory is to hold when the pager has done its work, not the number of frames: policies that divide
 * their frames between kinds of pages must be full to do so. It shrinks and grows with what else takes frames.
 *
 * Invariant, after a harvest: the policy's resident pages and the victims are together the pages in memory, no page twice.
 */
import { type Kernel, Layout as L } from "@ungil/kernel";
import { createPolicy, NONE, type ReplacementPolicy } from "@ungil/memory/policies";

/** Victims that are named beyond those that are wanted. */
const SPARE = 8;
/** The capacity follows when it is wrong by more than a 32nd: that costs O(capacity). */
const TOLERANCE = 32;

export class Replacement {
  readonly policy: ReplacementPolicy;
  readonly #kernel: Kernel;
  /** Pages in memory are those with the number of the last harvest. */
  readonly #seen: Uint32Array;
  #harvest = 0;
  #victims: number[] = [];

  constructor(kernel: Kernel, slug: string) {
    this.#kernel = kernel;
    this.policy = createPolicy(slug, kernel.control(L.CB_FRAMES));
    this.#seen = new Uint32Array(kernel.control(L.CB_VIRTUAL_PAGES));
  }

  /** What it wants to leave memory next. */
  get victims(): readonly number[] {
    return this.#victims;
  }

  /** Frees so many frames, if the policy's victims can leave: how many it did. O(pages in memory). */
  evict(wanted: number): number {
    const { exports, u32, outA } = this.#kernel;
    const count = exports.pagerHarvest();
    if (count < 0) return 0; // they cannot be looked at now
    const from = this.#kernel.control(L.CB_HARVEST) >>> 2;
    const taken = u32[outA] as number;
    this.#resize(Math.max(1, count - wanted - SPARE));
    this.#learn(u32.subarray(from, from + count), taken);
    this.#choose(wanted + SPARE);
    u32.set(this.#victims, this.#kernel.control(L.CB_VICTIMS) >>> 2);
    return exports.pagerEvict(wanted, this.#victims.length);
  }

  #resize(capacity: number): void {
    const isClose = Math.abs(capacity - this.policy.capacity) <= capacity / TOLERANCE;
    if (!isClose) this.policy.resize(capacity);
  }

  /** What is in memory, and what was used since the last time. `taken`: victims that somebody has taken meanwhile. */
  #learn(found: Uint32Array, taken: number): void {
    const { policy } = this;
    this.#harvest++;
    for (const entry of found) this.#seen[entry & L.HARVEST_PAGE] = this.#harvest;
    const gone = [...policy.pages()].filter((page) => !this.#isInMemory(page));
    for (const page of gone) policy.remove(page);
    // Those that were taken and are in memory all the same could not leave, or have come back: they are in use.
    const left = new Set(this.#victims.slice(taken).filter((page) => this.#isInMemory(page)));
    const incoming: number[] = [];
    for (const entry of found) {
      const page = entry & L.HARVEST_PAGE;
      const isAccessed = (entry & L.HARVEST_ACCESSED) !== 0;
      // The first use counts when the page is seen first. A victim that was used before it could leave comes in again.
      if (!policy.has(page)) {
        if (isAccessed || !left.has(page)) incoming.push(entry);
      } else if (isAccessed) policy.touch(page, (entry & L.HARVEST_DIRTY) !== 0);
    }
    for (const entry of incoming) left.delete(entry & L.HARVEST_PAGE);
    this.#victims = [...left];
    for (const entry of incoming) this.#admit(entry & L.HARVEST_PAGE, (entry & L.HARVEST_DIRTY) !== 0);
    policy.tick();
  }

  #admit(page: number, isDirty: boolean): void {
    const { policy } = this;
    while (policy.size >= policy.capacity) this.#victims.push(policy.evict(page));
    policy.insert(page, isDirty);
  }

  #choose(wanted: number): void {
    const { policy } = this;
    for (let page = policy.trim(); page !== NONE; page = policy.trim()) this.#victims.push(page);
    while (this.#victims.length < wanted && policy.size > 1) this.#victims.push(policy.evict());
  }

  #isInMemory(page: number): boolean {
    return this.#seen[page] === this.#harvest;
  }
}
