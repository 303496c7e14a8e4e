/**
 * Cancelling a task. Whoever sets CANCELLING has won the right to; the reason is there before CANCEL is set. A task that runs
 * is pushed on its thread's stack of tasks to be cancelled; one that has not started sees CANCEL when it is started.
 */
import * as S from "../layout/sync";
import { count, tb, threadBlock, tid } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { wordCas } from "../machine/word";
import { readAddress, writeAddress } from "../paging/translate";
import { countDecrement, countIncrement } from "../heap/count";
import { borrow } from "../heap/handle";
import { enter } from "../heap/safepoint";
import { unpark } from "./park";
import { stateChange, stateOf } from "./state";

/**
 * Asks a task to end. `reason`: an address or 0. 1 if this call is the one that cancels it. One that has ended is marked all
 * the same: if it failed because a task that it waited for was cancelled a moment ago, it was not to go on either.
 */
export function taskCancel(task: u32, reason: u32): u32 {
  enter();
  stackProbe();
  const p = writeAddress(task);
  if (!p) return 0;
  let word = stateOf(p);
  while (true) {
    if (word & S.TASK_CANCELLING) return 0;
    const old = wordCas(p + S.TASK_STATE, word, word | S.TASK_CANCELLING);
    if (old == word) break;
    word = old;
  }
  if ((word & S.TASK_STATE_MASK) >= S.TASK_DONE) return 0;
  if (reason) countIncrement(reason);
  store<u32>(p + S.TASK_REASON, reason);
  countIncrement(task); // the stack's
  word = stateChange(p, 0, S.TASK_CANCEL);
  count(S.COUNTER_CANCELS);
  if ((word & S.TASK_STATE_MASK) == S.TASK_RUNNING) cancelPush(task, p);
  else countDecrement(task);
  return 1;
}

function cancelPush(task: u32, p: usize): void {
  const slot = load<u32>(p + S.TASK_OWNER);
  const stack = threadBlock(slot) + S.TB_CANCELS;
  let head = atomic.load<u32>(stack);
  while (true) {
    store<u32>(p + S.TASK_NEXT, head);
    const old = atomic.cmpxchg<u32>(stack, head, task);
    if (old == head) break;
    head = old;
  }
  if (slot != tid) unpark(slot);
}

/** One task of this thread that is to be cancelled: its coroutine's number, -1 if there is none. */
export function cancelTake(): i32 {
  while (true) {
    const task = atomic.load<u32>(tb + S.TB_CANCELS);
    if (!task) return -1;
    const p = readAddress(task);
    // Only the owner takes, so the head cannot go and come back.
    if (atomic.cmpxchg<u32>(tb + S.TB_CANCELS, task, load<u32>(p + S.TASK_NEXT)) != task) continue;
    const running = (stateOf(p) & S.TASK_STATE_MASK) == S.TASK_RUNNING;
    const fiber = <i32>load<u32>(p + S.TASK_SLOT);
    countDecrement(task);
    if (running) return fiber;
  }
}

/** Why it was cancelled, borrowed; 0 if no reason was given. */
export function taskReason(task: u32): u32 {
  const p = readAddress(task);
  if (!p) return 0;
  const reason = load<u32>(p + S.TASK_REASON);
  if (reason) borrow(reason);
  return reason;
}
