/**
 * Physical memory: the bytes, and what is known of each frame.
 *
 * A frame is free; or *loading*, between `take` and `Pager.admit`; or in use, and then it has a page number, by which the
 * replacement policy knows what lies in it.
 *
 * Invariant: free frames + frames with a page = all frames, between two calls. A frame in use that is clean and has no
 * swap slot, and no file, holds zeros: so it can be dropped.
 */
import { VirtualMemoryError } from "../errors.js";
import type { MemoryObject } from "./memory-object.js";

export const NO_PAGE = -1;
export const NO_SLOT = -1;

export class FrameTable {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** An address's page number is what is left of it when it is shifted so. */
  readonly pageShift: number;
  /** What the policy knows the frame's content by. */
  readonly pages: Float64Array;
  /** The swap slot that has the same content, or -1. */
  readonly slots: Int32Array;
  /** The object whose page it is, and which one; shared memory or a file. */
  readonly objects: (MemoryObject | undefined)[];
  readonly indexes: Float64Array;
  /** Locks, views and runs: while there are any, the frame stays. */
  readonly pins: Int32Array;
  /** Views through which is written: the content may change at any moment. */
  readonly writers: Int32Array;
  /** 1: written to, by entries of page tables that are gone. */
  readonly dirty: Uint8Array;
  /** 1: read ahead, and not used yet. */
  readonly ahead: Uint8Array;
  /** 1: came in since the pager looked last, and the policy has counted that as a reference already. */
  readonly fresh: Uint8Array;
  /** Free frames, in no order, and where each stands in that list. */
  private readonly free: Int32Array;
  private readonly places: Int32Array;
  freeCount: number;

  constructor(
    readonly count: number,
    readonly pageSize: number,
  ) {
    try {
      this.bytes = new Uint8Array(count * pageSize);
    } catch (cause) {
      throw new VirtualMemoryError(`${count} frames of ${pageSize} bytes are more than this process gets`, { cause });
    }
    this.pageShift = Math.log2(pageSize);
    this.view = new DataView(this.bytes.buffer);
    this.pages = new Float64Array(count).fill(NO_PAGE);
    this.slots = new Int32Array(count).fill(NO_SLOT);
    this.objects = new Array<MemoryObject | undefined>(count);
    this.indexes = new Float64Array(count);
    this.pins = new Int32Array(count);
    this.writers = new Int32Array(count);
    this.dirty = new Uint8Array(count);
    this.ahead = new Uint8Array(count);
    this.fresh = new Uint8Array(count);
    // The lowest one is taken first, so that what is mapped first lies together.
    this.free = Int32Array.from({ length: count }, (_, n) => count - 1 - n);
    this.places = Int32Array.from(this.free);
    this.freeCount = count;
  }

  /** A free frame, or -1. What it holds is whatever was there. */
  take(): number {
    return this.freeCount === 0 ? -1 : this.free[--this.freeCount]!;
  }

  /** Takes a certain free frame. */
  takeThis(frame: number): void {
    const place = this.places[frame]!;
    const last = this.free[--this.freeCount]!;
    this.free[place] = last;
    this.places[last] = place;
    this.free[this.freeCount] = frame;
    this.places[frame] = this.freeCount;
  }

  give(frame: number): void {
    this.pages[frame] = NO_PAGE;
    this.slots[frame] = NO_SLOT;
    this.objects[frame] = undefined;
    this.dirty[frame] = 0;
    this.ahead[frame] = 0;
    this.free[this.freeCount] = frame;
    this.places[frame] = this.freeCount++;
  }

  isFree(frame: number): boolean {
    const place = this.places[frame]!;
    return place < this.freeCount && this.free[place] === frame;
  }

  /** The frame's bytes. */
  content(frame: number): Uint8Array {
    return this.bytes.subarray(frame * this.pageSize, (frame + 1) * this.pageSize);
  }
}
