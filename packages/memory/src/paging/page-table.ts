/**
 * The page table of one address space: two levels, like a 32-bit x86's. A leaf holds 1024 entries and exists from the
 * first entry that is set in it.
 *
 * Invariant: `resident`, `swapped` and `exclusive` count the entries that are PRESENT, SWAPPED, and either of them but
 * without OBJECT.
 */
import { OBJECT, PRESENT, SWAPPED } from "./pte.js";

const LEAF_BITS = 10;
const LEAF = 1 << LEAF_BITS;
/** What counts depend on. */
const COUNTED = PRESENT | SWAPPED | OBJECT;

export class PageTable {
  resident = 0;
  swapped = 0;
  /** Pages that only memory and swap hold, and that are not shared memory. */
  exclusive = 0;
  private readonly directory: (Uint32Array | undefined)[];

  constructor(
    /** The address space's id: TLB entries are tagged with it. */
    readonly id: number,
    /** Virtual pages, at most. */
    readonly pages: number,
  ) {
    this.directory = new Array<Uint32Array | undefined>(Math.ceil(pages / LEAF));
  }

  /** The entry of a page; 0 if nothing was ever there. */
  get(page: number): number {
    return this.directory[page >>> LEAF_BITS]?.[page & (LEAF - 1)] ?? 0;
  }

  set(page: number, pte: number): void {
    const leaf = (this.directory[page >>> LEAF_BITS] ??= new Uint32Array(LEAF));
    const old = leaf[page & (LEAF - 1)]!;
    leaf[page & (LEAF - 1)] = pte;
    if (((old ^ pte) & COUNTED) === 0 && old !== 0 && pte !== 0) return;
    this.count(old, -1);
    this.count(pte, 1);
  }

  /** Entries that are not 0, from `first` to below `end`, in order. The one that is given may be changed meanwhile. */
  *entries(first = 0, end = this.pages): IterableIterator<[page: number, pte: number]> {
    for (let page = first; page < end; ) {
      const leaf = this.directory[page >>> LEAF_BITS];
      const leafEnd = Math.min(end, (page | (LEAF - 1)) + 1);
      if (leaf === undefined) page = leafEnd;
      else
        for (; page < leafEnd; page++) {
          const pte = leaf[page & (LEAF - 1)]!;
          if (pte !== 0) yield [page, pte];
        }
    }
  }

  verify(): string[] {
    const seen = new PageTable(this.id, 0);
    for (const [, pte] of this.entries()) seen.count(pte, 1);
    return (["resident", "swapped", "exclusive"] as const)
      .filter((name) => seen[name] !== this[name])
      .map((name) => `space ${this.id}: ${seen[name]} entries are ${name}, counted ${this[name]}`);
  }

  private count(pte: number, change: number): void {
    if (pte & PRESENT) this.resident += change;
    if (pte & SWAPPED) this.swapped += change;
    if (pte !== 0 && !(pte & OBJECT)) this.exclusive += change;
  }
}
