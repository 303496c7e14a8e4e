/**
 * H, the handle epoch: "I hold no uncounted address read before this epoch" (PROTOCOLS section 1).
 *
 * The global epoch G advances only when every attached thread has acknowledged the current one; a detached thread holds
 * nothing. Freed memory whose tag is 2 epochs old is therefore out of everybody's reach (Fraser 2004, epoch-based
 * reclamation). Acknowledging comes after pinning what is to be kept, never before.
 */
import * as L from "../layout";
import { futexWait } from "./futex";
import { control, tb, threadBlock } from "./registers";

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
    if (state != L.THREAD_ATTACHED && state != L.THREAD_STOPPED) continue;
    if (atomic.load<u32>(block + L.TB_EPOCH) != epoch) return false;
  }
  return atomic.cmpxchg<u32>(control() + L.CB_EPOCH, epoch, epoch + 1) == epoch;
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

/** Stands still while the world is stopped. Either the stopper sees STOPPED, or we see that it asks no more. */
export function waitWhileStopped(): void {
  atomic.store<u32>(tb + L.TB_STATE, L.THREAD_STOPPED);
  while (atomic.load<u32>(control() + L.CB_STOP)) futexWait(control() + L.CB_STOP, 1, 50);
  atomic.store<u32>(tb + L.TB_STATE, L.THREAD_ATTACHED);
}
