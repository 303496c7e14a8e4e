/** Whether coroutines are at rest: the heap can be restored to a moment at which they were, and while they are. */
import * as L from "../layout";
import * as S from "../layout/sync";
import { control, tid, threadBlock } from "../machine/registers";
import { pagerIsAtWork } from "../paging/pager";
import { dequeLength } from "./deque";
import { injectIsEmpty } from "./inject";
import { taskScan } from "./task";

/** Whether there is a task that has not ended. The world stands still. */
export function tasksAreLeft(): bool {
  if (counted(S.COUNTER_CREATED) > counted(S.COUNTER_ENDED)) return true;
  // After the death of a thread some may have been counted twice: so it looks for itself.
  if (!injectIsEmpty()) return true;
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 1; slot < slots; slot++) {
    const block = threadBlock(slot);
    if (load<u32>(block + S.TB_PICKED) || load<u32>(block + S.TB_CHAIN) || taskScan(slot, 0)) return true;
    if (load<u32>(block + S.TB_DEQUE) && dequeLength(block) > 0) return true;
  }
  return false;
}

function counted(counter: u32): i64 {
  let sum: i64 = 0;
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 1; slot < slots; slot++)
    sum += load<i64>(threadBlock(slot) + L.TB_COUNTERS + (<usize>counter << 3));
  return sum;
}

/** Whether all other threads are detached, nobody is yet to be told of anything, and no page is on its way. The world is to stop. */
export function threadsAreAtRest(): bool {
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 1; slot < slots; slot++) {
    const block = threadBlock(slot);
    const state = atomic.load<u32>(block + L.TB_STATE);
    if (slot != tid && state != L.THREAD_DETACHED && state != L.THREAD_FREE) return false;
    if (atomic.load<u32>(block + S.TB_INBOX) || load<u32>(block + S.TB_DELIVERED)) return false;
    if (atomic.load<u32>(block + S.TB_CANCELS) || atomic.load<u32>(block + S.TB_PENDING)) return false;
  }
  return !pagerIsAtWork();
}
