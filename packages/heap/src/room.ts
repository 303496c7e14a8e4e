/** Making room when memory is out. */
import type { Heap } from "./heap.js";

/** How often garbage is reclaimed, more each time, before snapshots are lost. */
const RECLAIMS = 3;
/** How often cycles are collected for one operation: others may take what one has given back, before this thread runs again. */
const COLLECTIONS = 20;
/** How often something of the past is given up for one operation: others may take what it has given back. */
const LOSSES_MAX = 100;
/** How long it waits until the main thread does not read a snapshot any more: rounds of about a millisecond. */
const PATIENCE = 1000;

/** Gives back what can be given back, more each time it is asked again for the same operation: false if nothing is left. */
export function makeRoom(heap: Heap, triesBefore: number): boolean {
  if (heap.isReadOnly) return false; // what the heap itself gives back it would have to write to, and keep for the snapshot
  if (triesBefore < RECLAIMS) {
    heap.reclaim(triesBefore);
    return true;
  }
  if (triesBefore < RECLAIMS + COLLECTIONS && heap.collect()) return true;
  return triesBefore < RECLAIMS + COLLECTIONS + LOSSES_MAX && losePast(heap);
}

/** What snapshots have kept goes: those that are lost already first, then the oldest. */
export function losePast({ x }: Heap): boolean {
  for (let round = 0; round < PATIENCE; round++) {
    const given = x.reclaimPast();
    if (given >= 0) return given > 0;
    x.reclaimAwait();
  }
  return false;
}
