/**
 * Physical frames: a bit map, one bit a frame, 1 = in use. Taking a frame is one CAS, so a thread that dies on the way
 * leaks at most one frame. Atomic in both builds: the system thread takes frames without the GIL.
 */
import * as L from "../layout";
import { control } from "../machine/registers";

// @ts-ignore: decorator
@inline function wordOf(index: u32): usize {
  return <usize>load<u32>(control() + L.CB_FRAME_MAP) + (<usize>index << 3);
}

// @ts-ignore: decorator
@inline function addressOf(frame: u32): usize {
  return <usize>load<u32>(control() + L.CB_FRAME_BASE) + (<usize>frame << L.PAGE_SHIFT);
}

const RESERVE_MIN: u32 = 131072 >> L.PAGE_SHIFT;
const RESERVE_MAX: u32 = 4194304 >> L.PAGE_SHIFT;

/** Frames that ordinary allocation leaves alone, so that limbo and handle lists can still grow when the heap is full. */
export function frameReserve(): u32 {
  const frames = load<u32>(control() + L.CB_FRAMES);
  return min<u32>(max<u32>(frames >> 5, RESERVE_MIN), RESERVE_MAX);
}

/** True while handles are pinned: PINS may take of the reserve. */
let reserveIsOpen: bool = false;

export function reserveOpen(open: bool): void {
  reserveIsOpen = open;
}

// @ts-ignore: decorator
@inline export function framesAreShort(wanted: u32): bool {
  return atomic.load<u32>(control() + L.CB_FRAMES_FREE) < wanted + (reserveIsOpen ? 0 : frameReserve());
}

/** Physical address of a free frame (its content is whatever it was), or 0. O(frames / 64) at worst. */
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
        return addressOf(frame);
      }
      map = old;
    }
  }
  return 0;
}

/** The last free frame, or 0: for what is never given back, so that it does not lie in the way of runs. O(frames / 64). */
export function frameAllocateLast(): usize {
  for (let index = (load<u32>(control() + L.CB_FRAMES) + 63) >> 6; index > 0; index--) {
    const p = wordOf(index - 1);
    let map = atomic.load<u64>(p);
    while (map != u64.MAX_VALUE) {
      const bit = 63 - <u32>clz(~map);
      const old = atomic.cmpxchg<u64>(p, map, map | ((<u64>1) << bit));
      if (old == map) {
        atomic.sub<u32>(control() + L.CB_FRAMES_FREE, 1);
        return addressOf(((index - 1) << 6) + bit);
      }
      map = old;
    }
  }
  return 0;
}

export function frameFree(address: usize): void {
  const frame = <u32>((address - load<u32>(control() + L.CB_FRAME_BASE)) >> L.PAGE_SHIFT);
  atomic.and<u64>(wordOf(frame >> 6), ~((<u64>1) << (frame & 63)));
  atomic.add<u32>(control() + L.CB_FRAMES_FREE, 1);
  if (frame >> 6 < atomic.load<u32>(control() + L.CB_FRAME_HINT)) {
    atomic.store<u32>(control() + L.CB_FRAME_HINT, frame >> 6);
  }
}

export function frameIsFree(frame: u32): bool {
  return ((atomic.load<u64>(wordOf(frame >> 6)) >> (frame & 63)) & 1) == 0;
}

/** Takes one given frame; false if somebody has it. */
function frameTake(frame: u32): bool {
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

/** Takes given neighbouring frames: their address, or 0 if somebody has one of them. */
export function frameRunTake(start: u32, length: u32): usize {
  let n: u32 = 0;
  while (n < length && frameTake(start + n)) n++;
  if (n == length) {
    atomic.sub<u32>(control() + L.CB_FRAMES_FREE, length);
    return addressOf(start);
  }
  while (n > 0) {
    n--;
    atomic.and<u64>(wordOf((start + n) >> 6), ~((<u64>1) << ((start + n) & 63)));
  }
  return 0;
}
