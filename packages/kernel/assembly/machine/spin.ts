/**
 * Spin locks of kernel words: 0 free, else the holder's slot.
 *
 * A terminated thread can only stop at calls and loop back-edges, so a critical section without either cannot be left
 * half done. The few that do loop (a walk along a chain) only read before one final store; the journal names the lock, and
 * recovery after the thread's exit gives it back. Events recover, and the main thread has none while it spins: so who waits
 * for long asks its host whether the holder is still there.
 */
import * as L from "../layout";
import { GIL } from "./build";
import { futexWait } from "./futex";
import { tb, tid } from "./registers";

const ROUNDS_UNTIL_ASKING: u32 = 1024; // of 20 us at least

/** Somebody waits for this lock, and has done so for long: gives it back if its holder is a thread that is no more. */
// @ts-ignore: decorator
@external("env", "lockAwaited")
export declare function lockAwaited(lock: usize): void;

/** Waits a while for something that another thread is about to do. */
export function spinPause(round: u32): void {
  if (round < 64) return;
  // Nobody wakes this word: it is a sleep of 20 us, so that a holder that lost its time slice gets a core.
  futexWait(tb + L.TB_OUT_A, load<u32>(tb + L.TB_OUT_A), 0.02);
}

function lockPause(round: u32, lock: usize): void {
  spinPause(round);
  if (round % ROUNDS_UNTIL_ASKING == ROUNDS_UNTIL_ASKING - 1) lockAwaited(lock);
}

/** Takes a lock that is a word of its own. */
// @ts-ignore: decorator
@inline export function spinLock(lock: usize): void {
  if (GIL) return;
  let round: u32 = 0;
  while (atomic.cmpxchg<u32>(lock, 0, tid) != 0) lockPause(round++, lock);
  store<u32>(tb + L.TB_JOURNAL_BITS, 0);
  store<u32>(tb + L.TB_JOURNAL_LOCK, <u32>lock);
}

// @ts-ignore: decorator
@inline export function spinUnlock(lock: usize): void {
  if (GIL) return;
  store<u32>(tb + L.TB_JOURNAL_LOCK, 0);
  atomic.store<u32>(lock, 0);
}

/** Takes a lock that is one bit of a word. `object`: the container that it guards, checked if its changer dies. */
// @ts-ignore: decorator
@inline export function spinLockBit(word: usize, bit: u32, object: u32): void {
  // Under the GIL nobody contends, but the journal is kept: its holder can die in mid-change all the same.
  let round: u32 = 0;
  if (!GIL) while (atomic.or<u32>(word, bit) & bit) lockPause(round++, word);
  store<u32>(tb + L.TB_JOURNAL_OBJECT, object);
  store<u32>(tb + L.TB_JOURNAL_BITS, bit);
  store<u32>(tb + L.TB_JOURNAL_LOCK, <u32>word);
}

// @ts-ignore: decorator
@inline export function spinUnlockBit(word: usize, bit: u32): void {
  store<u32>(tb + L.TB_JOURNAL_LOCK, 0);
  if (!GIL) atomic.and<u32>(word, ~bit);
}

/** The container that a dead thread was changing under a lock, which is still held; 0 if none. */
export function journalObject(block: usize): u32 {
  return load<u32>(block + L.TB_JOURNAL_LOCK) && load<u32>(block + L.TB_JOURNAL_BITS) ? load<u32>(block + L.TB_JOURNAL_OBJECT) : 0;
}

/** Gives back the kernel lock that a dead thread held, if it held one. */
export function journalUnlock(block: usize): void {
  const lock = <usize>load<u32>(block + L.TB_JOURNAL_LOCK);
  if (!lock) return;
  store<u32>(block + L.TB_JOURNAL_LOCK, 0);
  const bits = load<u32>(block + L.TB_JOURNAL_BITS);
  if (bits) atomic.and<u32>(lock, ~bits);
  else atomic.store<u32>(lock, 0);
}
