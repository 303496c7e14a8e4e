/**
 * How many frames are to be free, with a swap file. Ordinary allocation leaves the *reserve* alone; who finds less than AHEAD
 * beyond it evicts, there and then (*direct reclaim*); who finds less than the *low* watermark wakes the pager, which evicts
 * until the *high* one is reached. So direct reclaim is for those times when the pager is too slow.
 *
 *      0 ..... reserve ..... + AHEAD ..... low ..... high ..... frames
 *         pins, limbo    direct reclaim   pager, until there
 *
 * Waking is Dekker's way: the system thread says that it parks, and looks then; who takes frames has taken them, and looks
 * then whether it is parked. One of the two sees the other.
 */
import * as L from "../layout";
import { control } from "../machine/registers";
import { swapIsThere } from "./swap";

/** Free frames, beyond the reserve, at which direct reclaim begins. */
export const AHEAD: u32 = 8;

const RESERVE_MIN: u32 = 131072 >> L.PAGE_SHIFT;
const FRAMES_MAX: u32 = 4194304 >> L.PAGE_SHIFT; // of the reserve, and between two watermarks

/** Frames that ordinary allocation leaves alone, so that limbo and handle lists can still grow when the heap is full. */
export function frameReserve(): u32 {
  const frames = load<u32>(control() + L.CB_FRAMES);
  return min<u32>(max<u32>(frames >> 5, RESERVE_MIN), FRAMES_MAX);
}

/** Between direct reclaim and low, and between low and high. */
function watermarkGap(): u32 {
  return min<u32>(max<u32>(load<u32>(control() + L.CB_FRAMES) >> 5, 4), FRAMES_MAX);
}

export function watermarkLow(): u32 {
  return frameReserve() + AHEAD + watermarkGap();
}

export function watermarkHigh(): u32 {
  return watermarkLow() + watermarkGap();
}

function framesAreLow(): bool {
  return atomic.load<u32>(control() + L.CB_FRAMES_FREE) < watermarkLow();
}

/** Somebody has taken frames: wakes the pager if they get short. */
export function pagerNotice(): void {
  const word = control() + L.CB_SYSTEM_PARK;
  if (!swapIsThere() || !framesAreLow() || !atomic.load<u32>(word)) return;
  if (atomic.xchg<u32>(word, 0) == 1) atomic.notify(word, -1);
}

/** The system thread parks: 1 if it may wait on CB_SYSTEM_PARK now, 0 if there is something to do after all. */
export function systemPark(): u32 {
  atomic.store<u32>(control() + L.CB_SYSTEM_PARK, 1);
  if (!framesAreLow()) return 1;
  atomic.store<u32>(control() + L.CB_SYSTEM_PARK, 0);
  return 0;
}
