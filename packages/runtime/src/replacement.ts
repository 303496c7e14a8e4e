/**
 * A replacement policy over the pages of the live heap. It learns what was used from a *harvest* of accessed bits, and names
 * *victims*, which leave in that order: the pager takes them at once, and what is left of them is for threads that need a frame
 * before the next harvest. A run of pages is one page to it, its head.
 *
 * Invariant, after a harvest: the policy's resident pages and the victims named are together the pages in memory, no page twice.
 */
import { type Kernel, Layout as L } from "@ungil/kernel";
import { createPolicy, NONE, type ReplacementPolicy } from "@ungil/memory/policies";

/** Victims that are named beyond those that are wanted. */
const SPARE = 16;

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
    if (!this.harvest()) return 0;
    for (let page = this.policy.trim(); page !== NONE; page = this.policy.trim()) this.#victims.push(page);
    while (this.#victims.length < wanted + SPARE) {
      const page = this.policy.evict();
      if (page === NONE) break;
      this.#victims.push(page);
    }
    this.#kernel.u32.set(this.#victims, this.#kernel.control(L.CB_VICTIMS) >>> 2);
    return this.#kernel.exports.pagerEvict(wanted, this.#victims.length);
  }

  /** Learns what is in memory, and what was used since the last time; false if that cannot be looked at now. */
  harvest(): boolean {
    const { exports, u32, outA } = this.#kernel;
    const count = exports.pagerHarvest();
    if (count < 0) return false;
    const from = this.#kernel.control(L.CB_HARVEST) >>> 2;
    const found = u32.subarray(from, from + count);
    this.#harvest++;
    for (const entry of found) this.#seen[entry & L.HARVEST_PAGE] = this.#harvest;
    const gone = [...this.policy.pages()].filter((page) => !this.#isInMemory(page));
    for (const page of gone) this.policy.remove(page);
    // Those that were taken and are in memory all the same could not leave, or have come back: they are in use.
    const left = new Set(this.#victims.slice(u32[outA]).filter((page) => this.#isInMemory(page)));
    for (const entry of found) this.#learn(entry & L.HARVEST_PAGE, entry, left);
    this.#victims = [...left];
    this.policy.tick();
    return true;
  }

  /** The first use counts when the page is seen first. A victim that was used before it could leave is resident again. */
  #learn(page: number, entry: number, left: Set<number>): void {
    const isAccessed = (entry & L.HARVEST_ACCESSED) !== 0;
    const isDirty = (entry & L.HARVEST_DIRTY) !== 0;
    if (left.has(page) && !isAccessed) return;
    left.delete(page);
    if (!this.policy.has(page)) this.policy.insert(page, isDirty);
    else if (isAccessed) this.policy.touch(page, isDirty);
  }

  #isInMemory(page: number): boolean {
    return this.#seen[page] === this.#harvest;
  }
}
