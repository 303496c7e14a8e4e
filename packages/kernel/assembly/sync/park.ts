/**
 * Parking. A thread with nothing to do parks in its event loop (JavaScript waits asynchronously on TB_PARK), so that its
 * timers, promises and output go on.
 *
 *   parker:  sets its bit in CB_PARKED, then PARK = 1; then looks at every queue once more
 *   waker:   publishes work; then looks at CB_PARKED / PARK, PARK 1 -> 0, notifies
 *   woken:   clears its bit, when its event loop gets to it
 *
 * All of it is sequentially consistent, so one of the two sees the other (Dekker): no wake-up is lost. Only its owner changes
 * a bit, so one that is set says "parked, or on its way to or from there": PARK decides, and a waker goes on to the next. (If
 * wakers cleared bits, one that came between the two stores of a parker would leave the bit of a running thread behind.)
 * Go's rule keeps wake-ups few: wake another thread only if one is parked and none is searching; a searcher that has found
 * work and was the last one wakes the next.
 */
import * as S from "../layout/sync";
import { control, count, tb, threadBlock, tid } from "../machine/registers";
import { dequeLength } from "./deque";
import { injectIsEmpty } from "./inject";
import * as L from "../layout";

// @ts-ignore: decorator
@inline function bitOf(slot: u32): u64 {
  return (<u64>1) << slot;
}

// @ts-ignore: decorator
@inline function parkedMap(): usize {
  return control() + S.CB_PARKED;
}

/** Wakes a thread if it is parked. */
export function unpark(slot: u32): bool {
  const word = threadBlock(slot) + S.TB_PARK;
  if (!atomic.load<u32>(word)) return false;
  if (atomic.xchg<u32>(word, 0) != 1) return false;
  atomic.notify(word, -1);
  count(S.COUNTER_WAKES);
  return true;
}

/** There is one more task to start: wakes a parked worker unless somebody is searching already. */
// @ts-ignore: decorator
@inline export function wakeOne(): void {
  if (atomic.load<u64>(parkedMap()) & ~(<u64>3)) wakeSearcher();
}

function wakeSearcher(): void {
  if (atomic.cmpxchg<u32>(control() + S.CB_SEARCHING, 0, 1) != 0) return;
  let map = atomic.load<u64>(parkedMap()) & ~(<u64>3); // not the main thread: it runs no coroutines
  while (map) {
    const slot = <u32>ctz(map);
    map &= map - 1;
    // It counts as searching from now on, not from when it has woken up: until then nobody else need be woken.
    if (atomic.cmpxchg<u32>(threadBlock(slot) + S.TB_IS_SEARCHING, 0, 1) != 0) continue;
    if (unpark(slot)) return;
    if (atomic.xchg<u32>(threadBlock(slot) + S.TB_IS_SEARCHING, 0) == 0) return; // it has got up, and ended the search, itself
  }
  atomic.sub<u32>(control() + S.CB_SEARCHING, 1);
}

/** Starts to count as searching; false if half of all do so already. */
export function searchBegin(): bool {
  if (load<u32>(tb + S.TB_IS_SEARCHING)) return true;
  const searching = atomic.load<u32>(control() + S.CB_SEARCHING);
  if (searching << 1 >= atomic.load<u32>(control() + S.CB_WORKERS)) return false;
  if (atomic.cmpxchg<u32>(tb + S.TB_IS_SEARCHING, 0, 1) == 0) atomic.add<u32>(control() + S.CB_SEARCHING, 1);
  return true;
}

/** Searches no more. True if nobody does now: while it searched nobody was woken. */
export function searchEnd(): bool {
  if (atomic.xchg<u32>(tb + S.TB_IS_SEARCHING, 0) == 0) return false;
  return atomic.sub<u32>(control() + S.CB_SEARCHING, 1) == 1;
}

/**
 * Whether this thread, which has `own` fibers to run, should start one more task: 0 there is none, 1 yes, 2 others have less
 * to do, by their own account: it is better left to them, for a while. `steal`: whether the others' queues count.
 */
export function startAdvice(own: u32, steal: u32): u32 {
  if (injectIsEmpty() && !load<u32>(tb + S.TB_CHAIN) && dequeLength(tb) <= 0 && !(steal && tasksAreWaiting())) return 0;
  const slots = load<u32>(control() + L.CB_SLOTS);
  let all = own;
  for (let slot: u32 = 2; slot < slots; slot++) {
    if (slot != tid) all += atomic.load<u32>(threadBlock(slot) + S.TB_LOAD);
  }
  if (own * atomic.load<u32>(control() + S.CB_WORKERS) <= all) return 1;
  wakeOne();
  return 2;
}

/** Something in sight for this thread: a message, a cancellation, or a task that anybody may start. */
export function workIsThere(): bool {
  if (atomic.load<u32>(tb + S.TB_INBOX) || load<u32>(tb + S.TB_DELIVERED)) return true;
  if (atomic.load<u32>(tb + S.TB_CANCELS)) return true;
  if (tid == 1) return false;
  return load<u32>(tb + S.TB_CHAIN) != 0 || tasksAreWaiting();
}

export function tasksAreWaiting(): bool {
  if (!injectIsEmpty()) return true;
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 2; slot < slots; slot++) {
    if (dequeLength(threadBlock(slot)) > 0) return true;
  }
  return false;
}

/** Parks: 1 if it may wait on TB_PARK now, 0 if there is something to do after all. */
export function parkBegin(): u32 {
  searchEnd();
  atomic.or<u64>(parkedMap(), bitOf(tid));
  atomic.store<u32>(tb + S.TB_PARK, 1);
  if (workIsThere()) {
    parkEnd();
    return 0;
  }
  count(S.COUNTER_PARKS);
  return 1;
}

/** Gets up: it was woken, or does so by itself (a timer, a promise), which ends its wait on TB_PARK too. */
export function parkEnd(): void {
  const asleep = atomic.xchg<u32>(tb + S.TB_PARK, 0);
  atomic.and<u64>(parkedMap(), ~bitOf(tid));
  if (asleep) atomic.notify(tb + S.TB_PARK, -1);
}

/** Looks for work for a while before parking: a wake-up costs a hundred times more. 1 if there is some. */
export function parkSpin(rounds: u32): u32 {
  for (let n: u32 = 0; n < rounds; n++) {
    if (workIsThere()) return 1;
  }
  return 0;
}

/**
 * Nothing can ever happen again by itself: every worker is parked with no timer and no promise, and there is no message and
 * no task to start. A moment's picture, so the caller looks twice. Called by the main thread.
 */
export function everythingIsStill(): u32 {
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 2; slot < slots; slot++) {
    const block = threadBlock(slot);
    if (!load<u32>(block + S.TB_DEQUE) || atomic.load<u32>(block + L.TB_STATE) == L.THREAD_FREE) continue;
    if (!atomic.load<u32>(block + S.TB_PARK) || atomic.load<u32>(block + S.TB_PENDING)) return 0;
    if (atomic.load<u32>(block + S.TB_INBOX) || atomic.load<u32>(block + S.TB_CANCELS)) return 0;
    if (dequeLength(block) > 0) return 0;
  }
  return injectIsEmpty() ? 1 : 0;
}
