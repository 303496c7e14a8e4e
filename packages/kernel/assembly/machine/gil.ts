/**
 * The global interpreter lock, CPython's (Python/ceval_gil.c): an owner word, a timed wait of the switch interval, a drop
 * request, forced switching. In the free build all of it is nothing.
 *
 *   take   owner 0 -> me by CAS; else wait. Once the GIL has not changed hands for the switch interval, ask its holder to
 *          drop it (REQUEST_GIL_DROP in the holder's request word). A holder that gives it up and has it back before the
 *          one that it woke is there does not begin a new interval: it would get more than its share.
 *   drop   owner -> 0, wake one waiter. If it was asked for, stay away until somebody else has had it: otherwise the old
 *          holder, which runs already, would nearly always win against a thread that has yet to wake up.
 *
 * JavaScript cannot be pre-empted: the request is honoured at yields (everything is pinned: the wait is a detached one)
 * and at kernel entry (in the middle of a step: others may stop the world meanwhile, but not reclaim what the step has
 * read). A thread that dies in a wait is only missed in CB_GIL_WAITERS, a hint; one that dies as the owner is released by
 * whoever recovers it.
 */
import * as L from "../layout";
import * as S from "../layout/sync";
import { GIL } from "./build";
import { now } from "./clock";
import { futexWait, futexWake } from "./futex";
import { control, count, tb, threadBlock, tid } from "./registers";

// @ts-ignore: decorator
@inline function owner(): usize {
  return control() + S.CB_GIL_OWNER;
}

// @ts-ignore: decorator
@inline export function gilIsMine(): bool {
  return GIL && atomic.load<u32>(owner()) == tid;
}

export function gilTake(): void {
  if (!GIL || atomic.load<u32>(owner()) == tid) return; // by gilTakeWithin
  if (atomic.cmpxchg<u32>(owner(), 0, tid) != 0) gilWait();
  gilTaken();
}

/** Takes the GIL if it can be had soon: 1 if it is ours now (and stays so until the next batch ends). */
export function gilTakeWithin(microseconds: u32): u32 {
  if (!GIL || atomic.load<u32>(owner()) == tid) return 1;
  if (atomic.cmpxchg<u32>(owner(), 0, tid) != 0) {
    const holder = atomic.load<u32>(owner());
    if (holder) {
      atomic.or<u32>(threadBlock(holder) + L.TB_REQUEST, L.REQUEST_GIL_DROP);
      atomic.add<u32>(control() + S.CB_GIL_WAITERS, 1);
      futexWait(owner(), holder, <f64>microseconds / 1000);
      atomic.sub<u32>(control() + S.CB_GIL_WAITERS, 1);
    }
    if (atomic.cmpxchg<u32>(owner(), 0, tid) != 0) return 0;
  }
  gilTaken();
  return 1;
}

function gilTaken(): void {
  if (atomic.load<u32>(control() + S.CB_GIL_LAST) != tid) {
    atomic.store<u32>(control() + S.CB_GIL_LAST, tid);
    atomic.add<u32>(control() + S.CB_GIL_SWITCH, 1);
    futexWake(control() + S.CB_GIL_SWITCH, -1);
  }
  atomic.and<u32>(tb + L.TB_REQUEST, ~L.REQUEST_GIL_DROP);
  store<f64>(tb + S.TB_GIL_SINCE, now());
  count(S.COUNTER_GIL_TAKES);
}

function gilWait(): void {
  const since = now();
  const own = load<u32>(tb + S.TB_GIL_PATIENCE);
  const interval = <f64>(own ? own : load<u32>(control() + S.CB_GIL_INTERVAL)) / 1000;
  atomic.add<u32>(control() + S.CB_GIL_WAITERS, 1);
  let switches = atomic.load<u32>(control() + S.CB_GIL_SWITCH);
  let waiting = since; // for the GIL to change hands
  while (true) {
    const holder = atomic.load<u32>(owner());
    if (holder == 0) {
      if (atomic.cmpxchg<u32>(owner(), 0, tid) == 0) break;
      continue;
    }
    const current = atomic.load<u32>(control() + S.CB_GIL_SWITCH);
    if (current != switches) waiting = now();
    switches = current;
    const left = interval - (now() - waiting);
    if (left <= 0) atomic.or<u32>(threadBlock(holder) + L.TB_REQUEST, L.REQUEST_GIL_DROP);
    futexWait(owner(), holder, left > 0 ? left : interval);
  }
  atomic.sub<u32>(control() + S.CB_GIL_WAITERS, 1);
  count(S.COUNTER_GIL_WAIT, <i64>((now() - since) * 1000));
}

export function gilDrop(): void {
  if (!GIL) return;
  count(S.COUNTER_GIL_HOLD, <i64>((now() - load<f64>(tb + S.TB_GIL_SINCE)) * 1000));
  const switches = atomic.load<u32>(control() + S.CB_GIL_SWITCH);
  const forced = atomic.load<u32>(tb + L.TB_REQUEST) & L.REQUEST_GIL_DROP;
  atomic.store<u32>(owner(), 0);
  if (!atomic.load<u32>(control() + S.CB_GIL_WAITERS)) return;
  futexWake(owner(), 1);
  if (!forced) return;
  count(S.COUNTER_GIL_FORCED);
  // Bounded: whoever asked may have died meanwhile.
  const interval = <f64>load<u32>(control() + S.CB_GIL_INTERVAL) / 1000;
  if (atomic.load<u32>(control() + S.CB_GIL_SWITCH) == switches) futexWait(control() + S.CB_GIL_SWITCH, switches, interval);
}

/** Leaves and enters the count of threads inside a batch of steps: 1 at most while there is a GIL. */
export function runningEnter(): void {
  const running = atomic.add<u32>(control() + S.CB_RUNNING, 1) + 1;
  store<u32>(tb + S.TB_IS_RUNNING, 1);
  let most = atomic.load<u32>(control() + S.CB_RUNNING_MAX);
  while (running > most) {
    const old = atomic.cmpxchg<u32>(control() + S.CB_RUNNING_MAX, most, running);
    if (old == most) return;
    most = old;
  }
}

export function runningLeave(): void {
  store<u32>(tb + S.TB_IS_RUNNING, 0);
  atomic.sub<u32>(control() + S.CB_RUNNING, 1);
}

/**
 * Honours a drop request in the middle of a step. While it waits this thread counts as stopped (it translates and writes
 * nothing), but it has not acknowledged H: what the step has read stays.
 */
export function gilHonour(): void {
  if (!GIL) return;
  if (!(atomic.load<u32>(tb + L.TB_REQUEST) & L.REQUEST_GIL_DROP)) return;
  if (atomic.load<u32>(owner()) != tid) {
    atomic.and<u32>(tb + L.TB_REQUEST, ~L.REQUEST_GIL_DROP);
    return;
  }
  const state = atomic.load<u32>(tb + L.TB_STATE);
  if (state == L.THREAD_ATTACHED) atomic.store<u32>(tb + L.TB_STATE, L.THREAD_WAITING);
  gilPause();
  gilResume();
  // Whoever stops the world now holds the GIL until it goes on, or waits for the end of this step.
  atomic.store<u32>(tb + L.TB_STATE, state);
}

/** Gives the GIL up in the middle of a run. The thread's state says what others may do meanwhile. */
export function gilPause(): void {
  if (load<u32>(tb + S.TB_IS_RUNNING)) {
    runningLeave();
    store<u32>(tb + S.TB_IS_RUNNING, S.RUNNING_PAUSED);
  }
  gilDrop();
}

export function gilResume(): void {
  gilTake();
  if (load<u32>(tb + S.TB_IS_RUNNING) == S.RUNNING_PAUSED) runningEnter();
}

/** The thread of `slot` is dead: if it held the GIL, nobody does. */
export function gilAbandon(slot: u32): void {
  if (!GIL) return;
  if (atomic.cmpxchg<u32>(owner(), slot, 0) == slot) futexWake(owner(), -1);
}
