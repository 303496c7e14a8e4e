/**
 * Garbage of parked threads. What dies stands in the limbo list of the thread that let it go, and only that thread can free
 * it: before it parks it does, if the others let it (a grace period needs all that run), and who is out of memory wakes it.
 */
import { type Kernel, Layout as L, SyncLayout as S } from "@ungil/kernel";
import type { SyncExports } from "./exports.js";

/** Wakes the parked threads that have garbage: each looks after it before it parks again. */
export function wakeForGarbage(kernel: Kernel, x: SyncExports): void {
  for (let slot = 2; slot < kernel.control(L.CB_SLOTS); slot++) {
    const word = (field: number) => kernel.u32[(kernel.threadBlock(slot) + field) >>> 2] as number;
    if (slot !== kernel.slot && word(S.TB_PARK) === 1 && word(L.TB_LIMBO_COUNT) > 0) x.unpark(slot);
  }
}
