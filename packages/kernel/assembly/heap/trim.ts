/**
 * Empty pages go back to the frame pool when threads come to rest. A small page that is given back keeps its frame, for most are used
 * again at once, and a frame to clear and a walk cost as much as filling half a page. But who has had a lot and needs it no more must
 * not keep it until memory is out.
 *
 *   at rest                                 more than KEEP empty pages have frames: all of them go
 *   at rest again, nothing done meanwhile   this thread's own empty pages go too, one a size class, and then all that have frames
 *
 * Frames go at once, if nobody else is attached: no translation is left but this thread's own. If somebody is, he comes to rest later.
 * Not with a swap file: there the pager sees to it.
 */
import * as L from "../layout";
import { isAttached } from "../machine/epoch";
import { control, tb, threadBlock } from "../machine/registers";
import { swapIsThere } from "../paging/swap";
import { runsReclaim, smallPagesRetire } from "./arenas";
import { emptyPagesFree } from "./blocks";

const KEEP: i32 = 262144 >> L.PAGE_SHIFT;

/** Whether more empty pages have frames than are worth keeping, and this thread may take these. */
export function trimIsDue(): bool {
  return emptyPages() > KEEP && mayTrim();
}

/** This thread is at rest: attached, in no step, and nothing of its own dies. */
export function trimAtRest(): void {
  const done = doneSoFar();
  const isQuiet = done == load<u32>(tb + L.TB_REST) && done != load<u32>(tb + L.TB_TRIMMED);
  store<u32>(tb + L.TB_REST, done);
  if (!isQuiet && !trimIsDue()) return;
  if (!mayTrim()) return;
  if (isQuiet) {
    emptyPagesFree();
    store<u32>(tb + L.TB_TRIMMED, done);
  }
  if (emptyPages() == 0) return;
  smallPagesRetire();
  runsReclaim();
}

// @ts-ignore: decorator
@inline function emptyPages(): i32 {
  return atomic.load<i32>(control() + L.CB_EMPTY_PAGES);
}

/** Grows with whatever makes or brings a thread pages and blocks. */
function doneSoFar(): u32 {
  const counters = tb + L.TB_COUNTERS;
  const blocks = load<u32>(counters + (L.COUNTER_ALLOCATIONS << 3)) + load<u32>(counters + (L.COUNTER_ADOPTIONS << 3));
  return blocks + load<u32>(counters + (L.COUNTER_PAGES_ALLOCATED << 3));
}

function mayTrim(): bool {
  if (swapIsThere()) return false;
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 1; slot < slots; slot++) {
    const block = threadBlock(slot);
    if (block != tb && isAttached(atomic.load<u32>(block + L.TB_STATE))) return false;
  }
  return true;
}
