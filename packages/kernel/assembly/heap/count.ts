/**
 * The count word: count << 8 | stamp | VIRGIN | DYING | NEWBORN | REDO | LIMBO.
 *
 *   NEWBORN --INC--> counted --DEC to 0--> in limbo (L) --grace period, still 0--> DYING --> freed
 *      |                ^                      |  |
 *      | scope closes   +-------- INC ---------+  +-- 0 again meanwhile (R): one more grace period
 *      v
 *    freed at once: nobody else ever saw it
 *
 * Invariants: at every instant count >= slots + pins. Count 0 means exactly one of NEWBORN, LIMBO (then in exactly one
 * limbo list), DYING. Increments come before the reference is published, decrements after it is gone.
 * The bit protocol is checked by a model: test/models. An object in limbo dies only if its count was 0 throughout a grace
 * period (Deutsch and Bobrow's zero-count table, 1976, with epochs for the stack scan).
 *
 * NEWBORN or VIRGIN with its single count in a newborn's slot means that no other thread has ever seen the object, so
 * plain accesses do.
 */
import * as L from "../layout";
import { control, count, panic, tb } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { wordAdd, wordCas, wordLoad } from "../machine/word";
import { writeAddress } from "../paging/translate";
import { listGrow } from "./chunks";

/** INC at a physical address. Always before the reference is published. */
// @ts-ignore: decorator
@inline export function countIncrementAt(p: usize): void {
  // A plain load: if it is a newborn only this thread writes the word, and IMMORTAL never changes.
  const word = load<u32>(p + L.OBJECT_COUNT);
  if (word & L.COUNT_NEWBORN) store<u32>(p + L.OBJECT_COUNT, (word & ~L.COUNT_NEWBORN) + L.COUNT_ONE);
  else if (word < L.COUNT_IMMORTAL) wordAdd(p + L.OBJECT_COUNT, L.COUNT_ONE);
}

export function countIncrement(va: u32): void {
  const p = writeAddress(va);
  if (p) countIncrementAt(p);
}

/** DEC. Reaching 0 puts the object into this thread's limbo list, or marks it REDO if it stands in one. */
export function countDecrement(va: u32): void {
  const p = writeAddress(va);
  if (p) countDecrementAt(va, p);
}

/** DEC by JavaScript, from whatever depth. */
export function countRelease(va: u32): void {
  stackProbe();
  countDecrement(va);
}

export function countDecrementAt(va: u32, p: usize): void {
  let word = wordLoad(p + L.OBJECT_COUNT);
  while (true) {
    if (word >= L.COUNT_IMMORTAL) return;
    const epoch = atomic.load<u32>(control() + L.CB_EPOCH); // read before the CAS, so the stamp is never too new
    let next = stamped(word - L.COUNT_ONE, epoch);
    const zero = next < L.COUNT_ONE;
    if (zero) next |= word & L.COUNT_LIMBO ? L.COUNT_REDO : L.COUNT_LIMBO;
    const old = wordCas(p + L.OBJECT_COUNT, word, next);
    if (old == word) {
      if (zero && !(word & L.COUNT_LIMBO)) limboPush(va);
      return;
    }
    word = old;
  }
}

/** The word with the epoch of its last decrement, no longer virgin: what was UNLISTED would mean REDO from here on. */
// @ts-ignore: decorator
@inline export function stamped(word: u32, epoch: u32): u32 {
  const virgin = word & L.COUNT_VIRGIN;
  const unlisted = virgin >>> 3; // the place of COUNT_UNLISTED
  return (word & ~(L.COUNT_STAMP_MASK | virgin | unlisted)) | ((epoch & 7) << L.COUNT_STAMP_SHIFT);
}

/**
 * True if the last decrement (or birth) is at least 3 epochs old. Stamps are modulo 8, so an old one may look young, which
 * only costs a grace period. But `epoch` may be 1 behind the stamp of a thread that has seen the global epoch advance since
 * we read it (by 1 at most: the next advance waits for our acknowledgement), and that must not look old: age 7 is -1.
 */
// @ts-ignore: decorator
@inline export function stampIsOld(word: u32, epoch: u32): bool {
  const age = (epoch - (word >>> L.COUNT_STAMP_SHIFT)) & 7;
  return age - 3 <= 3; // 3, 4, 5, 6
}

/** Appends to limbo, tagged with the global epoch read after LIMBO was set. */
export function limboPush(va: u32): void {
  let top = <usize>load<u32>(tb + L.TB_LIMBO_TOP);
  if (top == <usize>load<u32>(tb + L.TB_LIMBO_END)) {
    top = listGrow(L.TB_LIMBO_TOP);
    if (!top) {
      // The reserve is gone: the object would never be found again, and a leak must not pass in silence.
      panic(L.E_MEMORY);
      return;
    }
  }
  store<u32>(top, va);
  store<u32>(top + 4, atomic.load<u32>(control() + L.CB_EPOCH));
  store<u32>(tb + L.TB_LIMBO_TOP, <u32>top + 8);
  store<u32>(tb + L.TB_LIMBO_COUNT, load<u32>(tb + L.TB_LIMBO_COUNT) + 1);
  count(L.COUNTER_LIMBO);
}
