/**
 * Locks: every object has one, two bits of its header (WebKit's WTF::Lock).
 *
 *   LOCKED   somebody holds it        WAITERS   somebody waits in the parking lot (looked after under the bucket's lock)
 *   POISONED the thread of a holder died: what the lock guards may be half changed
 *
 * Fast path: one CAS to lock, one atomic AND to unlock. Waiters stand in a parking lot of 256 buckets by address
 * (WebKit's WTF::ParkingLot), in order; the one that is woken tries again, so a running thread may overtake it (handing a
 * lock to a thread that has yet to wake up makes everybody wait for that), but a waiter that was overtaken once is handed
 * the lock the next time.
 *
 * Whoever holds a lock is noted in an entry of its thread, in shared memory: when the thread dies, its locks are poisoned.
 * From CAS to entry there is neither a call nor a back-edge. The entry counts the object: a locked one cannot be freed.
 */
import * as L from "../layout";
import * as S from "../layout/sync";
import { control, count, tb, threadBlock } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { spinLock, spinUnlock } from "../machine/spin";
import { wordAnd, wordCas, wordLoad, wordOr } from "../machine/word";
import { writeAddress } from "../paging/translate";
import { countDecrement, countIncrementAt } from "../heap/count";
import { enter } from "../heap/safepoint";
import { entryDrop, entryGive, entryReserve, keptGive } from "./held";
import { inboxPush, waiterAllocate, waiterFree, waiterIsLost } from "./waiter";
import { waitsFor } from "./task";

const BUSY: u32 = 0;

// @ts-ignore: decorator
@inline function bucketOf(va: u32): usize {
  const hash = (va >>> 4) * 2654435769;
  return control() + S.CB_LOT + <usize>(hash >>> 24) * S.LOT_BUCKET_SIZE;
}

/** Notes that `task` holds the lock of `va` (its CAS has just succeeded). Straight-line. */
// @ts-ignore: decorator
@inline function entryTake(va: u32, p: usize, task: u32): u32 {
  const entry = <usize>load<u32>(tb + S.TB_LOCKS_FREE);
  store<u32>(entry + S.HELD_OBJECT, va);
  store<u32>(entry + S.HELD_TASK, task);
  store<u32>(tb + S.TB_LOCKS_FREE, load<u32>(entry + S.HELD_NEXT));
  countIncrementAt(p);
  return <u32>entry;
}

// @ts-ignore: decorator
@inline function tryAt(va: u32, p: usize, task: u32): u32 {
  let header = wordLoad(p);
  while (!(header & (L.HEADER_LOCKED | L.HEADER_POISONED))) {
    const old = wordCas(p, header, header | L.HEADER_LOCKED);
    if (old == header) return entryTake(va, p, task);
    header = old;
  }
  return header & L.HEADER_POISONED ? L.E_POISONED : BUSY;
}

/** Locks `va` for `task`: the entry (for `lockRelease`), 0 if it is locked, or an error code. */
export function lockTry(va: u32, task: u32): u32 {
  enter();
  const p = writeAddress(va);
  if (!p) return load<u32>(tb + L.TB_FAULT_CODE);
  if (!entryReserve()) return L.E_MEMORY;
  return tryAt(va, p, task);
}

/** Locks both, or none: the entry of `a`, that of `b` in OUT_A; 0; or an error code. The caller orders them by address. */
export function lockTryPair(a: u32, b: u32, task: u32): u32 {
  enter();
  stackProbe();
  const pa = writeAddress(a);
  const pb = writeAddress(b);
  if (!pa || !pb) return load<u32>(tb + L.TB_FAULT_CODE);
  if (!entryReserve()) return L.E_MEMORY;
  const first = tryAt(a, pa, task);
  if (first < L.ERROR_LIMIT) return first;
  const second = entryReserve() ? tryAt(b, pb, task) : L.E_MEMORY;
  if (second < L.ERROR_LIMIT) {
    releaseEntry(<usize>first);
    return second;
  }
  store<u32>(tb + L.TB_OUT_A, second);
  return first;
}

export function lockRelease(entry: u32): void {
  enter();
  stackProbe();
  releaseEntry(entry);
}

export function lockReleasePair(a: u32, b: u32): void {
  enter();
  stackProbe();
  releaseEntry(a);
  releaseEntry(b);
}

function releaseEntry(entry: usize): void {
  const va = load<u32>(entry + S.HELD_OBJECT);
  const p = writeAddress(va);
  if (wordLoad(p) & L.HEADER_WAITERS && handOver(va, p)) {
    entryDrop(entry);
  } else {
    // Entry and bit go together: no call in between.
    entryDrop(entry);
    if (wordAnd(p, ~L.HEADER_LOCKED) & L.HEADER_WAITERS) lotWake(va, p);
  }
  countDecrement(va);
}

/**
 * Waits for a lock: 0 if `fiber` is registered (the WAITER is in OUT_A), else as `lockTry`: it was free after all. Whether
 * the coroutine holds it already is the caller's to know: a task may be several fibers. `patience`: LOCK_PATIENT if it has
 * waited for this lock before.
 */
export function lockWait(va: u32, task: u32, fiber: u32, patience: u32): u32 {
  enter();
  stackProbe();
  const p = writeAddress(va);
  if (!p) return load<u32>(tb + L.TB_FAULT_CODE);
  if (!entryReserve()) return L.E_MEMORY;
  const waiter = waiterAllocate(S.WAITER_LOCK, fiber, va);
  if (!waiter) return L.E_MEMORY;
  store<u32>(waiter + S.WAITER_PAYLOAD, patience);
  store<u32>(waiter + S.WAITER_HOLDER, task);
  const bucket = bucketOf(va);
  while (true) {
    const got = tryAt(va, p, task);
    if (got != BUSY) {
      waiterFree(waiter);
      return got;
    }
    spinLock(bucket + S.BUCKET_LOCK);
    const header = wordLoad(p);
    // Only while it is locked may WAITERS be set: whoever unlocks looks at it after that.
    if (header & L.HEADER_LOCKED && wordCas(p, header, header | L.HEADER_WAITERS) == header) break;
    spinUnlock(bucket + S.BUCKET_LOCK);
  }
  store<u32>(waiter + S.WAITER_NEXT, 0);
  const tail = load<u32>(bucket + S.BUCKET_TAIL);
  if (tail) store<u32>(<usize>tail + S.WAITER_NEXT, <u32>waiter);
  else store<u32>(bucket + S.BUCKET_HEAD, <u32>waiter);
  store<u32>(bucket + S.BUCKET_TAIL, <u32>waiter);
  spinUnlock(bucket + S.BUCKET_LOCK);
  count(S.COUNTER_LOCK_WAITS);
  waitsFor(S.WAIT_LOCK, va);
  store<u32>(tb + L.TB_OUT_A, <u32>waiter);
  return 0;
}

/**
 * The lock was handed to a coroutine of this thread (LOCK_HANDED): notes it at once, for the coroutine may not run for a
 * while and the thread may die meanwhile. The entry; 0 if there was no memory for it, and the lock is free.
 */
export function lockAccept(va: u32, task: u32): u32 {
  const p = writeAddress(va);
  if (p && entryReserve()) return entryTake(va, p, task);
  lockRefuse(va);
  return 0;
}

/** The lock was handed to a coroutine that wants it no more. */
export function lockRefuse(va: u32): void {
  const p = writeAddress(va);
  if (p && wordAnd(p, ~L.HEADER_LOCKED) & L.HEADER_WAITERS) lotWake(va, p);
}

/** Takes the first live WAITER for `va` out of its bucket, whose lock is held; 0 if there is none. LOST ones before it go home. */
function lotTake(bucket: usize, va: u32): usize {
  let previous: usize = 0;
  let waiter = <usize>load<u32>(bucket + S.BUCKET_HEAD);
  while (waiter) {
    const next = <usize>load<u32>(waiter + S.WAITER_NEXT);
    const lost = waiterIsLost(waiter);
    if (!lost && load<u32>(waiter + S.WAITER_OBJECT) != va) {
      previous = waiter;
      waiter = next;
      continue;
    }
    if (previous) store<u32>(previous + S.WAITER_NEXT, <u32>next);
    else store<u32>(bucket + S.BUCKET_HEAD, <u32>next);
    if (!next) store<u32>(bucket + S.BUCKET_TAIL, <u32>previous);
    if (!lost) return waiter;
    inboxPush(waiter);
    waiter = next;
  }
  return 0;
}

/** The lock is about to be released: gives it to the first waiter if that one has been overtaken before. */
function handOver(va: u32, p: usize): bool {
  const bucket = bucketOf(va);
  spinLock(bucket + S.BUCKET_LOCK);
  let first = <usize>load<u32>(bucket + S.BUCKET_HEAD);
  while (first && (load<u32>(first + S.WAITER_OBJECT) != va || waiterIsLost(first))) first = <usize>load<u32>(first + S.WAITER_NEXT);
  let handed: usize = 0;
  if (first && load<u32>(first + S.WAITER_PAYLOAD) & S.LOCK_PATIENT) {
    handed = lotTake(bucket, va);
    if (handed) atomic.store<u32>(handed + S.WAITER_PAYLOAD, S.LOCK_HANDED);
  }
  spinUnlock(bucket + S.BUCKET_LOCK);
  if (handed) inboxPush(handed);
  return handed != 0;
}

/** The lock is free: tells the first waiter to try again. */
export function lotWake(va: u32, p: usize): void {
  const bucket = bucketOf(va);
  spinLock(bucket + S.BUCKET_LOCK);
  const waiter = lotTake(bucket, va);
  if (!waiter) wordAnd(p, ~L.HEADER_WAITERS);
  spinUnlock(bucket + S.BUCKET_LOCK);
  if (waiter) inboxPush(waiter);
}

/** The thread of `slot` is dead: poisons the locks that it held, and tells all who wait for them. */
export function locksPoison(slot: u32): u32 {
  const block = threadBlock(slot);
  let poisoned: u32 = 0;
  for (let frame = <usize>load<u32>(block + S.TB_LOCK_FRAMES); frame; frame = <usize>load<u32>(frame)) {
    for (let offset = S.HELD_SIZE; offset < L.PAGE_SIZE; offset += S.HELD_SIZE) {
      const entry = frame + offset;
      const holder = load<u32>(entry + S.HELD_TASK);
      if (!holder || holder == S.HELD_RELEASED) continue;
      const va = load<u32>(entry + S.HELD_OBJECT);
      const p = writeAddress(va);
      if (p && holder != S.HELD_KEPT) {
        wordOr(p, L.HEADER_POISONED);
        const waited = wordAnd(p, ~L.HEADER_LOCKED) & L.HEADER_WAITERS;
        if (waited) while (wordLoad(p) & L.HEADER_WAITERS) lotWake(va, p);
        poisoned++;
      }
      if (p) countDecrement(va);
      if (holder == S.HELD_KEPT) keptGive(block, entry, atomic.load<u32>(control() + L.CB_CUT));
      else entryGive(block, entry);
    }
  }
  return poisoned;
}

/** Makes a poisoned lock usable again: the caller has looked at what it guards. */
export function lockClear(va: u32): u32 {
  enter();
  const p = writeAddress(va);
  if (!p) return load<u32>(tb + L.TB_FAULT_CODE);
  wordAnd(p, ~L.HEADER_POISONED);
  return 0;
}
