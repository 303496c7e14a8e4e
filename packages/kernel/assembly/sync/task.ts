/**
 * Tasks: started coroutines and those yet to start. A TASK is a heap object: it can be a field or an argument, and anybody
 * who can reach it can wait for it.
 *
 *   CREATED ----start----> RUNNING ----end----> DONE | FAILED | CANCELLED
 *      |  in one queue       |  in its thread's table of started tasks          WAITERS = WAITERS_DONE
 *      +---- a cancelled one is started only to end ----+
 *
 * Counts of a task: one of the queue, then of the table (until it has ended); one of its parent's list of children; one of
 * a stack of tasks to be cancelled; and whoever has stored a reference.
 * The state word holds the flags too, so starting and cancelling cannot miss each other.
 *
 * What the scheduler calls (start, yield, end, the inbox) has the whole stack to itself; what coroutines call, from any
 * depth, probes the stack first.
 */
import * as L from "../layout";
import * as S from "../layout/sync";
import { GIL } from "../machine/build";
import { control, count, tb, threadBlock, tid } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { wordCas, wordLoad } from "../machine/word";
import { frameAllocateFixed } from "../paging/frames";
import { readAddress, writeAddress } from "../paging/translate";
import { countDecrement, countIncrement } from "../heap/count";
import { borrow, pinsRelease, pinsWereLost, youngDrop } from "../heap/handle";
import { objectAllocate, objectFree } from "../heap/object";
import { enter, safepoint, youngSettle } from "../heap/safepoint";
import { box, valueOut, valueRelease, valueRetain } from "../containers/value";
import { runYield } from "./run";
import { dequePush, dequeStealHalf, dequeTake } from "./deque";
import { injectPush, injectTake } from "./inject";
import { inboxPush, waiterAllocate, waiterFree } from "./waiter";
import { stateChange, stateOf } from "./state";
import { searchBegin, searchEnd, tasksAreWaiting, wakeOne } from "./park";

/**
 * A new task in a queue, borrowed by the caller; or an error code. Its arguments are `values` boxed values in scratch.
 * `parent`: the task that owns it, 0 for none. `flags`: TASK_SPREAD.
 */
export function taskCreate(coroutine: u32, values: u32, parent: u32, flags: u32): u32 {
  enter();
  stackProbe();
  const scratch = tb + L.TB_SCRATCH;
  const pp = parent ? writeAddress(parent) : 0;
  if (parent && !pp) return load<u32>(tb + L.TB_FAULT_CODE);
  let args: u32 = 0;
  if (values) {
    args = objectAllocate(L.TYPE_VALUES, L.VALUES_DATA + (values << 3));
    if (args < L.ERROR_LIMIT) return args;
  }
  const task = objectAllocate(L.TYPE_TASK, S.TASK_SIZE);
  if (task < L.ERROR_LIMIT || !borrow(task)) {
    if (args) objectFree(args);
    if (task >= L.ERROR_LIMIT) objectFree(task);
    return L.E_MEMORY;
  }
  if (args) {
    const pa = writeAddress(args);
    store<u32>(pa + L.VALUES_CAPACITY, values);
    for (let n: u32 = 0; n < values; n++) {
      const value = load<u64>(scratch + (<usize>n << 3));
      valueRetain(value);
      store<u64>(pa + L.VALUES_DATA + (<usize>n << 3), value);
    }
  }
  const p = writeAddress(task);
  store<u32>(p + S.TASK_STATE, S.TASK_CREATED | flags | (parent ? S.TASK_OWNED : 0));
  store<u32>(p + S.TASK_COROUTINE, coroutine);
  store<u32>(p + S.TASK_ARGS, args);
  store<u64>(p + S.TASK_RESULT, (<u64>L.BOX_UNDEFINED) << 48);
  store<u32>(p + S.TASK_SERIAL, atomic.add<u32>(control() + S.CB_TASK_SERIAL, 1) + 1);
  if (pp) {
    countIncrement(task);
    store<u32>(p + S.TASK_SIBLING, load<u32>(pp + S.TASK_CHILDREN));
    store<u32>(pp + S.TASK_CHILDREN, task);
  }
  count(S.COUNTER_CREATED);
  enqueue(task);
  return task;
}

function enqueue(task: u32): void {
  if (tid == 1 || !dequePush(task)) injectPush(task);
  wakeOne();
}

/** A task to start, in TB_PICKED too until `taskStart`; 0 if there is none. `fair`: look into the injection queue first. */
export function taskNext(fair: u32): u32 {
  if (fair && injectTake()) return picked();
  if (dequeTake()) return picked();
  if (injectTake()) return picked();
  return 0;
}

// @ts-ignore: decorator
@inline function picked(): u32 {
  return load<u32>(tb + S.TB_PICKED);
}

/** Nothing of its own to do: looks into the other threads' queues, from a random one on, unless half of all do so already. */
export function taskSteal(): u32 {
  if (!searchBegin()) return 0;
  const found = stealFromAny();
  const last = searchEnd();
  if (!found) return 0;
  if (last && tasksAreWaiting()) wakeOne();
  return picked();
}

function stealFromAny(): bool {
  const slots = load<u32>(control() + L.CB_SLOTS);
  const others = slots - 2;
  let seed = load<u32>(tb + S.TB_SEED);
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  store<u32>(tb + S.TB_SEED, seed);
  for (let n: u32 = 0; n < others; n++) {
    const slot = 2 + ((seed + n) % others);
    if (slot == tid || !load<u32>(threadBlock(slot) + S.TB_DEQUE)) continue;
    const stolen = dequeStealHalf(slot);
    if (stolen) {
      count(S.COUNTER_STEALS, stolen);
      return true;
    }
  }
  return injectTake();
}

/** Address of this thread's entry for a started task, or 0 when memory is out. */
function tableEntry(fiber: u32): usize {
  const frame = fiber >>> S.TASKS_SHIFT;
  if (frame >= S.DIRECTORY_MAX) return 0;
  const directory = <usize>load<u32>(tb + S.TB_TASKS);
  while (load<u32>(tb + S.TB_TASKS_FRAMES) <= frame) {
    const added = frameAllocateFixed();
    if (!added) return 0;
    memory.fill(added, 0, L.PAGE_SIZE);
    const frames = load<u32>(tb + S.TB_TASKS_FRAMES);
    store<u32>(directory + (<usize>frames << 2), <u32>added);
    store<u32>(tb + S.TB_TASKS_FRAMES, frames + 1);
  }
  const index = fiber & ((1 << S.TASKS_SHIFT) - 1);
  return <usize>load<u32>(directory + (<usize>frame << 2)) + (<usize>index << 2);
}

/**
 * Starts the picked task as coroutine `fiber` of this thread. Its arguments go to scratch: boxed values, then (at 512) the
 * type of each reference; they stay counted by the task. Returns their number, or -1 if the task is cancelled (it is in
 * the table all the same, to be ended), or -1 - code for an error (it is still picked).
 * The coroutine's id is in OUT_REF, the flags in OUT_A.
 */
export function taskStart(task: u32, fiber: u32): i32 {
  const p = writeAddress(task);
  if (!p) return -1 - <i32>load<u32>(tb + L.TB_FAULT_CODE);
  const entry = tableEntry(fiber);
  if (!entry) return -1 - <i32>L.E_MEMORY;
  store<u32>(p + S.TASK_OWNER, tid);
  store<u32>(p + S.TASK_SLOT, fiber);
  store<u32>(entry, task);
  store<u32>(tb + S.TB_PICKED, 0);
  const state = stateChange(p, S.TASK_STATE_MASK, S.TASK_RUNNING);
  count(S.COUNTER_STARTED);
  // It was woken to search, and has found something.
  if (load<u32>(tb + S.TB_IS_SEARCHING) && searchEnd() && tasksAreWaiting()) wakeOne();
  store<u32>(tb + L.TB_OUT_REF, load<u32>(p + S.TASK_COROUTINE));
  store<u32>(tb + L.TB_OUT_A, state);
  if (state & S.TASK_CANCEL) return -1;
  const args = load<u32>(p + S.TASK_ARGS);
  return args ? argumentsOut(args) : 0;
}

/** The arguments once more, as `taskStart` wrote them. */
export function taskArguments(task: u32): i32 {
  const args = load<u32>(readAddress(task) + S.TASK_ARGS);
  return args ? argumentsOut(args) : 0;
}

function argumentsOut(args: u32): i32 {
  const pa = readAddress(args);
  const scratch = tb + L.TB_SCRATCH;
  const values = load<u32>(pa + L.VALUES_CAPACITY);
  for (let n: u32 = 0; n < values; n++) {
    const value = load<u64>(pa + L.VALUES_DATA + (<usize>n << 3));
    store<u64>(scratch + (<usize>n << 3), value);
    if (value >>> 48 != L.BOX_REF) continue;
    store<u32>(scratch + 512 + (<usize>n << 2), load<u32>(readAddress(<u32>value)) & L.TYPE_MASK);
  }
  return <i32>values;
}

/** The picked task could not be started for lack of memory: back into the queue with it. */
export function taskRequeue(): void {
  const task = picked();
  store<u32>(tb + S.TB_PICKED, 0);
  if (task) injectPush(task);
}

/**
 * The step of a coroutine is over and it goes on later: pins, passes a safepoint, honours a drop request. 0 or E_MEMORY: then
 * nothing was done, or with `drop` all but the pinning, and its handles are gone. E_SWAP: one of its handles is.
 */
export function taskYield(drop: u32): u32 {
  const status = youngSettle(drop != 0);
  if (status && !drop) return status;
  count(S.COUNTER_STEPS);
  safepoint();
  if (load<u32>(tb + S.TB_IS_SEARCHING) && searchEnd() && tasksAreWaiting()) wakeOne();
  if (GIL && atomic.load<u32>(tb + L.TB_REQUEST) & L.REQUEST_GIL_DROP) runYield();
  return status ? status : pinsWereLost() ? L.E_SWAP : 0;
}

/**
 * The coroutine has ended: result or error (`error`, an address) is kept, everybody who waits is told, its handles and
 * arguments are given back. Its result is counted before its handles are dropped.
 */
export function taskEnd(task: u32, state: u32, tag: i32, ref: u32, number: f64, error: u32): void {
  count(S.COUNTER_STEPS);
  const p = writeAddress(task);
  const value = box(tag, ref, number);
  valueRetain(value);
  store<u64>(p + S.TASK_RESULT, value);
  if (error) countIncrement(error);
  store<u32>(p + S.TASK_ERROR, error);
  taskFinish(task, state);
  store<u32>(tb + L.TB_TASK, 0);
  youngDrop();
  safepoint();
  if (GIL && atomic.load<u32>(tb + L.TB_REQUEST) & L.REQUEST_GIL_DROP) runYield();
}

/** The part of ending that anybody can do, once: also for a thread that died. */
export function taskFinish(task: u32, state: u32): void {
  const p = writeAddress(task);
  stateChange(p, S.TASK_STATE_MASK, state);
  store<u32>(p + S.TASK_WAITS, S.WAIT_NONE);
  count(S.COUNTER_ENDED);
  // One by one, so that none is lost if this thread dies here: the table still has the task.
  while (true) {
    const waiter = <usize>wordLoad(p + S.TASK_WAITERS);
    if (waiter == S.WAITERS_DONE) break;
    const next = waiter ? load<u32>(waiter + S.WAITER_NEXT) : 0;
    if (wordCas(p + S.TASK_WAITERS, <u32>waiter, next ? next : S.WAITERS_DONE) != <u32>waiter) continue;
    if (waiter) inboxPush(waiter);
    if (!next) break;
  }
  argumentsRelease(p);
  pinsRelease(p + L.TASK_PINS);
  const block = threadBlock(load<u32>(p + S.TASK_OWNER));
  const fiber = load<u32>(p + S.TASK_SLOT);
  const frame = load<u32>(<usize>load<u32>(block + S.TB_TASKS) + ((fiber >>> S.TASKS_SHIFT) << 2));
  store<u32>(<usize>frame + ((fiber & ((1 << S.TASKS_SHIFT) - 1)) << 2), 0);
  countDecrement(task);
}

function argumentsRelease(p: usize): void {
  const args = load<u32>(p + S.TASK_ARGS);
  if (!args) return;
  store<u32>(p + S.TASK_ARGS, 0);
  const pa = writeAddress(args);
  const values = load<u32>(pa + L.VALUES_CAPACITY);
  for (let n: u32 = 0; n < values; n++) valueRelease(load<u64>(pa + L.VALUES_DATA + (<usize>n << 3)));
  objectFree(args); // nobody but the task has ever seen it
}

/**
 * Waits for a task: 0 if it registered `fiber` (the WAITER is in OUT_A). Otherwise it has ended: 16 + tag for its result
 * (as `valueOut`), 1 failed or 2 cancelled (the error in OUT_REF, 0 if there is none). Negative: an error code.
 */
export function taskJoin(task: u32, fiber: u32): i32 {
  enter();
  stackProbe();
  const p = writeAddress(task);
  if (!p) return -<i32>load<u32>(tb + L.TB_FAULT_CODE);
  stateChange(p, 0, S.TASK_OBSERVED);
  const status = waiterPush(p, task, fiber);
  if (status > 0) return outcome(p);
  if (status == 0) waitsFor(S.WAIT_TASK, task);
  return status;
}

/** Puts a WAITER for `fiber` on the list of a task: 0 (the WAITER is in OUT_A), 1 if the task has ended, or -E_MEMORY. */
function waiterPush(p: usize, task: u32, fiber: u32): i32 {
  let head = wordLoad(p + S.TASK_WAITERS);
  if (head == S.WAITERS_DONE) return 1;
  const waiter = waiterAllocate(S.WAITER_TASK, fiber, task);
  if (!waiter) return -<i32>L.E_MEMORY;
  while (head != S.WAITERS_DONE) {
    store<u32>(waiter + S.WAITER_NEXT, head);
    const old = wordCas(p + S.TASK_WAITERS, head, <u32>waiter);
    if (old == head) {
      store<u32>(tb + L.TB_OUT_A, <u32>waiter);
      return 0;
    }
    head = old;
  }
  waiterFree(waiter);
  return 1;
}

/** A parent that has ended waits until its child has too: it does not ask how. As `waiterPush`. */
export function childJoin(child: u32, fiber: u32): i32 {
  stackProbe();
  const status = waiterPush(writeAddress(child), child, fiber);
  if (status == 0) waitsFor(S.WAIT_CHILDREN, child);
  return status;
}

/** As `taskJoin` of a task that has ended; 0 if it has not. */
export function taskOutcome(task: u32): i32 {
  const p = writeAddress(task);
  if (!p) return -<i32>load<u32>(tb + L.TB_FAULT_CODE);
  // The state, not WAITERS: the first of several waiters may ask before the last one has been told.
  return (stateOf(p) & S.TASK_STATE_MASK) >= S.TASK_DONE ? outcome(p) : 0;
}

function outcome(p: usize): i32 {
  const state = stateChange(p, 0, S.TASK_OBSERVED) & S.TASK_STATE_MASK;
  if (state == S.TASK_DONE) {
    const tag = valueOut(load<u64>(p + S.TASK_RESULT));
    return tag < 0 ? tag : 16 + tag;
  }
  const error = load<u32>(p + S.TASK_ERROR);
  if (error && !borrow(error)) return -<i32>L.E_MEMORY;
  store<u32>(tb + L.TB_OUT_REF, error);
  return state == S.TASK_CANCELLED ? 2 : 1;
}

/** Notes, for messages, what the running coroutine waits for. */
export function waitsFor(kind: u32, object: u32): void {
  const task = load<u32>(tb + L.TB_TASK);
  if (!task) return;
  const p = writeAddress(task);
  store<u32>(p + S.TASK_WAITS_FOR, object);
  store<u32>(p + S.TASK_WAITS, kind);
}

/** Keeps an object for ever: the name of a coroutine, which tasks refer to without counting it. */
export function objectImmortalize(va: u32): void {
  const p = writeAddress(va);
  let word = wordLoad(p + L.OBJECT_COUNT);
  while (word < L.COUNT_IMMORTAL) {
    const old = wordCas(p + L.OBJECT_COUNT, word, (word & L.COUNT_FLAGS & ~L.COUNT_NEWBORN) | L.COUNT_IMMORTAL);
    if (old == word) return;
    word = old;
  }
}

/** Somebody knows how it ended, or that it failed. */
export function taskObserve(task: u32): void {
  const p = writeAddress(task);
  if (p) stateChange(p, 0, S.TASK_OBSERVED);
}

/** For messages: the state word; coroutine in OUT_REF, what it waits for in OUT_A (kind) and OUT_B, its number in OUT_TYPE. */
export function taskInspect(task: u32): u32 {
  const p = readAddress(task);
  if (!p) return 0;
  store<u32>(tb + L.TB_OUT_REF, load<u32>(p + S.TASK_COROUTINE));
  store<u32>(tb + L.TB_OUT_A, load<u32>(p + S.TASK_WAITS));
  store<u32>(tb + L.TB_OUT_B, load<u32>(p + S.TASK_WAITS_FOR));
  store<u32>(tb + L.TB_OUT_TYPE, load<u32>(p + S.TASK_SERIAL));
  return stateOf(p);
}

/** The next started task of a thread, from entry `from` on: its entry + 1, 0 if there is none; the task in OUT_REF. */
export function taskScan(slot: u32, from: u32): u32 {
  const block = threadBlock(slot);
  const directory = <usize>load<u32>(block + S.TB_TASKS);
  const entries = load<u32>(block + S.TB_TASKS_FRAMES) << S.TASKS_SHIFT;
  for (let n = from; n < entries; n++) {
    const frame = <usize>load<u32>(directory + ((n >>> S.TASKS_SHIFT) << 2));
    const task = load<u32>(frame + ((n & ((1 << S.TASKS_SHIFT) - 1)) << 2));
    if (!task) continue;
    store<u32>(tb + L.TB_OUT_REF, task);
    return n + 1;
  }
  return 0;
}
