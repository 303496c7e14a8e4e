/**
 * A thread's queue of unstarted tasks. The owner pushes and takes at the bottom (last in, first out: a tree of tasks is
 * walked depth first), thieves take at the top (first in, first out: what they get is old and large).
 *
 * Chase and Lev 2005, in the form of Lê, Pop, Cohen, Zappa Nardelli, PPoPP 2013, with a ring of fixed size: a full one
 * overflows into the injection queue. Every access to top and bottom is sequentially consistent (WebAssembly has nothing
 * weaker), so no fence is left to reason about.
 *
 *   top <= bottom <= top + DEQUE_SIZE (for the owner, who may see an older top);   tasks are slots top .. bottom - 1
 */
import * as L from "../layout";
import * as S from "../layout/sync";
import { tb, threadBlock } from "../machine/registers";

// @ts-ignore: decorator
@inline function slotOf(block: usize, index: u32): usize {
  return <usize>load<u32>(block + S.TB_DEQUE) + (<usize>(index & (S.DEQUE_SIZE - 1)) << 2);
}

/** False if the ring is full. */
// @ts-ignore: decorator
@inline export function dequePush(task: u32): bool {
  const bottom = load<u32>(tb + S.TB_DEQUE_BOTTOM);
  if (bottom - atomic.load<u32>(tb + S.TB_DEQUE_TOP) >= S.DEQUE_SIZE) return false;
  store<u32>(slotOf(tb, bottom), task);
  atomic.store<u32>(tb + S.TB_DEQUE_BOTTOM, bottom + 1);
  return true;
}

/** Takes the newest task into TB_PICKED; false if there is none. */
// @ts-ignore: decorator
@inline export function dequeTake(): bool {
  const bottom = load<u32>(tb + S.TB_DEQUE_BOTTOM) - 1;
  if (<i32>(bottom - atomic.load<u32>(tb + S.TB_DEQUE_TOP)) < 0) return false;
  atomic.store<u32>(tb + S.TB_DEQUE_BOTTOM, bottom);
  const top = atomic.load<u32>(tb + S.TB_DEQUE_TOP);
  const left = <i32>(bottom - top);
  if (left > 0) {
    store<u32>(tb + S.TB_PICKED, load<u32>(slotOf(tb, bottom)));
    return true;
  }
  // The last one: a thief may be after it.
  let won = false;
  if (left == 0) {
    const task = load<u32>(slotOf(tb, bottom));
    if (atomic.cmpxchg<u32>(tb + S.TB_DEQUE_TOP, top, top + 1) == top) {
      store<u32>(tb + S.TB_PICKED, task);
      won = true;
    }
  }
  atomic.store<u32>(tb + S.TB_DEQUE_BOTTOM, bottom + 1);
  return won;
}

// @ts-ignore: decorator
@inline export function dequeLength(block: usize): i32 {
  return <i32>(atomic.load<u32>(block + S.TB_DEQUE_BOTTOM) - atomic.load<u32>(block + S.TB_DEQUE_TOP));
}

/** Steals half of a victim's tasks: the oldest into TB_PICKED, the others into the own deque. Number of tasks. */
export function dequeStealHalf(slot: u32): u32 {
  const victim = threadBlock(slot);
  const length = dequeLength(victim);
  if (length <= 0) return 0;
  const wanted = min<u32>((<u32>length + 1) >> 1, S.STEAL_MAX);
  let stolen: u32 = 0;
  while (stolen < wanted) {
    const top = atomic.load<u32>(victim + S.TB_DEQUE_TOP);
    if (<i32>(atomic.load<u32>(victim + S.TB_DEQUE_BOTTOM) - top) <= 0) break;
    const task = load<u32>(slotOf(victim, top));
    if (atomic.cmpxchg<u32>(victim + S.TB_DEQUE_TOP, top, top + 1) != top) break; // somebody else was faster
    if (stolen++ == 0) store<u32>(tb + S.TB_PICKED, task);
    else dequePush(task); // it was empty, so there is room
  }
  return stolen;
}
