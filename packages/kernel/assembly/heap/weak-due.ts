/**
 * Cells whose coroutines are due, for their objects have died: a queue through the cells, oldest first, each counted once for it.
 * Whoever runs them waits for CB_WEAK_DUES to change: the kernel runs nothing itself.
 */
import * as L from "../layout";
import { control } from "../machine/registers";
import { spinLock, spinUnlock } from "../machine/spin";
import { stackProbe } from "../machine/stack";
import { writeAddress } from "../paging/translate";
import { chunksAreReady } from "./chunks";
import { countDecrementAt } from "./count";
import { borrow } from "./handle";
import { enter } from "./safepoint";

/** Takes the oldest cell: its address, borrowed; 0 if there is none, or E_MEMORY. */
export function dueTake(): u32 {
  enter();
  stackProbe();
  if (!chunksAreReady()) return L.E_MEMORY;
  spinLock(control() + L.CB_WEAK_DUE_LOCK);
  const va = load<u32>(control() + L.CB_WEAK_DUE_HEAD);
  if (va) {
    const p = writeAddress(va);
    const next = load<u32>(p + L.WEAK_NEXT);
    store<u32>(control() + L.CB_WEAK_DUE_HEAD, next);
    if (!next) store<u32>(control() + L.CB_WEAK_DUE_TAIL, 0);
    store<u32>(p + L.WEAK_STATE, load<u32>(p + L.WEAK_STATE) & ~L.WEAK_DUE);
  }
  spinUnlock(control() + L.CB_WEAK_DUE_LOCK);
  if (!va) return 0;
  borrow(va);
  countDecrementAt(va, writeAddress(va));
  return va;
}
