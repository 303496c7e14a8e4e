/**
 * Weak cells against the collector. What is garbage at a cut can still be reached through weak cells: so before the collector breaks
 * anything it judges the objects among its garbage that have cells. (The model is test/models/weak.pml.)
 *
 *   condemned -> a grace period -> the evidence is looked at: what has been reached since the cut is pardoned, with all that it leads to
 *             -> the sentence: all that are still condemned are dead, at one moment -> their cells are cleared -> they are broken
 *
 * An upgrade leaves its trace (WEAK_UPGRADED), and if it sees that the object is condemned it counts itself in CB_WEAK_JUDGEMENT, by
 * CAS; the sentence is a CAS of the same word, so whoever is not seen in the evidence either comes in time to make it fail, or after it.
 * The grace period is for those who had looked at the header before. CB_WEAK_JUDGEMENT: rescues << 1 | the sentence has fallen; it stands
 * at that until the next cut, when no operation is under way.
 *
 * All lists stand in a frame of the collector (break.ts). A collector that dies half-way leaves objects that are condemned: garbage as before.
 */
import * as L from "../layout";
import { epochAcknowledge, epochAdvance } from "../machine/epoch";
import { control } from "../machine/registers";
import { wordAnd, wordLoad, wordOr } from "../machine/word";
import { translationsAcknowledge, translationsYield } from "../heap/arenas";
import { chunksAreReady } from "../heap/chunks";
import { countIncrementAt } from "../heap/count";
import { destructorsDue, weakClear } from "../heap/weak-death";
import { bucketHead, bucketLock, bucketUnlock, CELLS_ALL, CELLS_REFERENCES, cellFind, weakBucket } from "../heap/weak-table";
import { readAddress, writeAddressOrNone } from "../paging/translate";

// @ts-ignore: decorator
@inline function entryOf(list: u32, n: u32): usize {
  translationsYield();
  return <usize>list + (<usize>n << 2);
}

/** At a cut: no upgrade is under way. */
export function weakBegin(): void {
  atomic.store<u32>(control() + L.CB_WEAK_JUDGEMENT, 0);
}

export function weakCondemn(list: u32, from: u32, until: u32): u32 {
  for (let n = from; n < until; n++) {
    const p = writeAddressOrNone(load<u32>(entryOf(list, n)));
    if (p) wordOr(p, L.HEADER_CONDEMNED);
  }
  return until;
}

export function weakPardon(list: u32, from: u32, until: u32): u32 {
  for (let n = from; n < until; n++) {
    const p = writeAddressOrNone(load<u32>(entryOf(list, n)));
    if (p) wordAnd(p, ~L.HEADER_CONDEMNED);
  }
  return until;
}

/** The global epoch, advanced if all threads allow it: a grace period is over when it has grown by 2. */
export function weakGrace(): u32 {
  epochAcknowledge();
  translationsAcknowledge();
  epochAdvance();
  return atomic.load<u32>(control() + L.CB_EPOCH);
}

/** Whether an object has been reached through a cell since cut `cut`. Of cells that are no more their bucket knows, not whose they were. */
export function weakUpgradedSince(va: u32, cut: u32): bool {
  const bucket = weakBucket(va);
  bucketLock(bucket);
  let found = load<u32>(bucket + L.BUCKET_UPGRADED) >= cut;
  let cell = cellFind(bucketHead(bucket), va, CELLS_ALL);
  while (cell && !found) {
    const p = readAddress(cell);
    found = wordLoad(p + L.WEAK_UPGRADED) >= cut;
    cell = cellFind(load<u32>(p + L.WEAK_NEXT), va, CELLS_ALL);
  }
  bucketUnlock(bucket);
  return found;
}

/** The sentence over all that are condemned now; false if somebody has been rescued since CB_WEAK_JUDGEMENT was `seen`. */
export function weakSentence(seen: u32): bool {
  return atomic.cmpxchg<u32>(control() + L.CB_WEAK_JUDGEMENT, seen, seen | 1) == seen;
}

/** Cells that are garbage themselves: their coroutines will not run. */
export function weakMute(list: u32, from: u32, until: u32): u32 {
  for (let n = from; n < until; n++) {
    const p = writeAddressOrNone(load<u32>(entryOf(list, n)));
    const target = p ? wordLoad(p + L.WEAK_TARGET) : 0;
    if (!target) continue;
    const bucket = weakBucket(target);
    bucketLock(bucket);
    store<u32>(p + L.WEAK_STATE, load<u32>(p + L.WEAK_STATE) | L.WEAK_MUTED);
    bucketUnlock(bucket);
  }
  return until;
}

/** The cells of dead objects are cleared, but for those of destructors. */
export function weakClearAll(list: u32, from: u32, until: u32): u32 {
  for (let n = from; n < until; n++) {
    const va = load<u32>(entryOf(list, n));
    if (writeAddressOrNone(va)) weakClear(va, CELLS_REFERENCES);
  }
  return until;
}

/** Objects whose cells are cleared, and whose destructors are due now: they live until those are over. */
export function weakDestructors(list: u32, from: u32, until: u32): u32 {
  for (let n = from; n < until; n++) {
    const va = load<u32>(entryOf(list, n));
    const p = writeAddressOrNone(va);
    if (!p || !chunksAreReady()) continue; // another collection finds it again
    countIncrementAt(p);
    destructorsDue(va, p);
  }
  return until;
}
