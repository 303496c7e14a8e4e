/**
 * Swap slots: one page each, given out by a bit map, the lowest free one first.
 *
 * A slot is *held* by the page table entries (or the one memory object) whose page lies in it; it may be *cached* by
 * a frame with the same content. Two entries hold one slot after a fork.
 *
 * Invariant: the bit of a slot is set exactly if it has a holder or a frame; frames[slot] = f exactly if f's slot is this one.
 */
import { StorageError } from "@ungil/kernel";
import { type ByteStore, readWhole, writeWhole } from "./byte-store.js";

const NONE = -1;

export class SwapSpace {
  used = 0;
  /** The frame that has what the slot has, or -1. */
  frames: Int32Array = new Int32Array(0);
  /** Page table entries and objects whose page this is. */
  holders: Int32Array = new Int32Array(0);
  /** What a replacement policy knows the page by. */
  pages: Float64Array = new Float64Array(0);
  private bits = new Uint32Array(0);
  /** No free slot lies before this word of the bit map. */
  private search = 0;

  constructor(
    private readonly store: ByteStore,
    private readonly pageSize: number,
    /** Slots, at most. */
    readonly size: number,
  ) {}

  /** A slot that nobody holds yet, or -1: it is full. The caller sets a holder or a frame, or frees it. */
  allocate(): number {
    for (let word = this.search; word < this.bits.length; word++) {
      if (this.bits[word] === 0xffffffff) continue;
      this.search = word;
      const bit = 31 - Math.clz32(~this.bits[word]! & -~this.bits[word]!);
      const slot = 32 * word + bit;
      if (slot >= this.size) return NONE;
      this.bits[word]! |= 1 << bit;
      this.used++;
      return slot;
    }
    this.search = this.bits.length;
    if (32 * this.bits.length >= this.size) return NONE;
    this.grow();
    return this.allocate();
  }

  free(slot: number): void {
    this.bits[slot >>> 5]! &= ~(1 << (slot & 31));
    this.search = Math.min(this.search, slot >>> 5);
    this.used--;
  }

  isUsed(slot: number): boolean {
    return ((this.bits[slot >>> 5] ?? 0) & (1 << (slot & 31))) !== 0;
  }

  /** The end of the slots that may be in use. */
  get end(): number {
    return Math.min(this.size, 32 * this.bits.length);
  }

  /** StorageError if the store fails or is cut short. */
  read(slot: number, bytes: Uint8Array): void {
    readWhole(this.store, bytes, slot * this.pageSize, `slot ${slot} of the swap file`);
  }

  write(slot: number, bytes: Uint8Array): void {
    writeWhole(this.store, bytes, slot * this.pageSize, `slot ${slot} of the swap file`);
  }

  close(): void {
    try {
      this.store.close();
    } catch (cause) {
      throw new StorageError("the swap file cannot be closed", { cause });
    }
  }

  private grow(): void {
    const words = Math.max(8, 2 * this.bits.length);
    const bits = new Uint32Array(words);
    bits.set(this.bits);
    const frames = new Int32Array(32 * words).fill(NONE);
    frames.set(this.frames);
    const holders = new Int32Array(32 * words);
    holders.set(this.holders);
    const pages = new Float64Array(32 * words);
    pages.set(this.pages);
    this.bits = bits;
    this.frames = frames;
    this.holders = holders;
    this.pages = pages;
  }
}
