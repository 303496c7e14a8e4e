/**
 * Physical frames: a bit map, one bit a frame, 1 = in use. Taking a frame is one CAS, so a thread that dies on the way
 * leaks at most one frame; one that dies while it takes a run has noted how far it is. Atomic in both builds: the system
 * thread takes frames without the GIL.
 */
import * as L from "../layout";
import { control, tb } from "../machine/registers";
import { frameReserve, pagerNotice } from "./watermarks";

// @ts-ignore: decorator
@inline function wordOf(index: u32): usize {
  return <usize>load<u32>(control() + L.CB_FRAME_MAP) + (<usize>index << 3);
}

// @ts-ignore: decorator
@inline function addressOf(frame: u32): usize {
  return <usize>load<u32>(control() + L.CB_FRAME_BASE) + (<usize>frame << L.PAGE_SHIFT);
}

/** True while handles are pinned: PINS may take of the reserve. */
let reserveIsOpen: bool = false;

export function reserveOpen(open: bool): void {
  reserveIsOpen = open;
}

/** Frames that this thread leaves alone now. */
// @ts-ignore: decorator
@inline export function framesKept(): u32 {
  return reserveIsOpen ? 0 : frameReserve();
}

// @ts-ignore: decorator
@inline export function framesAreShort(wanted: u32): bool {
  return atomic.load<u32>(control() + L.CB_FRAMES_FREE) < wanted + framesKept();
}

/** Physical address of a free frame (its content is whatever it was), or 0. The first ones first. O(frames / 64) at worst. */
export function frameAllocate(): usize {
  const frames = load<u32>(control() + L.CB_FRAMES);
  const words = (frames + 63) >> 6;
  const hint = atomic.load<u32>(control() + L.CB_FRAME_HINT);
  for (let n: u32 = 0; n < words; n++) {
    let index = hint + n;
    if (index >= words) index -= words;
    const p = wordOf(index);
    let map = atomic.load<u64>(p);
    while (map != u64.MAX_VALUE) {
      const bit = <u32>ctz(~map);
      const frame = (index << 6) + bit;
      if (frame >= frames) break;
      const old = atomic.cmpxchg<u64>(p, map, map | ((<u64>1) << bit));
      if (old == map) {
        atomic.sub<u32>(control() + L.CB_FRAMES_FREE, 1);
        if (n) atomic.store<u32>(control() + L.CB_FRAME_HINT, index);
        pagerNotice();
        return addressOf(frame);
      }
      map = old;
    }
  }
  return 0;
}

/**
 * A frame for what never leaves memory, or 0: the last ones first, so that what cannot be moved out of the way stands together
 * and leaves room for runs. O(frames / 64) at worst.
 */
export function frameAllocateFixed(): usize {
  return frameAllocateFor(tb + L.TB_FIXED);
}

/** The same. `note`: a word that gets to know it in the same straight line, in which no thread dies. */
export function frameAllocateFor(note: usize): usize {
  const hint = atomic.load<u32>(control() + L.CB_FRAME_HINT_LAST);
  for (let index = hint + 1; index > 0; index--) {
    const p = wordOf(index - 1);
    let map = atomic.load<u64>(p);
    while (map != u64.MAX_VALUE) {
      const bit = 63 - <u32>clz(~map);
      const old = atomic.cmpxchg<u64>(p, map, map | ((<u64>1) << bit));
      if (old == map) {
        atomic.sub<u32>(control() + L.CB_FRAMES_FREE, 1);
        const frame = addressOf(((index - 1) << 6) + bit);
        store<u32>(note, <u32>frame);
        if (index <= hint) atomic.store<u32>(control() + L.CB_FRAME_HINT_LAST, index - 1);
        pagerNotice();
        return frame;
      }
      map = old;
    }
  }
  const frame = frameAllocate(); // the hint may be behind
  store<u32>(note, <u32>frame);
  return frame;
}

// @ts-ignore: decorator
@inline export function frameFree(address: usize): void {
  const frame = <u32>((address - load<u32>(control() + L.CB_FRAME_BASE)) >> L.PAGE_SHIFT);
  atomic.and<u64>(wordOf(frame >> 6), ~((<u64>1) << (frame & 63)));
  atomic.add<u32>(control() + L.CB_FRAMES_FREE, 1);
  const index = frame >> 6;
  if (index < atomic.load<u32>(control() + L.CB_FRAME_HINT)) atomic.store<u32>(control() + L.CB_FRAME_HINT, index);
  if (index > atomic.load<u32>(control() + L.CB_FRAME_HINT_LAST)) atomic.store<u32>(control() + L.CB_FRAME_HINT_LAST, index);
}

export function frameIsFree(frame: u32): bool {
  return ((atomic.load<u64>(wordOf(frame >> 6)) >> (frame & 63)) & 1) == 0;
}

/** Takes one given frame; false if somebody has it. */
// @ts-ignore: decorator
@inline function frameTake(frame: u32): bool {
  const bit = (<u64>1) << (frame & 63);
  return (atomic.or<u64>(wordOf(frame >> 6), bit) & bit) == 0;
}

/** Takes a frame again that was given back a moment ago, and that nobody can have taken meanwhile. */
export function frameTakeBack(address: usize): void {
  frameTake(<u32>((address - load<u32>(control() + L.CB_FRAME_BASE)) >> L.PAGE_SHIFT));
  atomic.sub<u32>(control() + L.CB_FRAMES_FREE, 1);
}

/** Physical address of `length` neighbouring frames, or 0. O(frames). */
export function frameRunAllocate(length: u32): usize {
  if (length == 1) return frameAllocate();
  const frames = load<u32>(control() + L.CB_FRAMES);
  let start: u32 = 0;
  while (start + length <= frames) {
    let n: u32 = 0;
    // Backwards, so that the next start lies behind the last obstacle.
    let obstacle: u32 = u32.MAX_VALUE;
    for (n = length; n > 0; n--) {
      if (!frameIsFree(start + n - 1)) {
        obstacle = start + n - 1;
        break;
      }
    }
    if (obstacle != u32.MAX_VALUE) {
      start = obstacle + 1;
      continue;
    }
    const run = frameRunTake(start, length);
    if (run) return run;
    start++;
  }
  return 0;
}

/**
 * Takes given neighbouring frames: their address, or 0 if somebody has one of them. A thread can die between two of them, so what it
 * has is noted with each; it is counted when it has all.
 */
export function frameRunTake(start: u32, length: u32): usize {
  store<u32>(tb + L.TB_TAKING, start);
  let n: u32 = 0;
  while (n < length && frameTake(start + n)) store<u32>(tb + L.TB_TAKEN, ++n);
  if (n == length) {
    atomic.sub<u32>(control() + L.CB_FRAMES_FREE, length);
    store<u32>(tb + L.TB_TAKEN, 0);
    pagerNotice();
    return addressOf(start);
  }
  takenGive(tb);
  return 0;
}

/** What a thread had taken of a run when it ended, or found that it cannot have all of it, is free again. */
export function takenGive(block: usize): void {
  const start = load<u32>(block + L.TB_TAKING);
  for (let n = load<u32>(block + L.TB_TAKEN); n > 0; n--) {
    const frame = start + n - 1;
    atomic.and<u64>(wordOf(frame >> 6), ~((<u64>1) << (frame & 63)));
    store<u32>(block + L.TB_TAKEN, n - 1);
  }
}
