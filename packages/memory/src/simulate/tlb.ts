/**
 * A translation lookaside buffer: sets of `ways` entries, the least recently used of a set leaves. It sees every
 * reference, whatever the policies do: as if all pages were resident. A miss is one walk of the page table.
 */
import { SimulationError } from "../errors.js";
import type { References } from "./references.js";

export interface TlbShape {
  entries: number;
  /** Entries in a set; as many as entries: fully associative. */
  ways: number;
}

export interface TlbReport extends TlbShape {
  hits: number;
  /** Walks of the page table: the misses. */
  walks: number;
  hitRatio: number;
}

/** "64x4": 64 entries, 4 ways. "64": fully associative. */
export function tlbShape(text: string): TlbShape {
  const [, entries, ways] = /^(\d+)(?:x(\d+))?$/.exec(text.trim()) ?? [];
  const shape = { entries: Number(entries), ways: Number(ways ?? entries) };
  checkShape(shape, text);
  return shape;
}

function checkShape({ entries, ways }: TlbShape, text = `${entries}x${ways}`): void {
  const good = Number.isInteger(entries) && Number.isInteger(ways) && ways >= 1 && entries % ways === 0;
  if (!good || entries < 1 || entries > 2 ** 20 || ways > 1024) {
    throw new SimulationError(
      `a TLB of ${text}: give entries x ways, like 64x4; the ways (at most 1024) must divide the entries (at most 2^20)`,
    );
  }
}

export class Tlb {
  hits = 0;
  walks = 0;
  private readonly sets: number;
  private readonly ways: number;
  /** Set by set, the most recently used first. */
  private readonly pages: Float64Array;

  constructor(private readonly shape: TlbShape) {
    checkShape(shape);
    this.ways = shape.ways;
    this.sets = shape.entries / shape.ways;
    this.pages = new Float64Array(shape.entries).fill(-1);
  }

  /** True: a hit. O(ways). */
  access(page: number): boolean {
    const { pages, ways } = this;
    const first = (page % this.sets) * ways;
    let at = first;
    const last = first + ways - 1;
    while (at < last && pages[at] !== page) at++;
    const hit = pages[at] === page;
    for (; at > first; at--) pages[at] = pages[at - 1]!;
    pages[first] = page;
    if (hit) this.hits++;
    else this.walks++;
    return hit;
  }

  run({ pages, count }: References): void {
    for (let n = 0; n < count; n++) this.access(pages[n]!);
  }

  report(): TlbReport {
    const all = this.hits + this.walks;
    return { ...this.shape, hits: this.hits, walks: this.walks, hitRatio: all === 0 ? 0 : this.hits / all };
  }
}
