/** Making room when memory is out. */
import type { Heap } from "./heap.js";

/** How often garbage is reclaimed, more each time, before snapshots are lost. */
const RECLAIMS = 3;
/** How often cycles are collected for one operation: others may take what one has given back, before this thread runs again. */
const COLLECTIONS = 20;
/** How often something of the past is given up for one operation: others may take what it has given back. */
const LOSSES_MAX = 100;
/** How long it waits for other threads, to let go of pages, or to have read a snapshot: rounds of about a millisecond. */
const PATIENCE = 1000;

/** Makes room for one operation that has found none. */
export class Room {
  readonly #heap: Heap;
  #reclaims: number;
  #waits = 0;
  #collections = 0;
  #losses = 0;

  /** `reclaims`: how much has been tried already. */
  constructor(heap: Heap, reclaims = 0) {
    this.#heap = heap;
    this.#reclaims = reclaims;
  }

  /** Gives back what can be given back, more each time: false if nothing is left, true if the operation may be tried again. */
  make(): boolean {
    const heap = this.#heap;
    if (heap.isReadOnly) return false; // what the heap itself gives back it would have to write to, and keep for the snapshot
    if (this.#reclaims < RECLAIMS) {
      heap.reclaim(this.#reclaims++);
      return true;
    }
    if (heap.x.framesWereHeld() && this.#waits++ < PATIENCE) {
      heap.x.reclaimAwait();
      return true;
    }
    if (this.#collections++ < COLLECTIONS && heap.collect()) return true;
    return this.#losses++ < LOSSES_MAX && losePast(heap);
  }
}

/** What snapshots have kept goes: those that are lost already first, then the oldest. */
function losePast({ x }: Heap): boolean {
  for (let round = 0; round < PATIENCE; round++) {
    const given = x.reclaimPast();
    if (given >= 0) return given > 0;
    x.reclaimAwait();
  }
  return false;
}
