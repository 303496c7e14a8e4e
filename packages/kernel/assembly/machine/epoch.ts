/**
 * H, the handle epoch: "I hold no uncounted address read before this epoch" (PROTOCOLS section 1).
 *
 * The global epoch G advances only when every attached thread has acknowledged the current one; a detached thread holds
 * nothing. Freed memory whose tag is 2 epochs old is therefore out of everybody's reach (Fraser 2004, epoch-based
 * reclamation). Acknowledging comes after pinning what is to be kept, never before.
 */
import * as L from "../layout";
import { futexWait } from "./futex";
import { gilIsMine, gilPause, gilResume } from "./gil";
import { control, tb, threadBlock } from "./registers";

const STOP_SPIN: u32 = 20_000; // loads: some 20 microseconds

export function epochAcknowledge(): void {
  atomic.store<u32>(tb + L.TB_EPOCH, atomic.load<u32>(control() + L.CB_EPOCH));
}

/** Advances G if all attached threads have acknowledged it. O(threads). */
export function epochAdvance(): bool {
  const epoch = atomic.load<u32>(control() + L.CB_EPOCH);
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 1; slot < slots; slot++) {
    const block = threadBlock(slot);
    const state = atomic.load<u32>(block + L.TB_STATE);
    if (!isAttached(state)) continue;
    if (atomic.load<u32>(block + L.TB_EPOCH) != epoch) return false;
  }
  return atomic.cmpxchg<u32>(control() + L.CB_EPOCH, epoch, epoch + 1) == epoch;
}

/** Whether a thread in this state has addresses or translations that others must wait for. */
// @ts-ignore: decorator
@inline export function isAttached(state: u32): bool {
  return state == L.THREAD_ATTACHED || state == L.THREAD_STOPPED || state == L.THREAD_WAITING;
}

/** Becomes a thread that others must wait for. ATTACHED is stored before the epoch is read, so G cannot run ahead of it. */
export function epochAttach(): void {
  atomic.store<u32>(tb + L.TB_STATE, L.THREAD_ATTACHED);
  while (atomic.load<u32>(control() + L.CB_STOP)) waitWhileStopped();
  epochAcknowledge();
}

/** Holds no address, no translation: nobody waits for it. */
export function epochDetach(): void {
  atomic.store<u32>(tb + L.TB_STATE, L.THREAD_DETACHED);
}

/**
 * Stands still while the world is stopped, at a yield. Either the stopper sees STOPPED, or we see that it asks no more. A
 * thread that waits for the GIL in the middle of its step may have to finish that step first, so it must be able to.
 */
export function waitWhileStopped(): void {
  atomic.store<u32>(tb + L.TB_STATE, L.THREAD_STOPPED);
  const holdsGil = gilIsMine();
  if (holdsGil) gilPause();
  while (atomic.load<u32>(control() + L.CB_STOP)) stopAwait();
  if (holdsGil) gilResume();
  atomic.store<u32>(tb + L.TB_STATE, L.THREAD_ATTACHED);
}

/** The same in the middle of a step: only if the world is to stop now. */
export function waitInStep(): void {
  atomic.store<u32>(tb + L.TB_STATE, L.THREAD_WAITING);
  while (atomic.load<u32>(control() + L.CB_STOP) == L.STOP_NOW) stopAwait();
  atomic.store<u32>(tb + L.TB_STATE, L.THREAD_ATTACHED);
}

/** Detaches in the middle of a step: all that is young is pinned. Others may judge garbage meanwhile, but not divide the step. */
export function stepDetach(): void {
  atomic.store<u32>(tb + L.TB_STATE, L.THREAD_PINNED);
  stepHeldGil = gilIsMine();
  if (stepHeldGil) gilPause();
}

let stepHeldGil: bool = false;

/** Goes on, unless the world is to stand still in the middle of steps. Whatever was translated before may be stale. */
export function stepAttach(): void {
  while (standsStillInStep()) stopAwait();
  if (stepHeldGil) gilResume();
  while (true) {
    atomic.store<u32>(tb + L.TB_STATE, L.THREAD_ATTACHED);
    if (!standsStillInStep()) break;
    atomic.store<u32>(tb + L.TB_STATE, L.THREAD_PINNED);
    stopAwait();
  }
  epochAcknowledge();
}

function standsStillInStep(): bool {
  const stop = atomic.load<u32>(control() + L.CB_STOP);
  return stop == L.STOP_NOW || stop == L.STOP_PINNED;
}

/** A cut is over in microseconds, a wake-up takes a hundred: it spins first. */
function stopAwait(): void {
  const stop = atomic.load<u32>(control() + L.CB_STOP);
  for (let n: u32 = 0; n < STOP_SPIN && atomic.load<u32>(control() + L.CB_STOP) == stop; n++) {}
  if (stop) futexWait(control() + L.CB_STOP, stop, 50);
}
