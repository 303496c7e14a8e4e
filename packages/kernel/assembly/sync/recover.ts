/**
 * Start of sync, and what is left of a thread after its exit: its queue, its waits, its locks. Its started tasks are failed
 * by the runtime, which knows what with (`taskScan`, `taskCrash`).
 */
import * as L from "../layout";
import * as S from "../layout/sync";
import { epochDetach } from "../machine/epoch";
import { gilAbandon, gilDrop, gilIsMine, runningLeave } from "../machine/gil";
import { control, tb, threadBlock, tid } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { frameAllocateFixed } from "../paging/frames";
import { readAddress, writeAddress } from "../paging/translate";
import { countDecrement, countIncrement } from "../heap/count";
import { typeDefine } from "../heap/types";
import { wordLoad } from "../machine/word";
import { injectInit, injectPush } from "./inject";
import { wakePassOn } from "./inbox";
import { locksPoison } from "./lock";
import { taskFinish } from "./task";
import { waiterLose, waitersAdd } from "./waiter";

/** Once for a machine. `interval`: the GIL's switch interval in microseconds. 0 or E_MEMORY. */
export function syncInit(interval: u32, workers: u32): u32 {
  const frame = frameAllocateFixed();
  if (!frame) return L.E_MEMORY;
  injectInit(frame);
  store<u32>(control() + S.CB_GIL_INTERVAL, interval);
  store<u32>(control() + S.CB_WORKERS, workers);
  const refs: u32 =
    (1 << (S.TASK_ARGS >> 2)) | (1 << (S.TASK_ERROR >> 2)) | (1 << (S.TASK_CHILDREN >> 2)) |
    (1 << (S.TASK_SIBLING >> 2)) | (1 << (S.TASK_REASON >> 2));
  typeDefine(L.TYPE_TASK, S.TASK_SIZE, refs, 1 << (S.TASK_RESULT >> 3));
  return 0;
}

/** Once for a thread, by itself, after `threadInit`. `patience`: see TB_GIL_PATIENCE. 0 or E_MEMORY. */
export function syncAttach(patience: u32): u32 {
  store<u32>(tb + S.TB_GIL_PATIENCE, patience);
  store<u32>(tb + S.TB_SEED, tid * 2654435769);
  atomic.store<u32>(tb + S.TB_PARK, 0);
  atomic.store<u32>(tb + S.TB_PENDING, 0);
  if (load<u32>(tb + S.TB_DEQUE)) return 0; // an ended thread had the slot before
  const frame = frameAllocateFixed();
  if (!frame) return L.E_MEMORY;
  memory.fill(frame, 0, L.PAGE_SIZE);
  store<u32>(tb + S.TB_TASKS, <u32>frame + S.FRAME_DIRECTORY);
  waitersAdd(frame, S.FRAME_WAITERS + S.WAITER_SIZE);
  store<u32>(tb + S.TB_DEQUE, <u32>frame + S.FRAME_DEQUE);
  return 0;
}

/**
 * This thread exits by itself (process.exit, an uncaught error): it runs no step any more, so nobody must wait for it. The
 * main thread may be waiting for the GIL at this moment, and would never get to hear of the exit.
 */
export function syncExit(): void {
  if (load<u32>(tb + S.TB_IS_RUNNING) == 1) runningLeave();
  epochDetach();
  if (gilIsMine()) gilDrop();
}

/** Frees the GIL of a dead thread: before anybody who needs the GIL recovers the rest. */
export function syncAbandon(slot: u32): void {
  gilAbandon(slot);
}

/** Recovers what sync has of a dead thread, but for its started tasks. After `threadAdopt`. Number of poisoned locks. */
export function syncRecover(slot: u32): u32 {
  stackProbe();
  const block = threadBlock(slot);
  if (load<u32>(block + S.TB_IS_RUNNING)) {
    store<u32>(block + S.TB_IS_RUNNING, 0);
    atomic.sub<u32>(control() + S.CB_RUNNING, 1);
  }
  atomic.store<u32>(block + S.TB_PARK, 0);
  atomic.and<u64>(control() + S.CB_PARKED, ~((<u64>1) << slot));
  // After the parked bit: whoever would still wake it finds that it is not parked, and ends the search itself.
  if (atomic.xchg<u32>(block + S.TB_IS_SEARCHING, 0)) atomic.sub<u32>(control() + S.CB_SEARCHING, 1);
  atomic.store<u32>(block + S.TB_PENDING, 0);
  atomic.store<u32>(block + S.TB_LOAD, 0);
  queuesRecover(block);
  waitsRecover(block);
  const poisoned = locksPoison(slot);
  cancelsRecover(block);
  return poisoned;
}

/** Its unstarted tasks are for the others. */
function queuesRecover(block: usize): void {
  const picked = load<u32>(block + S.TB_PICKED);
  store<u32>(block + S.TB_PICKED, 0);
  if (picked) injectPush(picked);
  let chain = load<u32>(block + S.TB_CHAIN);
  store<u32>(block + S.TB_CHAIN, 0);
  while (chain) {
    const next = load<u32>(readAddress(chain) + S.TASK_NEXT);
    injectPush(chain);
    chain = next;
  }
  // Its bottom may be one too low (it died while taking): then top is at most one above it.
  const top = atomic.load<u32>(block + S.TB_DEQUE_TOP);
  const bottom = atomic.load<u32>(block + S.TB_DEQUE_BOTTOM);
  for (let n = top; <i32>(bottom - n) > 0; n++) {
    const task = load<u32>(<usize>load<u32>(block + S.TB_DEQUE) + (<usize>(n & (S.DEQUE_SIZE - 1)) << 2));
    if (atomic.cmpxchg<u32>(block + S.TB_DEQUE_TOP, n, n + 1) != n) {
      n = atomic.load<u32>(block + S.TB_DEQUE_TOP) - 1;
      continue;
    }
    injectPush(task);
  }
  atomic.store<u32>(block + S.TB_DEQUE_BOTTOM, atomic.load<u32>(block + S.TB_DEQUE_TOP));
}

/** Nobody waits there any more. Wake-ups for locks that were on their way to it belong to others. */
function waitsRecover(block: usize): void {
  for (let link = <usize>load<u32>(block + S.TB_WAITER_FRAMES); link; link = <usize>load<u32>(link)) {
    const frame = link & ~(<usize>L.PAGE_MASK);
    for (let waiter = link + S.WAITER_SIZE; waiter < frame + L.PAGE_SIZE; waiter += S.WAITER_SIZE) {
      if (!atomic.load<u32>(waiter + S.WAITER_THREAD)) continue;
      const kind = atomic.load<u32>(waiter + S.WAITER_KIND);
      waiterLose(waiter);
      if ((kind & ~S.WAITER_LOST) == S.WAITER_LOCK) {
        const payload = atomic.xchg<u32>(waiter + S.WAITER_PAYLOAD, 0);
        wakePassOn(load<u32>(waiter + S.WAITER_OBJECT), payload);
      }
    }
  }
}

function cancelsRecover(block: usize): void {
  let task = atomic.xchg<u32>(block + S.TB_CANCELS, 0);
  while (task) {
    const next = load<u32>(readAddress(task) + S.TASK_NEXT);
    countDecrement(task);
    task = next;
  }
}

/** A started task of a dead thread fails with `error` (an address). What it had done of ending is not done again. */
export function taskCrash(task: u32, error: u32): void {
  stackProbe();
  const p = writeAddress(task);
  const state = wordLoad(p + S.TASK_STATE) & S.TASK_STATE_MASK;
  if (state < S.TASK_DONE && !load<u32>(p + S.TASK_ERROR)) {
    countIncrement(error);
    store<u32>(p + S.TASK_ERROR, error);
  }
  // A wake-up for a lock may have reached it, and it did not get to try.
  if (load<u32>(p + S.TASK_WAITS) == S.WAIT_LOCK) wakePassOn(load<u32>(p + S.TASK_WAITS_FOR), 0);
  taskFinish(task, state < S.TASK_DONE ? S.TASK_FAILED : state);
}

