/** Pages and their blocks, from the page descriptors alone: no block is read, but for those that other threads have freed. */
import { Layout as L } from "@ungil/kernel";
import type { Reader } from "../verify-reader.js";
import type { HeapFigures, SizeClassStats } from "./shape.js";

/** What a thread has of the pages. */
export interface Share {
  pages: number;
  blocks: number;
  bytes: number;
  runs: number;
}

interface Blocks {
  size: number;
  pages: number;
  capacity: number;
  inUse: number;
  remote: number;
  available: number;
  fresh: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class PageScan {
  readonly #classes = new Map<number, Blocks>();
  readonly shares = new Map<number, Share>();
  readonly runs = { objects: 0, bytes: 0 };
  readonly pages: Mutable<HeapFigures["pages"]> = {
    ...{ total: 0, small: 0, runs: 0, retired: 0, free: 0, padding: 0, resident: 0, swapped: 0 },
  };
  readonly arenas: Mutable<HeapFigures["arenas"]> = { total: 0, small: 0, runs: 0 };
  /** Frames that pages have, by the pages' states. */
  readonly frames = { smallPages: 0, runs: 0, retired: 0, emptyPages: 0 };
  /** Blocks of open pages that are still to be handed out, by page. */
  readonly #toCome = new Map<number, number>();

  constructor(readonly reader: Reader) {
    for (const [slot, block] of reader.threads()) this.#open(slot, block);
    let retired = false; // the run that this page belongs to
    for (let page = 1; page < reader.pages; page++) {
      const state = reader.word(reader.descriptor(page) + L.PD_STATE);
      if (state === L.PAGE_RUN) retired = this.#run(page);
      if (state === L.PAGE_SMALL) this.#small(page);
      this.#count(page, state, retired);
    }
    this.#arenas();
  }

  /** By size. */
  get classes(): SizeClassStats[] {
    return [...this.#classes.values()]
      .sort((a, b) => a.size - b.size)
      .map((blocks) => ({ ...blocks, fragmentation: 1 - (blocks.inUse * blocks.size) / (blocks.pages * L.PAGE_SIZE) }));
  }

  get bytes(): HeapFigures["bytes"] {
    const sum = (of: (blocks: Blocks) => number) =>
      [...this.#classes.values()].reduce((all, blocks) => all + of(blocks), 0);
    return {
      allocated: this.runs.bytes + sum(({ inUse, size }) => inUse * size),
      remote: sum(({ remote, size }) => remote * size),
      available: sum(({ available, size }) => available * size),
      fresh: sum(({ fresh, size }) => fresh * size),
      retired: this.pages.retired * L.PAGE_SIZE,
      quantization: sum(({ pages, capacity, size }) => pages * L.PAGE_SIZE - capacity * size),
    };
  }

  share(slot: number): Share {
    let share = this.shares.get(slot);
    if (!share) this.shares.set(slot, (share = { pages: 0, blocks: 0, bytes: 0, runs: 0 }));
    return share;
  }

  /** The open pages of a thread: what they have left counts as used in their descriptors. */
  #open(slot: number, block: number): void {
    this.share(slot);
    for (let size = 0; size < L.SMALL_CLASSES; size++) {
      const bump = block + L.TB_BUMP + 8 * size;
      const [next, end] = [this.reader.word(bump), this.reader.word(bump + 4)];
      const page = ((end - 1) >>> 0) >>> L.PAGE_SHIFT;
      if (next === end || page >= this.reader.pages) continue;
      this.#toCome.set(page, (end - next) / this.reader.word(this.reader.descriptor(page) + L.PD_BLOCK_SIZE));
    }
  }

  #small(page: number): void {
    const { reader } = this;
    const descriptor = reader.descriptor(page);
    const field = (offset: number) => reader.word(descriptor + offset);
    const [size, capacity, carved, used] = [L.PD_BLOCK_SIZE, L.PD_CAPACITY, L.PD_CARVED, L.PD_USED].map(field) as [
      ...[number, number, number, number],
    ];
    let all = this.#classes.get(size);
    if (!all)
      this.#classes.set(size, (all = { size, pages: 0, capacity: 0, inUse: 0, remote: 0, available: 0, fresh: 0 }));
    const toCome = this.#toCome.get(page) ?? 0;
    const remote = this.#freedRemotely(page, field(L.PD_THREAD_FREE), size, capacity);
    const inUse = used - toCome - remote;
    all.pages++;
    all.capacity += capacity;
    all.inUse += inUse;
    all.remote += remote;
    all.available += carved - used;
    all.fresh += capacity - carved + toCome;
    const share = this.share(field(L.PD_OWNER));
    share.pages++;
    share.blocks += inUse;
    share.bytes += inUse * size;
  }

  /** Length of a page's list of blocks that others have freed. Whoever takes it meanwhile may lead elsewhere: it ends there. */
  #freedRemotely(page: number, head: number, size: number, capacity: number): number {
    let length = 0;
    for (let block = head; block !== 0 && length < capacity; block = this.reader.at(block, 4)) {
      if (block >>> L.PAGE_SHIFT !== page || (block & L.PAGE_MASK) % size !== 0) break;
      length++;
    }
    return length;
  }

  /** True if the run is one that was given back. */
  #run(page: number): boolean {
    const { reader } = this;
    if (reader.at(page * L.PAGE_SIZE, L.OBJECT_TYPE) === 0) return true;
    this.runs.objects++;
    this.runs.bytes += reader.word(reader.descriptor(page) + L.PD_RUN_PAGES) * L.PAGE_SIZE;
    this.share((reader.word(reader.descriptor(page) + L.PD_OWNER) & ~L.OWNER_RUN) >>> 0).runs++;
    return false;
  }

  #count(page: number, state: number, retired: boolean): void {
    const { pages, frames } = this;
    const [flags] = this.reader.entry(page);
    const hasFrame = (flags & (L.PTE_PRESENT | L.PTE_LEAVING)) !== 0;
    if (hasFrame) pages.resident++;
    else if (flags & L.PTE_SWAPPED) pages.swapped++;
    if (state === L.PAGE_FREE) {
      if (hasFrame) frames.emptyPages++;
      return;
    }
    pages.total++;
    const kind = state === L.PAGE_SMALL ? "small" : retired ? "retired" : "runs";
    pages[kind]++;
    if (hasFrame) frames[kind === "small" ? "smallPages" : kind]++;
  }

  #arenas(): void {
    const { reader, arenas, pages } = this;
    const map = reader.kernel.control(L.CB_ARENA_MAP);
    for (let arena = 0; arena < reader.pages / L.ARENA_PAGES; arena++) {
      const kind = reader.word(reader.kernel.control(L.CB_ARENA_KIND) + 4 * arena);
      const first = arena * L.ARENA_PAGES;
      const numbers = Array.from({ length: L.ARENA_PAGES }, (_, n) => first + n);
      const inUse = numbers.filter((page) => reader.word(reader.descriptor(page) + L.PD_STATE) !== L.PAGE_FREE).length;
      // What is taken without being a page: page 0, and the rest of the last arena of a run of several.
      const taken = numbers.filter((page) => reader.bit(map, page)).length;
      if (kind === L.ARENA_UNUSED && taken <= (arena === 0 ? 1 : 0)) continue;
      arenas.total++;
      if (kind === L.ARENA_SMALL) arenas.small++;
      else arenas.runs++;
      pages.free += L.ARENA_PAGES - taken;
      pages.padding += taken - inUse;
    }
  }
}
