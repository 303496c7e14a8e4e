/**
 * The table that leads from an object to its weak cells: a bucket is a chain through the cells themselves, newest first, and its
 * head word carries the bucket's lock in bit 0. Cells of other objects may stand in the same bucket.
 *
 *   LINKED   TARGET is an object, the cell stands in TARGET's bucket      the object is dying: all its cells leave at once
 *     |                                                                   the cell is dying: it leaves by itself
 *     v
 *   out of the table for ever, TARGET is 0 (or the cell is dying)
 *
 * Invariants: a cell with a TARGET is LINKED, in the bucket of its TARGET; that object has HEADER_HAS_WEAK and is not DYING. The
 * table does not count the cells of TYPE_WEAK, so one that is found is acquired like an object through a cell (`acquire`), under
 * the lock. It does count those of TYPE_FINALIZER, once.
 *
 * All that is done under a lock stands in a straight line behind the translations: a thread that dies there has changed nothing.
 */
import * as L from "../layout";
import { GIL } from "../machine/build";
import { control } from "../machine/registers";
import { spinLockBit, spinUnlockBit } from "../machine/spin";
import { wordCas, wordLoad, wordStore } from "../machine/word";
import { writeAddress } from "../paging/translate";

const LOCK: u32 = 1;

/** Which cells of an object are meant. */
export const CELLS_REFERENCES: u32 = 1; // all but those of destructors
export const CELLS_DESTRUCTORS: u32 = 2;
export const CELLS_ALL: u32 = 3;

// @ts-ignore: decorator
@inline export function weakBucket(target: u32): usize {
  const index = (((target >>> 4) * 0x9e3779b1) >>> 8) & (load<u32>(control() + L.CB_WEAK_BUCKETS) - 1);
  return <usize>load<u32>(control() + L.CB_WEAK) + <usize>index * L.WEAK_BUCKET_SIZE;
}

// @ts-ignore: decorator
@inline export function isCell(type: u32): bool {
  return type == L.TYPE_WEAK || type == L.TYPE_FINALIZER;
}

// @ts-ignore: decorator
@inline export function bucketLock(bucket: usize): void {
  spinLockBit(bucket, LOCK, 0);
}

// @ts-ignore: decorator
@inline export function bucketUnlock(bucket: usize): void {
  spinUnlockBit(bucket, LOCK);
}

// @ts-ignore: decorator
@inline export function bucketHead(bucket: usize): u32 {
  return load<u32>(bucket + L.BUCKET_CELLS) & ~LOCK;
}

// @ts-ignore: decorator
@inline function headSet(bucket: usize, va: u32): void {
  store<u32>(bucket + L.BUCKET_CELLS, GIL ? va : va | LOCK);
}

/** Puts a cell that has its TARGET before all others of its bucket, which is locked. */
export function cellLink(bucket: usize, va: u32, p: usize): void {
  const head = bucketHead(bucket);
  const q = head ? writeAddress(head) : 0;
  store<u32>(p + L.WEAK_NEXT, head);
  store<u32>(p + L.WEAK_PREVIOUS, 0);
  store<u32>(p + L.WEAK_STATE, load<u32>(p + L.WEAK_STATE) | L.WEAK_LINKED);
  if (q) store<u32>(q + L.WEAK_PREVIOUS, va);
  headSet(bucket, va);
}

/** Takes a cell out of its bucket, which is locked: it leads nowhere from now on. */
export function cellUnlink(bucket: usize, p: usize): void {
  const next = load<u32>(p + L.WEAK_NEXT);
  const previous = load<u32>(p + L.WEAK_PREVIOUS);
  const after = next ? writeAddress(next) : 0;
  const before = previous ? writeAddress(previous) : 0;
  if (after) store<u32>(after + L.WEAK_PREVIOUS, previous);
  if (before) store<u32>(before + L.WEAK_NEXT, next);
  else headSet(bucket, next);
  store<u32>(p + L.WEAK_STATE, load<u32>(p + L.WEAK_STATE) & ~L.WEAK_LINKED);
  wordStore(p + L.WEAK_TARGET, 0);
}

/** The newest cell of an object at or behind `va` in its bucket, which is locked, of the kinds that are meant; 0 if there is none. */
export function cellFind(va: u32, target: u32, kinds: u32): u32 {
  while (va) {
    const p = writeAddress(va);
    const kind = load<u32>(p + L.WEAK_STATE) & L.WEAK_DESTRUCTOR ? CELLS_DESTRUCTORS : CELLS_REFERENCES;
    if (load<u32>(p + L.WEAK_TARGET) == target && (kinds & kind) != 0) return va;
    va = load<u32>(p + L.WEAK_NEXT);
  }
  return 0;
}

/**
 * Takes an object that was not found in a counted slot: false if it has died. It may stand in limbo; then it stays there for another
 * grace period, as if its count had been 1 for a moment. The caller notes it in its borrow list, or counts it.
 */
export function acquire(p: usize): bool {
  let word = wordLoad(p + L.OBJECT_COUNT);
  while (true) {
    if (word & L.COUNT_DYING) return false;
    if (word >= L.COUNT_ONE || word & L.COUNT_REDO) return true;
    const old = wordCas(p + L.OBJECT_COUNT, word, word | L.COUNT_REDO);
    if (old == word) return true;
    word = old;
  }
}

/** A cell is dying: it leaves the table, where it is still found, and leaves behind when it was used last. */
export function cellForget(p: usize): void {
  const target = wordLoad(p + L.WEAK_TARGET);
  if (!target) return;
  const bucket = weakBucket(target);
  bucketLock(bucket);
  if (load<u32>(p + L.WEAK_STATE) & L.WEAK_LINKED) {
    const upgraded = wordLoad(p + L.WEAK_UPGRADED);
    if (upgraded > load<u32>(bucket + L.BUCKET_UPGRADED)) store<u32>(bucket + L.BUCKET_UPGRADED, upgraded);
    cellUnlink(bucket, p);
  }
  bucketUnlock(bucket);
}
