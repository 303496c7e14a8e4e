/**
 * The programs that allocators are measured with (Leijen's mimalloc-bench collects them), as loops inside the kernel: larson,
 * xmalloc-test, sh6bench, sh8bench, cache-scratch, cache-thrash, mstress, rptest, alloc-test, mleak. Each is written anew from what the
 * original does: who allocates, who frees, in which order, which sizes.
 *
 * A call runs a slice of `n` operations (a block allocated and one freed, about) of thread `rank` of `threads`, and returns how many it
 * did; then the thread passes a safepoint. What is left at the end is freed by `benchAllocEnd`.
 */
import {
  AREA_SLOTS, areaClaim, areaOf, areaRelease, AREAS_MAX, below, BLOCK_LINK, BLOCK_MIN, BOARD_SIZE, give, peakNote,
  programBegin, programEnd, QUEUE_SLOTS, queueAt, slotClear, take,
} from "./bench-blocks";
import { stackProbe } from "./machine/stack";
import { writeAddress } from "./paging/translate";

const BATCH: u32 = 64; // blocks of a message of xmalloc-test
const REPEAT: u32 = 64; // writes to a block of cache-scratch and cache-thrash
const CHILDREN: u32 = 2048;

export function benchAllocBoard(): u32 {
  return BOARD_SIZE;
}

export function benchAlloc(program: u32, board: usize, rank: u32, threads: u32, full: u32, n: u32): u32 {
  stackProbe();
  programBegin(board, rank, full);
  let done: u32 = 0;
  if (program == 0) done = larson(threads, n);
  else if (program == 1) done = xmalloc(rank, threads, n);
  else if (program == 2) done = sh6bench(areaOf(rank), n);
  else if (program == 3) done = sh8bench(threads, n);
  else if (program == 4) done = cacheScratch(rank, threads, n);
  else if (program == 5) done = cacheThrash(n);
  else if (program == 6) done = mstress(rank, n);
  else if (program == 7) done = rptest(threads, n);
  else if (program == 8) done = allocTest(rank, n);
  else if (program == 9) done = mleak(rank, n);
  else done = pairs(rank, n, program - 10);
  peakNote();
  programEnd();
  return done;
}

/** Frees all that a program has left. */
export function benchAllocEnd(board: usize, rank: u32, full: u32): void {
  stackProbe();
  programBegin(board, rank, full);
  for (let area: u32 = 0; area < AREAS_MAX; area++) {
    for (let n: u32 = 0; n < AREA_SLOTS; n++) slotClear(areaOf(area) + (n << 2));
  }
  for (let n: u32 = 0; n < QUEUE_SLOTS; n++) {
    const head = load<u32>(queueAt(n));
    store<u32>(queueAt(n), 0);
    if (head) listGive(head);
  }
  programEnd();
}

/** A server: blocks of 16 to 1,000 bytes; each request replaces one at random. Threads come and go: the blocks are handed on. */
function larson(threads: u32, n: u32): u32 {
  const area = areaClaim(threads + 1);
  for (let i: u32 = 0; i < n; i++) {
    const slot = area + (below(2000) << 2);
    slotClear(slot);
    store<u32>(slot, take(BLOCK_MIN + below(1000 - BLOCK_MIN)));
    if (!(i & 255)) peakNote();
  }
  areaRelease();
  return n;
}

/** Half of the threads allocate, the others free what they have made: every free is a remote one. */
function xmalloc(rank: u32, threads: u32, n: u32): u32 {
  const makes = !(rank & 1);
  let done: u32 = 0;
  for (let turn: u32 = 0; turn < QUEUE_SLOTS && done < n; turn++) {
    const slot = queueAt(turn);
    if (makes && !atomic.load<u32>(slot)) {
      atomic.store<u32>(slot, listTake(BATCH));
      done += BATCH;
    } else if (!makes || threads == 1) {
      const head = atomic.xchg<u32>(slot, 0);
      if (head) done += listGive(head);
    }
  }
  return done;
}

function listTake(length: u32): u32 {
  let head: u32 = 0;
  for (let n: u32 = 0; n < length; n++) {
    const va = take(BLOCK_MIN + below(232));
    if (!va) break;
    store<u32>(writeAddress(va) + BLOCK_LINK, head);
    head = va;
  }
  return head;
}

function listGive(head: u32): u32 {
  let length: u32 = 0;
  while (head) {
    const next = load<u32>(writeAddress(head) + BLOCK_LINK);
    give(head);
    head = next;
    length++;
  }
  return length;
}

/** Batches of one size each, 400 KB or so; some die newest first, some oldest first, some every other one. */
function sh6bench(area: usize, n: u32): u32 {
  let done: u32 = 0;
  while (done < n) {
    const bytes = BLOCK_MIN + (below(32) * below(32)); // to 985; half of them under 200
    const length = min<u32>(AREA_SLOTS, 16 + 400_000 / bytes);
    for (let i: u32 = 0; i < length; i++) {
      const slot = area + (i << 2);
      slotClear(slot);
      store<u32>(slot, take(bytes));
    }
    peakNote();
    done += length;
    const order = below(4);
    const part = length >>> 1;
    if (order == 0) for (let i: u32 = 0; i < part; i++) slotClear(area + ((length - 1 - i) << 2));
    else if (order == 1) for (let i: u32 = 0; i < part; i++) slotClear(area + (i << 2));
    else if (order == 2) for (let i: u32 = 0; i < length; i += 2) slotClear(area + (i << 2));
    else for (let i: u32 = 0; i < length; i++) slotClear(area + (i << 2));
  }
  return done;
}

/** The same, by several threads: what one has made another one frees. */
function sh8bench(threads: u32, n: u32): u32 {
  const done = sh6bench(areaClaim(threads + 1), n);
  areaRelease();
  return done;
}

/**
 * Passive false sharing: one thread makes small neighbours for all; each frees its own, and then allocates, writes and frees over and
 * over. If an allocator gave it the same cache line as the others, writing would be slow.
 */
function cacheScratch(rank: u32, threads: u32, n: u32): u32 {
  if (rank == 0) {
    for (let other: u32 = 0; other < threads; other++) {
      if (!atomic.load<u32>(queueAt(other))) atomic.store<u32>(queueAt(other), take(BLOCK_MIN));
    }
  }
  const first = atomic.xchg<u32>(queueAt(rank), 0);
  if (first) give(first);
  return cacheThrash(n);
}

/** Active false sharing: threads allocate small blocks at the same time, and write to them. */
function cacheThrash(n: u32): u32 {
  for (let i: u32 = 0; i < n; i++) {
    const va = take(BLOCK_MIN);
    if (!va) return i;
    if (!(i & 255)) peakNote();
    const p = writeAddress(va) + BLOCK_LINK;
    for (let k: u32 = 0; k < REPEAT; k++) atomic.store<u32>(p, atomic.load<u32>(p) + k);
    give(va);
  }
  return n;
}

/** Mostly small blocks, a few large ones; some are kept, some are swapped with other threads' through a common array. */
function mstress(rank: u32, n: u32): u32 {
  const area = areaOf(rank);
  for (let i: u32 = 0; i < n; i++) {
    const slot = area + (below(AREA_SLOTS) << 2);
    if (below(4)) {
      slotClear(slot);
      let bytes: u32 = BLOCK_MIN + below(1 << (4 + below(5))); // to 280
      if (!below(50)) bytes *= 8;
      if (!below(1000)) bytes *= 32; // may be a run
      store<u32>(slot, take(bytes));
    } else {
      store<u32>(slot, atomic.xchg<u32>(queueAt(below(QUEUE_SLOTS)), load<u32>(slot)));
    }
    if (!(i & 255)) peakNote();
  }
  return n;
}

/** rpmalloc's benchmark: sizes fall off, batches are replaced in strides; every other time another thread goes on with them. */
function rptest(threads: u32, n: u32): u32 {
  const area = areaClaim(threads + 1);
  let at = below(AREA_SLOTS);
  const stride = 1 + below(13) * 2;
  for (let i: u32 = 0; i < n; i++) {
    const slot = area + (at << 2);
    slotClear(slot);
    store<u32>(slot, take(BLOCK_MIN + ((below(128) * below(128)) >>> 2))); // to 4,056
    at = (at + stride) & (AREA_SLOTS - 1);
    if (!(i & 255)) peakNote();
  }
  areaRelease();
  return n;
}

/** Lives of very different length: few slots are used very often. Of those that are empty one is filled, of others freed. */
function allocTest(rank: u32, n: u32): u32 {
  const area = areaOf(rank);
  for (let i: u32 = 0; i < n; i++) {
    const slot = area + (((below(AREA_SLOTS) * below(1024)) >>> 10) << 2);
    if (load<u32>(slot)) slotClear(slot);
    else store<u32>(slot, take(BLOCK_MIN + below(1 << (3 + below(7))))); // to 536
    if (!(i & 255)) peakNote();
  }
  return n >>> 1;
}

/** What a thread of short life does: some blocks of all sizes. A few are left to others. */
function mleak(rank: u32, n: u32): u32 {
  const area = areaOf(rank);
  let done: u32 = 0;
  while (done < n) {
    for (let i: u32 = 0; i < CHILDREN; i++) store<u32>(area + (i << 2), take(BLOCK_MIN + below(i >>> 1)));
    peakNote();
    for (let i: u32 = 0; i < CHILDREN; i++) slotClear(area + (i << 2));
    done += CHILDREN;
  }
  for (let i: u32 = 0; i < 16; i++) {
    const slot = queueAt((rank << 4) + i);
    const left = load<u32>(slot);
    store<u32>(slot, take(BLOCK_MIN + below(64)));
    if (left) give(left);
  }
  return done;
}

/** Nothing but allocating and freeing: groups of 64 blocks of 32 bytes, freed newest first, oldest first, or one here, one there. */
function pairs(rank: u32, n: u32, order: u32): u32 {
  const area = areaOf(rank);
  for (let i: u32 = 0; i < n; i += 64) {
    for (let k: u32 = 0; k < 64; k++) store<u32>(area + (k << 2), take(32));
    if (!i) peakNote();
    for (let k: u32 = 0; k < 64; k++) {
      const at = order == 0 ? 63 - k : order == 1 ? k : (k * 37) & 63;
      give(load<u32>(area + (at << 2)));
    }
  }
  for (let k: u32 = 0; k < 64; k++) store<u32>(area + (k << 2), 0);
  return n;
}
