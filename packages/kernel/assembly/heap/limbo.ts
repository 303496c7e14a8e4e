/**
 * Limbo: objects whose count fell to 0, oldest first, each with the epoch at which it did. After a grace period (the
 * epoch has grown by 2, so that every thread has passed a safepoint since) an object whose count stayed 0 dies.
 */
import * as L from "../layout";
import { control, count, tb } from "../machine/registers";
import { wordCas, wordLoad } from "../machine/word";
import { writeAddress } from "../paging/translate";
import { translationsYield } from "./arenas";
import { chunkFree, chunksAreReady } from "./chunks";
import { limboPush } from "./count";
import { destroyPush } from "./destroy";
import { CELLS_ALL } from "./weak-table";
import { destructorsDue, weakClear, weakDie } from "./weak-death";

/** Judges up to `limit` entries whose grace period is over. Returns how many it judged. */
export function limboDrain(limit: u32): u32 {
  let judged: u32 = 0;
  const epoch = atomic.load<u32>(control() + L.CB_EPOCH);
  while (judged < limit && load<u32>(tb + L.TB_LIMBO_COUNT)) {
    translationsYield();
    if (listIsFull() && !chunksAreReady()) return judged;
    let head = <usize>load<u32>(tb + L.TB_LIMBO_HEAD);
    if (!head) head = <usize>load<u32>(tb + L.TB_LIMBO_FIRST) + L.CHUNK_HEADER;
    else if (!(head & L.PAGE_MASK)) head = nextChunk(head - L.PAGE_SIZE);
    store<u32>(tb + L.TB_LIMBO_HEAD, <u32>head);
    if (epoch - load<u32>(head + 4) < 2) return judged;
    const va = load<u32>(head);
    store<u32>(tb + L.TB_JOURNAL_JUDGED, va);
    store<u32>(tb + L.TB_LIMBO_HEAD, <u32>head + 8);
    store<u32>(tb + L.TB_LIMBO_COUNT, load<u32>(tb + L.TB_LIMBO_COUNT) - 1);
    judge(va);
    store<u32>(tb + L.TB_JOURNAL_JUDGED, 0);
    judged++;
  }
  return judged;
}

/** What is judged goes to one of these. */
// @ts-ignore: decorator
@inline function listIsFull(): bool {
  return load<u32>(tb + L.TB_DESTROY_TOP) == load<u32>(tb + L.TB_DESTROY_END) || load<u32>(tb + L.TB_LIMBO_TOP) == load<u32>(tb + L.TB_LIMBO_END);
}

/** The head has left its chunk: frees it. */
function nextChunk(chunk: usize): usize {
  const next = <usize>load<u32>(chunk + 4);
  store<u32>(tb + L.TB_LIMBO_FIRST, <u32>next);
  store<u32>(next, 0);
  chunkFree(chunk);
  return next + L.CHUNK_HEADER;
}

/** The entry is out of the list: one CAS decides whether it leaves limbo, stays for another grace period, or dies. */
function judge(va: u32): void {
  const p = writeAddress(va);
  let word = wordLoad(p + L.OBJECT_COUNT);
  while (true) {
    let next: u32;
    if (word & L.COUNT_DYING) return destroyPush(va); // it had weak cells: this was its second grace period
    if (word >= L.COUNT_ONE) next = word & ~(L.COUNT_LIMBO | L.COUNT_REDO);
    else if (word & L.COUNT_REDO) next = word & ~L.COUNT_REDO;
    else if (wordLoad(p) & L.HEADER_HAS_DESTRUCTOR) next = (word & ~L.COUNT_LIMBO) + L.COUNT_ONE; // what they hold it by
    else next = (word & ~L.COUNT_LIMBO) | L.COUNT_DYING;
    const old = wordCas(p + L.OBJECT_COUNT, word, next);
    if (old == word) return judged(va, p, word, next);
    word = old;
  }
}

function judged(va: u32, p: usize, word: u32, next: u32): void {
  if (next & L.COUNT_DYING) {
    if (wordLoad(p) & L.HEADER_HAS_WEAK) weakDie(va);
    else destroyPush(va);
    return;
  }
  count(L.COUNTER_RESURRECTIONS);
  if (next & L.COUNT_LIMBO) limboPush(va);
  else if (word < L.COUNT_ONE) destructorsDue(va, p);
}

/** What a thread that has ended was judging stands in no list. Of what it had decided nothing is lost. */
export function judgedAdopt(block: usize): void {
  const va = load<u32>(block + L.TB_JOURNAL_JUDGED);
  store<u32>(block + L.TB_JOURNAL_JUDGED, 0);
  const p = va ? writeAddress(va) : 0;
  if (!p || !load<u32>(p)) return;
  const word = wordLoad(p + L.OBJECT_COUNT);
  if (word & L.COUNT_DYING && wordLoad(p) & L.HEADER_HAS_WEAK) weakClear(va, CELLS_ALL);
  if (word & (L.COUNT_DYING | L.COUNT_LIMBO)) limboPush(va);
}

/** Takes over the limbo of a thread that has ended; every entry starts a new grace period. */
export function limboAdopt(block: usize): void {
  let left = load<u32>(block + L.TB_LIMBO_COUNT);
  let head = <usize>load<u32>(block + L.TB_LIMBO_HEAD);
  let chunk = <usize>load<u32>(block + L.TB_LIMBO_FIRST);
  if (!head) head = chunk + L.CHUNK_HEADER;
  while (left) {
    if (!(head & L.PAGE_MASK)) {
      const next = <usize>load<u32>(chunk + 4);
      chunkFree(chunk);
      chunk = next;
      head = chunk + L.CHUNK_HEADER;
    }
    limboPush(load<u32>(head));
    head += 8;
    left--;
  }
  if (chunk) chunkFree(chunk);
  memory.fill(block + L.TB_LIMBO_TOP, 0, 16);
  store<u32>(block + L.TB_LIMBO_COUNT, 0);
}
