/**
 * What a thread holds: locks, and handles that its JavaScript keeps. An entry each, in frames of the thread, in shared memory, so
 * that the verifier knows of every count, and that they can be given back when the thread dies.
 *
 *   free -> a lock is held (TASK is its holder) -> free
 *        -> a handle is KEPT -> free
 *                            -> RELEASED, if an open snapshot has its count in it -> free, when entries are short
 *
 * A handle is counted at the cuts BORN + 1 .. (RELEASED) NEXT. When the heap is restored to one of these, its object has that
 * count again, and nobody has the handle: then the count is given back. A handle that was kept after the cut is void: its count
 * is no more, and its entry is gone, by which JavaScript knows.
 */
import * as L from "../layout";
import * as S from "../layout/sync";
import { control, tb, threadBlock } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { frameAllocateFixed } from "../paging/frames";
import { snapshotLiesIn } from "../paging/snapshots";
import { countDecrement } from "../heap/count";

const SWEEP_MIN: u32 = L.PAGE_SIZE / S.HELD_SIZE / 2; // RELEASED entries: half a frame

/** A free entry stands at TB_LOCKS_FREE; false when memory is out. */
// @ts-ignore: decorator
@inline export function entryReserve(): bool {
  return load<u32>(tb + S.TB_LOCKS_FREE) != 0 || entriesProvide();
}

function entriesProvide(): bool {
  return (load<u32>(tb + S.TB_RELEASED) >= SWEEP_MIN && entriesSweep()) || entriesAdd();
}

function entriesAdd(): bool {
  const frame = frameAllocateFixed();
  if (!frame) return false;
  store<u32>(frame, load<u32>(tb + S.TB_LOCK_FRAMES));
  for (let offset = S.HELD_SIZE; offset < L.PAGE_SIZE; offset += S.HELD_SIZE) {
    store<u32>(frame + offset + S.HELD_TASK, 0);
    store<u32>(frame + offset + S.HELD_NEXT, offset + S.HELD_SIZE < L.PAGE_SIZE ? <u32>frame + offset + S.HELD_SIZE : 0);
  }
  store<u32>(tb + S.TB_LOCKS_FREE, <u32>frame + S.HELD_SIZE);
  store<u32>(tb + S.TB_LOCK_FRAMES, <u32>frame);
  return true;
}

/** Frees what was kept for snapshots that are closed now. O(entries): when entries are short, and it may be worth it. */
function entriesSweep(): bool {
  store<u32>(tb + S.TB_RELEASED, 0);
  for (let frame = <usize>load<u32>(tb + S.TB_LOCK_FRAMES); frame; frame = <usize>load<u32>(frame)) {
    for (let entry = frame + S.HELD_SIZE; entry < frame + L.PAGE_SIZE; entry += S.HELD_SIZE) {
      if (load<u32>(entry + S.HELD_TASK) != S.HELD_RELEASED) continue;
      if (!snapshotLiesIn(load<u32>(entry + S.HELD_BORN) + 1, load<u32>(entry + S.HELD_NEXT))) entryDrop(entry);
    }
  }
  return load<u32>(tb + S.TB_LOCKS_FREE) != 0;
}

/** An entry of this thread is free. */
// @ts-ignore: decorator
@inline export function entryDrop(entry: usize): void {
  entryGive(tb, entry);
}

/** The same for the thread of `block`, which does not run. */
// @ts-ignore: decorator
@inline export function entryGive(block: usize, entry: usize): void {
  store<u32>(entry + S.HELD_TASK, 0);
  store<u32>(entry + S.HELD_NEXT, load<u32>(block + S.TB_LOCKS_FREE));
  store<u32>(block + S.TB_LOCKS_FREE, <u32>entry);
}

/** Notes a handle that JavaScript keeps on `va`, which it has counted. The entry, 0 when memory is out. */
export function keptAdd(va: u32): u32 {
  if (!entryReserve()) return 0;
  const entry = <usize>load<u32>(tb + S.TB_LOCKS_FREE);
  const next = load<u32>(entry + S.HELD_NEXT);
  store<u32>(entry + S.HELD_OBJECT, va);
  store<u32>(entry + S.HELD_BORN, atomic.load<u32>(control() + L.CB_CUT));
  store<u32>(entry + S.HELD_TASK, S.HELD_KEPT);
  store<u32>(tb + S.TB_LOCKS_FREE, next);
  return <u32>entry;
}

/** The handle is released; its count is the caller's to give back, afterwards. */
export function keptDrop(entry: u32): void {
  keptGive(tb, entry, atomic.load<u32>(control() + L.CB_CUT));
}

/** The same for the thread of `block`; `last` is the last cut at which it was counted. */
export function keptGive(block: usize, entry: usize, last: u32): void {
  if (!snapshotLiesIn(load<u32>(entry + S.HELD_BORN) + 1, last)) return entryGive(block, entry);
  store<u32>(entry + S.HELD_NEXT, last);
  store<u32>(entry + S.HELD_TASK, S.HELD_RELEASED);
  store<u32>(block + S.TB_RELEASED, load<u32>(block + S.TB_RELEASED) + 1);
}

/**
 * The heap has become what it was at cut `cut`, until now, when `last` was the last cut taken: handles that were kept since are
 * void, and counts of those that were released since are given back. All other threads stand still.
 */
export function handlesRestore(cut: u32, last: u32): void {
  stackProbe();
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 1; slot < slots; slot++) {
    const block = threadBlock(slot);
    for (let frame = <usize>load<u32>(block + S.TB_LOCK_FRAMES); frame; frame = <usize>load<u32>(frame)) {
      for (let entry = frame + S.HELD_SIZE; entry < frame + L.PAGE_SIZE; entry += S.HELD_SIZE) {
        const holder = load<u32>(entry + S.HELD_TASK);
        const isYounger = load<u32>(entry + S.HELD_BORN) >= cut;
        if (holder == S.HELD_KEPT && isYounger) keptGive(block, entry, last);
        else if (holder == S.HELD_RELEASED && !isYounger && cut <= load<u32>(entry + S.HELD_NEXT))
          countDecrement(load<u32>(entry + S.HELD_OBJECT));
      }
    }
  }
}

/** Whether anybody holds a lock. */
export function locksAreHeld(): bool {
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 1; slot < slots; slot++) {
    for (let frame = <usize>load<u32>(threadBlock(slot) + S.TB_LOCK_FRAMES); frame; frame = <usize>load<u32>(frame)) {
      for (let entry = frame + S.HELD_SIZE; entry < frame + L.PAGE_SIZE; entry += S.HELD_SIZE) {
        const holder = load<u32>(entry + S.HELD_TASK);
        if (holder && holder != S.HELD_KEPT && holder != S.HELD_RELEASED) return true;
      }
    }
  }
  return false;
}
