/**
 * Weak cells: objects that lead to another one without keeping it alive, and know when it has died.
 *
 *   upgrade:   TARGET is 0                  -> null
 *              the object is CONDEMNED      -> the collector is about to judge it: a rescue, or null (collect/judgement.ts)
 *              DYING                        -> null
 *              count 0, in limbo            -> REDO: another grace period from now on
 *              counted                      -> nothing: its count, or the grace period after that, holds it
 *              then it is in the borrow list, as if it had been read from a field
 *
 * Whoever has a cell may upgrade at any moment, so an object with cells is neither private nor a newborn (`escape`), and it never takes
 * the short cut of the chain rule (destroy.ts). The model is test/models/limbo.pml.
 */
import * as L from "../layout";
import { control, count, tb } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { wordCas, wordLoad, wordOr, wordStore } from "../machine/word";
import { readAddress, writeAddress } from "../paging/translate";
import { pageHasCells } from "./blocks";
import { chunksAreReady } from "./chunks";
import { countDecrementAt, countIncrement, limboPush } from "./count";
import { borrow } from "./handle";
import { allocate, objectFree } from "./object";
import { enter } from "./safepoint";
import { acquire, bucketHead, bucketLock, bucketUnlock, CELLS_REFERENCES, cellFind, cellLink, cellUnlink, weakBucket } from "./weak-table";

/**
 * A cell of an object that this step has, borrowed; or an error code. `type`: TYPE_WEAK, or TYPE_FINALIZER, which stays until its
 * object has died. `coroutine`, `args`: what is to be run then, or 0. `state`: WEAK_DESTRUCTOR or 0. Of a weak reference with nothing to run there is one an object.
 */
export function weakNew(target: u32, type: u32, state: u32, coroutine: u32, args: u32): u32 {
  enter();
  stackProbe();
  if (!chunksAreReady()) return L.E_MEMORY;
  const object = writeAddress(target);
  if (!object) return load<u32>(tb + L.TB_FAULT_CODE);
  const isPlain = type == L.TYPE_WEAK && !coroutine && !args;
  const known = isPlain && load<u32>(object) & L.HEADER_HAS_WEAK ? plainCell(target) : 0;
  if (known) return known;
  const va = allocate(L.WEAK_SIZE);
  const p = va ? writeAddress(va) : 0;
  if (!p) return L.E_MEMORY;
  if (!borrow(va)) {
    objectFree(va);
    return L.E_MEMORY;
  }
  memory.fill(p + L.OBJECT_BODY, 0, L.WEAK_SIZE - L.OBJECT_BODY);
  if (coroutine) countIncrement(coroutine);
  if (args) countIncrement(args);
  store<u32>(p + L.WEAK_COROUTINE, coroutine);
  store<u32>(p + L.WEAK_ARGS, args);
  store<u32>(p + L.WEAK_STATE, state);
  // It is found by others as soon as it is linked: so it is no newborn either, but stands in limbo, unless the table holds it.
  const stamp = (load<u32>(control() + L.CB_EPOCH) & 7) << L.COUNT_STAMP_SHIFT;
  store<u32>(p + L.OBJECT_COUNT, stamp | (type == L.TYPE_WEAK ? L.COUNT_LIMBO : L.COUNT_ONE));
  store<u32>(p, type);
  if (type == L.TYPE_WEAK) limboPush(va);
  weakLink(va, target);
  count(L.COUNTER_ALLOCATIONS);
  return va;
}

/** A cell that leads nowhere yet becomes one of an object that this step has. */
export function weakLink(va: u32, target: u32): void {
  const p = writeAddress(va);
  const object = writeAddress(target);
  const isDestructor = (load<u32>(p + L.WEAK_STATE) & L.WEAK_DESTRUCTOR) != 0;
  if ((load<u32>(p) & L.TYPE_MASK) == L.TYPE_WEAK) wordOr(p, L.HEADER_HAS_WEAK); // it can be found from its object
  pageHasCells(va);
  escape(target, object);
  wordOr(object, isDestructor ? L.HEADER_HAS_WEAK | L.HEADER_HAS_DESTRUCTOR : L.HEADER_HAS_WEAK);
  const bucket = weakBucket(target);
  bucketLock(bucket);
  wordStore(p + L.WEAK_TARGET, target);
  cellLink(bucket, va, p);
  bucketUnlock(bucket);
}

/** An object that others can reach by its address from now on: it is not private, and one that was a newborn stands in limbo. */
function escape(va: u32, p: usize): void {
  let word = wordLoad(p + L.OBJECT_COUNT);
  while (word & (L.COUNT_NEWBORN | L.COUNT_VIRGIN)) {
    const wasNewborn = (word & L.COUNT_NEWBORN) != 0;
    // Of a virgin what is REDO else means UNLISTED.
    let next = word & ~(L.COUNT_NEWBORN | L.COUNT_VIRGIN | L.COUNT_UNLISTED);
    if (wasNewborn) next |= L.COUNT_LIMBO;
    const old = wordCas(p + L.OBJECT_COUNT, word, next);
    if (old == word) {
      if (wasNewborn) limboPush(va);
      return;
    }
    word = old;
  }
}

/** The cell that an object has already, if it has one with nothing to run; borrowed. 0, or E_MEMORY. */
function plainCell(target: u32): u32 {
  const bucket = weakBucket(target);
  bucketLock(bucket);
  let va = cellFind(bucketHead(bucket), target, CELLS_REFERENCES);
  while (va) {
    const p = writeAddress(va);
    const isPlain = (load<u32>(p) & L.TYPE_MASK) == L.TYPE_WEAK && !load<u32>(p + L.WEAK_COROUTINE) && !load<u32>(p + L.WEAK_ARGS);
    if (isPlain && acquire(p)) break;
    va = cellFind(load<u32>(p + L.WEAK_NEXT), target, CELLS_REFERENCES);
  }
  bucketUnlock(bucket);
  return !va || borrow(va) ? va : L.E_MEMORY;
}

/** The object of a cell, borrowed; 0 if it has died, or an error code. */
export function weakGet(va: u32): u32 {
  enter();
  stackProbe();
  const cell = writeAddress(va);
  if (!cell) return load<u32>(tb + L.TB_FAULT_CODE);
  const target = wordLoad(cell + L.WEAK_TARGET);
  if (!target) return 0;
  const p = writeAddress(target);
  if (!p) return load<u32>(tb + L.TB_FAULT_CODE);
  const isCondemned = (wordLoad(p) & L.HEADER_CONDEMNED) != 0;
  // Before it is counted as a rescue: whoever judges the object afterwards finds that it has been reached since the cut.
  const cut = load<u32>(control() + L.CB_CUT);
  if (wordLoad(cell + L.WEAK_UPGRADED) != cut) wordStore(cell + L.WEAK_UPGRADED, cut);
  // After the sentence: unless it has been pardoned before that, and we have not seen it.
  if (isCondemned && !rescue() && wordLoad(p) & L.HEADER_CONDEMNED) return 0;
  if (!acquire(p)) return 0;
  return typed(target, p);
}

/** The collector has condemned the object: true if this comes before its sentence, which must be reconsidered then. */
function rescue(): bool {
  const judgement = control() + L.CB_WEAK_JUDGEMENT;
  let word = atomic.load<u32>(judgement);
  while (!(word & 1)) {
    const old = atomic.cmpxchg<u32>(judgement, word, word + 2);
    if (old == word) return true;
    word = old;
  }
  return false;
}

/** The same in a snapshot, where nobody dies. */
export function weakSee(va: u32): u32 {
  const cell = readAddress(va);
  if (!cell) return load<u32>(tb + L.TB_FAULT_CODE);
  const target = load<u32>(cell + L.WEAK_TARGET);
  const p = target ? readAddress(target) : 0;
  return p ? typed(target, p) : 0;
}

/** Borrows; the type is in OUT_TYPE. */
// @ts-ignore: decorator
@inline function typed(target: u32, p: usize): u32 {
  if (!borrow(target)) return L.E_MEMORY;
  store<u32>(tb + L.TB_OUT_TYPE, load<u32>(p) & L.TYPE_MASK);
  return target;
}

/**
 * A finalizer is not to be run by its object's death any more: 1, or 0 if it has been, or is about to be. The object is in OUT_REF,
 * borrowed, its type in OUT_TYPE.
 */
export function weakDetach(va: u32): i32 {
  enter();
  stackProbe();
  if (!chunksAreReady()) return -L.E_MEMORY;
  const target = weakGet(va);
  if (target != 0 && target < L.ERROR_LIMIT) return -<i32>target;
  const p = target ? writeAddress(va) : 0;
  if (!p) return 0;
  const bucket = weakBucket(target);
  bucketLock(bucket);
  const wasLinked = (load<u32>(p + L.WEAK_STATE) & L.WEAK_LINKED) != 0;
  if (wasLinked) cellUnlink(bucket, p);
  bucketUnlock(bucket);
  if (!wasLinked) return 0;
  store<u32>(tb + L.TB_OUT_REF, target);
  countDecrementAt(va, p); // the table's
  return 1;
}
