/**
 * Blocks for the programs of bench-alloc.ts, and the *board* that the threads of a program share: one run, which stays where it is,
 * known by its physical address.
 *
 *   board:  words | a line a thread | queue | areas of AREA_SLOTS addresses, each with a lock
 *
 * A block carries a pattern that follows from its address, and whoever frees it looks whether it is still there. `full` runs write
 * and compare all of it, and count live bytes; others, which are timed, its ends.
 */
import * as L from "./layout";
import { blockFree } from "./heap/blocks";
import { place } from "./heap/object";
import { writeAddress } from "./paging/translate";

export const AREA_SLOTS: u32 = 8192;
export const AREAS_MAX: u32 = 4;
export const QUEUE_SLOTS: u32 = 256;
const BOARD_FULL: u32 = 0; // 1: full patterns, live bytes
const BOARD_BROKEN: u32 = 4; // blocks whose pattern was not there any more
const BOARD_PEAK: u32 = 8; // most bytes that were live at once
const BOARD_LACK: u32 = 12; // allocations that found no memory
const BOARD_LINES: u32 = 64; // a cache line a thread: live bytes (others' frees may make it negative), random state
const LINE_LIVE: u32 = 0;
const LINE_RANDOM: u32 = 4;
const LINE_AREA: u32 = 8;
const LINES: u32 = 16;
const BOARD_LOCKS: u32 = BOARD_LINES + LINES * 64;
const BOARD_QUEUE: u32 = BOARD_LOCKS + AREAS_MAX * 64;
const BOARD_AREAS: u32 = BOARD_QUEUE + QUEUE_SLOTS * 4;
export const BOARD_SIZE: u32 = BOARD_AREAS + AREAS_MAX * AREA_SLOTS * 4;

const RAW: u32 = L.TYPE_FIRST_USER; // a type without references
export const BLOCK_LINK: u32 = 8; // a word for the program
const BLOCK_BYTES: u32 = 12;
const BLOCK_DATA: u32 = 16;
export const BLOCK_MIN: u32 = 24; // the pattern has a word at least

// The board, the thread and its random state while a program runs.
export let board: usize = 0;
let line: usize = 0;
let isFull: bool = false;
let random: u32 = 0;

export function programBegin(at: usize, rank: u32, full: u32): void {
  board = at;
  line = board + BOARD_LINES + (<usize>rank << 6);
  isFull = full != 0;
  random = load<u32>(line + LINE_RANDOM);
  if (!random) random = rank * 2654435769 + 12345;
}

export function programEnd(): void {
  store<u32>(line + LINE_RANDOM, random);
}

/** A random number below n, which is at most 65,536. */
// @ts-ignore: decorator
@inline export function below(n: u32): u32 {
  random = random * 1664525 + 1013904223;
  return ((random >>> 16) * n) >>> 16;
}

/** A block of this thread with its pattern, or 0. */
// @ts-ignore: decorator
@inline export function take(bytes: u32): u32 {
  const block = place(bytes);
  if (!block) return lack();
  const va = <u32>(block >>> 32);
  const p = <usize>(<u32>block);
  store<u32>(p + BLOCK_LINK, 0);
  store<u32>(p + BLOCK_BYTES, bytes);
  store<u32>(p + BLOCK_DATA, va);
  store<u32>(p + ((bytes - 4) & ~3), va);
  if (isFull) patternWrite(va, bytes);
  store<u32>(p + L.OBJECT_COUNT, L.COUNT_ONE);
  store<u32>(p, RAW);
  return va;
}

/** Frees a block, whoever's page it is in. */
// @ts-ignore: decorator
@inline export function give(va: u32): void {
  const p = writeAddress(va);
  const bytes = load<u32>(p + BLOCK_BYTES);
  if (isFull) patternCheck(va, bytes);
  else if (load<u32>(p + BLOCK_DATA) != va || load<u32>(p + ((bytes - 4) & ~3)) != va) broken();
  blockFree(va, p);
}

function lack(): u32 {
  atomic.add<u32>(board + BOARD_LACK, 1);
  return 0;
}

function broken(): void {
  atomic.add<u32>(board + BOARD_BROKEN, 1);
}

function patternWrite(va: u32, bytes: u32): void {
  for (let offset = BLOCK_DATA; offset + 4 <= bytes; offset += 4) store<u32>(writeAddress(va + offset), va);
  store<i32>(line + LINE_LIVE, load<i32>(line + LINE_LIVE) + bytes);
}

function patternCheck(va: u32, bytes: u32): void {
  for (let offset = BLOCK_DATA; offset + 4 <= bytes; offset += 4) {
    if (load<u32>(writeAddress(va + offset)) != va) {
      broken();
      break;
    }
  }
  if (load<u32>(writeAddress(va)) != RAW) broken();
  store<i32>(line + LINE_LIVE, load<i32>(line + LINE_LIVE) - bytes);
}

/** Notes how much is live now: a program calls it when that is much. Nothing in a run that is timed. */
export function peakNote(): void {
  if (!isFull) return;
  let live: i32 = 0;
  for (let rank: u32 = 0; rank < LINES; rank++) live += load<i32>(board + BOARD_LINES + (rank << 6) + LINE_LIVE);
  while (live > 0) {
    const peak = atomic.load<u32>(board + BOARD_PEAK);
    if (<u32>live <= peak || atomic.cmpxchg<u32>(board + BOARD_PEAK, peak, live) == peak) return;
  }
}

// Areas: arrays of blocks that go from thread to thread.

/** Address of an area that nobody uses, from now on this thread's; the next one after that it had last. */
export function areaClaim(areas: u32): usize {
  let area = load<u32>(line + LINE_AREA);
  while (true) {
    area = area + 1 < areas ? area + 1 : 0;
    if (atomic.cmpxchg<u32>(board + BOARD_LOCKS + (<usize>area << 6), 0, 1) == 0) break;
  }
  store<u32>(line + LINE_AREA, area);
  return areaOf(area);
}

export function areaRelease(): void {
  atomic.store<u32>(board + BOARD_LOCKS + (<usize>load<u32>(line + LINE_AREA) << 6), 0);
}

// @ts-ignore: decorator
@inline export function areaOf(area: u32): usize {
  return board + BOARD_AREAS + <usize>area * (AREA_SLOTS << 2);
}

// The queue: blocks that are handed from one thread to another.

// @ts-ignore: decorator
@inline export function queueAt(slot: u32): usize {
  return board + BOARD_QUEUE + (<usize>slot << 2);
}

/** Gives back whatever stands in a slot of an area or of the queue. */
// @ts-ignore: decorator
@inline export function slotClear(slot: usize): void {
  const va = load<u32>(slot);
  if (!va) return;
  store<u32>(slot, 0);
  give(va);
}
