/**
 * The translation lookaside buffer of a machine: sets of `ways` entries, tagged with the address space's id, so that
 * going from one space to another flushes nothing. The least recently used entry of a set leaves.
 *
 * An entry is writable from the first write on: that write misses, and the walk sets DIRTY.
 *
 * Invariant: an entry's page is PRESENT and ACCESSED in its space's table, in that frame; a writable one's has WRITE and
 * DIRTY. Who takes any of this from an entry of a page table drops the translation as well.
 */
import { type TlbShape, tlbShape } from "../simulate/index.js";

/** Page numbers are below this, so a tag is one number. */
const TAG_SPACE = 2 ** 24;
const EMPTY = -1;

export class TranslationBuffer {
  hits = 0;
  misses = 0;
  readonly shape: TlbShape;
  private readonly sets: number;
  private readonly ways: number;
  /** Set by set, the most recently used first. */
  private readonly tags: Float64Array;
  private readonly frames: Int32Array;
  private readonly writable: Uint8Array;

  /** `shape`: "64x4" is 64 entries in sets of 4. SimulationError if it is none. */
  constructor(shape: string) {
    this.shape = tlbShape(shape);
    const { entries, ways } = this.shape;
    this.ways = ways;
    this.sets = entries / ways;
    this.tags = new Float64Array(entries).fill(EMPTY);
    this.frames = new Int32Array(entries);
    this.writable = new Uint8Array(entries);
  }

  /** The frame of a page, or -1: a miss. O(ways). */
  find(space: number, page: number, write: boolean): number {
    const first = (page % this.sets) * this.ways;
    const at = this.look(first, space * TAG_SPACE + page);
    if (at < 0 || (write && this.writable[at] === 0)) {
      this.misses++;
      return -1;
    }
    this.hits++;
    if (at > first) this.toFront(first, at);
    return this.frames[first]!;
  }

  insert(space: number, page: number, frame: number, writable: boolean): void {
    const tag = space * TAG_SPACE + page;
    const first = (page % this.sets) * this.ways;
    const old = this.look(first, tag);
    this.toFront(first, old < 0 ? first + this.ways - 1 : old);
    this.tags[first] = tag;
    this.frames[first] = frame;
    this.writable[first] = writable ? 1 : 0;
  }

  /** Forgets the translation of a page. */
  drop(space: number, page: number): void {
    const at = this.look((page % this.sets) * this.ways, space * TAG_SPACE + page);
    if (at >= 0) this.tags[at] = EMPTY;
  }

  /** What it holds, in order of sets. */
  *entries(): IterableIterator<{ space: number; page: number; frame: number; writable: boolean; set: number }> {
    for (let at = 0; at < this.tags.length; at++) {
      const tag = this.tags[at]!;
      if (tag === EMPTY) continue;
      const set = Math.floor(at / this.ways);
      const writable = this.writable[at] === 1;
      yield { space: Math.floor(tag / TAG_SPACE), page: tag % TAG_SPACE, frame: this.frames[at]!, writable, set };
    }
  }

  private look(first: number, tag: number): number {
    for (let at = first; at < first + this.ways; at++) if (this.tags[at] === tag) return at;
    return -1;
  }

  private toFront(first: number, from: number): void {
    const { tags, frames, writable } = this;
    const tag = tags[from]!;
    const frame = frames[from]!;
    const write = writable[from]!;
    for (let at = from; at > first; at--) {
      tags[at] = tags[at - 1]!;
      frames[at] = frames[at - 1]!;
      writable[at] = writable[at - 1]!;
    }
    tags[first] = tag;
    frames[first] = frame;
    writable[first] = write;
  }
}
