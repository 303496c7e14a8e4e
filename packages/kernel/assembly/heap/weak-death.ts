/**
 * The death of objects that have weak cells.
 *
 *   count stayed 0 for a grace period (limbo.ts)
 *     |-- it has destructors: it lives on, held by them, and they are due; when they are over it is judged again
 *     v
 *   DYING: no upgrade succeeds from here on  -->  all cells leave it, newest first  -->  in limbo once more  -->  destroyed
 *
 * The second grace period is for threads that have read the object's address in a cell a moment ago, and look at its count word
 * now. What runs because of a death is only put into a queue here.
 */
import * as L from "../layout";
import { futexWake } from "../machine/futex";
import { control } from "../machine/registers";
import { spinLock, spinUnlock } from "../machine/spin";
import { wordAnd, wordCas, wordLoad } from "../machine/word";
import { writeAddress } from "../paging/translate";
import { countDecrementAt, countIncrementAt, limboPush } from "./count";
import { bucketHead, bucketLock, bucketUnlock, CELLS_ALL, CELLS_DESTRUCTORS, cellFind, cellUnlink, weakBucket } from "./weak-table";

/** The object is DYING, and in no list. */
export function weakDie(va: u32): void {
  weakClear(va, CELLS_ALL);
  limboPush(va);
}

/** All cells of these kinds leave the object; what is to be run because of that is due. */
export function weakClear(va: u32, kinds: u32): void {
  const death = atomic.add<u32>(control() + L.CB_WEAK_DEATHS, 1) + 1;
  const bucket = weakBucket(va);
  while (true) {
    bucketLock(bucket);
    const cell = cellFind(bucketHead(bucket), va, kinds);
    if (!cell) return bucketUnlock(bucket);
    const p = writeAddress(cell);
    const isDue = dueHold(p);
    store<u32>(p + L.WEAK_DEATH, death);
    cellUnlink(bucket, p);
    bucketUnlock(bucket);
    if (isDue) duePush(cell, p);
  }
}

/**
 * Whether a cell's coroutine is to be run: then it is counted for the queue. A finalizer is counted by the table already. A weak
 * reference whose count has fallen to 0 has died before its object, and nobody can have it: whoever had read it has passed a safepoint since.
 */
function dueHold(p: usize): bool {
  if ((load<u32>(p) & L.TYPE_MASK) == L.TYPE_FINALIZER) return true;
  if (!load<u32>(p + L.WEAK_COROUTINE) && !load<u32>(p + L.WEAK_ARGS)) return false;
  if (load<u32>(p + L.WEAK_STATE) & L.WEAK_MUTED) return false;
  let word = wordLoad(p + L.OBJECT_COUNT);
  while (word >= L.COUNT_ONE) {
    const old = wordCas(p + L.OBJECT_COUNT, word, word + L.COUNT_ONE);
    if (old == word) return true;
    word = old;
  }
  return false;
}

/** The object would die, and has destructors: each is due, and holds it. `p`: its address; the caller has counted it once, and gives that up. */
export function destructorsDue(va: u32, p: usize): void {
  wordAnd(p, ~L.HEADER_HAS_DESTRUCTOR);
  const bucket = weakBucket(va);
  while (true) {
    bucketLock(bucket);
    const cell = cellFind(bucketHead(bucket), va, CELLS_DESTRUCTORS);
    if (!cell) break;
    const q = writeAddress(cell);
    cellUnlink(bucket, q);
    bucketUnlock(bucket);
    countIncrementAt(p);
    store<u32>(q + L.WEAK_OBJECT, va);
    duePush(cell, q);
  }
  bucketUnlock(bucket);
  countDecrementAt(va, p);
}

/** A cell that is counted for the queue enters it, and whoever waits for that is woken. */
function duePush(va: u32, p: usize): void {
  spinLock(control() + L.CB_WEAK_DUE_LOCK);
  const tail = load<u32>(control() + L.CB_WEAK_DUE_TAIL);
  const last = tail ? writeAddress(tail) : 0;
  store<u32>(p + L.WEAK_NEXT, 0);
  store<u32>(p + L.WEAK_STATE, load<u32>(p + L.WEAK_STATE) | L.WEAK_DUE);
  if (last) store<u32>(last + L.WEAK_NEXT, va);
  else store<u32>(control() + L.CB_WEAK_DUE_HEAD, va);
  store<u32>(control() + L.CB_WEAK_DUE_TAIL, va);
  spinUnlock(control() + L.CB_WEAK_DUE_LOCK);
  atomic.add<u32>(control() + L.CB_WEAK_DUES, 1);
  futexWake(control() + L.CB_WEAK_DUES, -1);
}
