/**
 * Who is in which frame: brings pages in, and takes frames from pages.
 *
 *               take                    admit
 *      free ------------> loading ----------------> resident <---- pin, unpin ----> pinned
 *       ^                                           |     |
 *       |   swapped out, or only its zeros dropped  |     |  nobody maps it any more (reap)
 *       +-------------------------------------------+-----+
 *
 * A resident page that is not pinned is in the policy's resident set. Evicting one: what was written is written back
 * (this can fail, and then nothing has changed), all entries that map the frame are pointed to its slot or emptied
 * and their translations dropped, the frame is free. A page that has a copy in its slot or in its file is not written again.
 *
 * Invariant: a frame with a slot is clean and equal to it. The first write after it was read in gives up the slot (`written`).
 */
import { OutOfMemoryError, StorageError } from "@ungil/kernel";
import { messageOf, type SwapSpace, sizeOf, writeWhole } from "../backing/index.js";
import {
  ACCESSED,
  DIRTY,
  OBJECT,
  type PageTable,
  PINNED,
  PRESENT,
  pteNumber,
  pteOf,
  ReverseMap,
  SWAPPED,
  type TranslationBuffer,
} from "../paging/index.js";
import { NONE, type Pinned, type ReplacementPolicy } from "../policies/index.js";
import type { Counters } from "./counters.js";
import { type FrameTable, NO_PAGE, NO_SLOT } from "./frames.js";
import { FilePages, SharedMemory } from "./memory-object.js";

export interface Watermarks {
  /** With so few free frames the pager looks for more, */
  low: number;
  /** until there are so many. */
  high: number;
}

export class Pager {
  readonly reverse: ReverseMap;
  /** The frame of each page that is in one. */
  private readonly frameOf = new Map<number, number>();
  private nextPage = 0;
  /** The page that came in last: in an exact machine its first reference has been counted already. */
  private admitted = NO_PAGE;
  /** Why the last write-back failed. */
  private failure: unknown;

  constructor(
    readonly frames: FrameTable,
    readonly tlb: TranslationBuffer,
    readonly swap: SwapSpace,
    readonly policy: ReplacementPolicy,
    readonly watermarks: Watermarks,
    readonly counters: Counters,
    readonly exact: boolean,
  ) {
    this.reverse = new ReverseMap(frames.count);
  }

  /** A number for a page that has none yet. */
  newPage(): number {
    return this.nextPage++;
  }

  // Frames come and go.

  /**
   * A frame for a page (NONE: for one that was never there), loading. OutOfMemoryError if none can be had, StorageError if that is
   * because of the disk.
   */
  take(incoming: number, what: string): number {
    this.makeRoom(1, incoming);
    const frame = this.frames.take();
    if (frame >= 0) return frame;
    if (this.failure instanceof StorageError) throw this.failure;
    const why = this.failure === undefined ? "every frame is pinned" : messageOf(this.failure);
    throw new OutOfMemoryError(what, {}, `no frame is free, and none can be made free: ${why}`);
  }

  /** Sees to it that so many frames are free above the low watermark, if that can be. */
  makeRoom(count: number, incoming = NONE): void {
    this.failure = undefined;
    const { low, high } = this.watermarks;
    const { freeCount } = this.frames;
    if (freeCount - count >= low) return;
    if (freeCount === 0) this.counters.reclaims.direct++;
    else this.counters.reclaims.pager++;
    this.reclaim(Math.max(high, low + count) - freeCount, incoming);
  }

  /** A loading frame now holds that page, and counts as referenced. */
  admit(frame: number, page: number, write: boolean): void {
    this.frames.pages[frame] = page;
    this.frames.fresh[frame] = 1;
    this.frameOf.set(page, frame);
    this.admitted = page;
    if (this.frames.pins[frame] === 0) this.policy.insert(page, write);
  }

  /**
   * The page of an object is that no more. If views keep it, it goes on under a number of its own: the object's page may come back,
   * from a file that has become longer again.
   */
  disown(frame: number): void {
    if (this.frames.pins[frame] === 0) return;
    this.frameOf.delete(this.frames.pages[frame]!);
    this.frames.pages[frame] = this.newPage();
    this.frameOf.set(this.frames.pages[frame]!, frame);
  }

  pin(frame: number): void {
    if (this.frames.pins[frame]!++ === 0) this.policy.remove(this.frames.pages[frame]!);
  }

  unpin(frame: number): void {
    if (--this.frames.pins[frame]! === 0) this.policy.insert(this.frames.pages[frame]!, this.isDirty(frame));
  }

  // Entries of page tables come and go.

  map(table: PageTable, page: number, frame: number, flags: number): void {
    this.reverse.add(frame, table, page);
    table.set(page, pteOf(frame, flags | PRESENT));
    if (flags & PINNED) this.pin(frame);
  }

  /** Empties an entry. What nobody can reach any more is forgotten. */
  unmap(table: PageTable, page: number): void {
    const pte = table.get(page);
    if (pte === 0) return;
    table.set(page, 0);
    const number = pteNumber(pte);
    if (pte & SWAPPED) {
      this.swap.holders[number]!--;
      this.reapSlot(number);
      return;
    }
    if (pte & DIRTY) this.frames.dirty[number] = 1;
    this.reverse.remove(number, table, page);
    this.tlb.drop(table.id, page);
    if (pte & PINNED) this.unpin(number);
    this.reap(number);
  }

  /** Forgets what is in a frame if nobody can reach it. */
  reap(frame: number): void {
    const { frames, swap } = this;
    const slot = frames.slots[frame]!;
    if (this.reverse.counts[frame]! > 0 || frames.pins[frame]! > 0 || frames.objects[frame] !== undefined) return;
    if (slot !== NO_SLOT && swap.holders[slot]! > 0) return;
    if (slot !== NO_SLOT) this.freeSlot(slot);
    this.policy.remove(frames.pages[frame]!);
    this.frameOf.delete(frames.pages[frame]!);
    frames.give(frame);
  }

  /** Forgets what is in a slot if nobody can reach it. */
  reapSlot(slot: number): void {
    const { swap } = this;
    if (swap.holders[slot]! > 0) return;
    if (swap.frames[slot] !== -1) return this.reap(swap.frames[slot]!);
    this.policy.remove(swap.pages[slot]!);
    this.freeSlot(slot);
  }

  /** A write is about to come: the copy in swap, if there is one, will not be one any more. */
  written(frame: number): void {
    const slot = this.frames.slots[frame]!;
    if (slot === NO_SLOT) return;
    this.frames.slots[frame] = NO_SLOT;
    this.swap.frames[slot] = -1;
    if (this.swap.holders[slot] === 0) this.freeSlot(slot);
    else this.swap.pages[slot] = this.newPage();
  }

  isDirty(frame: number): boolean {
    if (this.frames.dirty[frame] === 1) return true;
    let dirty = false;
    this.reverse.each(frame, (table, page) => {
      if (table.get(page) & DIRTY) dirty = true;
    });
    return dirty;
  }

  // Reclaiming.

  /**
   * Tells the policy which pages were used since the last time. The access that a page came in for was counted then: if it
   * counted twice, no policy could tell what is used once from what is used again. O(frames).
   */
  harvest(): void {
    if (this.exact) return;
    const { frames } = this;
    for (let frame = 0; frame < frames.count; frame++) {
      if (frames.pages[frame] === NO_PAGE || !this.takeAccessed(frame)) continue;
      if (frames.fresh[frame] === 0) this.policy.touch(frames.pages[frame]!, this.isDirty(frame));
      frames.fresh[frame] = 0;
    }
    this.policy.tick();
    this.trim();
  }

  /** An exact machine tells the policy of each reference when it happens. */
  referenced(frame: number, write: boolean): void {
    const page = this.frames.pages[frame]!;
    if (page !== this.admitted) this.policy.touch(page, write);
    this.admitted = NO_PAGE;
  }

  /** Evicts what the policy wants gone although there is room. */
  trim(): void {
    for (let page = this.policy.trim(); page !== NONE; page = this.policy.trim()) {
      if (!this.tryEvict(page)) return;
    }
  }

  /** Makes frames free: so many, if that can be. */
  reclaim(count: number, incoming = NONE): void {
    this.harvest();
    // Where a write-back has failed, only clean pages can go for now.
    const failed = new Set<FilePages | SwapSpace>();
    const refused: Pinned = (page) => {
      const frame = this.frameOf.get(page)!;
      return failed.has(this.backing(frame)) && this.isDirty(frame);
    };
    for (let left = count; left > 0; ) {
      const page = this.policy.evict(incoming, failed.size > 0 ? refused : undefined);
      if (page === NONE) return;
      incoming = NONE;
      if (this.tryEvict(page)) left--;
      else failed.add(this.backing(this.frameOf.get(page)!));
    }
  }

  /** Where a frame's page is written back to. */
  private backing(frame: number): FilePages | SwapSpace {
    const object = this.frames.objects[frame];
    return object instanceof FilePages ? object : this.swap;
  }

  /** Makes one certain frame free that is not pinned. Throws if what was written to it cannot be written back. */
  vacate(frame: number): void {
    const page = this.frames.pages[frame]!;
    this.clean(frame);
    this.policy.remove(page);
    this.evict(frame);
  }

  /** A page has left the policy's resident set, and its frame is freed; or else it comes back. */
  private tryEvict(page: number): boolean {
    const frame = this.frameOf.get(page)!;
    try {
      this.clean(frame);
    } catch (error) {
      this.failure = error;
      this.policy.insert(page, true);
      return false;
    }
    this.evict(frame);
    return true;
  }

  /** Writes back what was written to a frame. Throws, and nothing has changed, if that fails. */
  clean(frame: number): void {
    if (!this.isDirty(frame)) return;
    const { frames, swap } = this;
    const object = frames.objects[frame];
    if (object instanceof FilePages) {
      const what = `the file ${object.name}`;
      const position = frames.indexes[frame]! * frames.pageSize;
      // It may have been cut short a moment ago: it is not made longer again.
      const length = Math.min(frames.pageSize, object.size - position, sizeOf(object.store, what) - position);
      if (length > 0) {
        writeWhole(object.store, frames.content(frame).subarray(0, length), position, what);
        this.counters.writeBacks.file++;
      } else this.counters.lost++;
    } else {
      const slot = swap.allocate();
      if (slot < 0)
        throw new OutOfMemoryError("Swapping a page out", {}, `all ${swap.size} slots of the swap file are in use`);
      try {
        swap.write(slot, frames.content(frame));
      } catch (error) {
        swap.free(slot);
        throw error;
      }
      frames.slots[frame] = slot;
      swap.frames[slot] = frame;
      swap.pages[slot] = frames.pages[frame]!;
      this.counters.writeBacks.swap++;
    }
    this.clearDirty(frame);
  }

  private clearDirty(frame: number): void {
    // What is written through a view after this counts when the view is released; until then the frame stays.
    this.frames.dirty[frame] = 0;
    this.reverse.each(frame, (table, page) => {
      table.set(page, (table.get(page) & ~DIRTY) >>> 0);
      this.tlb.drop(table.id, page);
    });
  }

  /** A clean frame's page goes to where its copy is. Cannot fail. */
  private evict(frame: number): void {
    const { frames, swap } = this;
    const slot = frames.slots[frame]!;
    const object = frames.objects[frame];
    this.reverse.each(frame, (table, page) => {
      const stays = slot !== NO_SLOT && !(table.get(page) & OBJECT);
      if (stays) swap.holders[slot]!++;
      table.set(page, stays ? pteOf(slot, SWAPPED) : 0);
      this.tlb.drop(table.id, page);
      this.reverse.remove(frame, table, page);
    });
    object?.frames.delete(frames.indexes[frame]!);
    if (object instanceof SharedMemory) {
      if (slot === NO_SLOT) object.account.shared--;
      else {
        object.slots.set(frames.indexes[frame]!, slot);
        swap.holders[slot]!++;
      }
    }
    const page = frames.pages[frame]!;
    if (slot !== NO_SLOT) swap.frames[slot] = -1;
    // Only zeros: the page is no more, and comes back as another one.
    else if (!(object instanceof FilePages)) this.policy.remove(page);
    this.frameOf.delete(page);
    frames.give(frame);
    this.counters.evictions++;
  }

  private takeAccessed(frame: number): boolean {
    let accessed = false;
    this.reverse.each(frame, (table, page) => {
      const pte = table.get(page);
      if (!(pte & ACCESSED)) return;
      accessed = true;
      table.set(page, (pte & ~ACCESSED) >>> 0);
      this.tlb.drop(table.id, page);
    });
    return accessed;
  }

  private freeSlot(slot: number): void {
    this.swap.frames[slot] = -1;
    this.swap.free(slot);
  }
}
