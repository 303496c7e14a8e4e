/**
 * WAITERs and inboxes. A WAITER says which coroutine of which thread waits; whoever ends the wait delivers it, the record
 * itself, to that thread's inbox. It is a record in frames of kernel space, not a heap object: no page fault can come
 * between taking it from one list and putting it on the next. Only the thread that waits allocates and frees it.
 *
 *   free -> in a task's list or in the parking lot -> in the inbox -> delivered -> free
 *
 * The inbox is a stack (Treiber 1986) that many push and the owner takes whole, so no record can come back under a
 * pusher's eyes; it is reversed, so messages arrive in order. A wait that was given up (its coroutine was cancelled, its
 * thread died) is marked LOST and travels on; whoever pops a LOST one looks for another.
 */
import * as L from "../layout";
import * as S from "../layout/sync";
import { tb, threadBlock, tid } from "../machine/registers";
import { frameAllocateFixed } from "../paging/frames";
import { unpark } from "./park";

/** A WAITER of this thread, or 0 when memory is out. */
export function waiterAllocate(kind: u32, fiber: u32, object: u32): usize {
  let waiter = <usize>load<u32>(tb + S.TB_WAITERS_FREE);
  if (!waiter) {
    const frame = frameAllocateFixed();
    if (!frame) return 0;
    waitersAdd(frame, S.WAITER_SIZE);
    waiter = <usize>load<u32>(tb + S.TB_WAITERS_FREE);
  }
  store<u32>(tb + S.TB_WAITERS_FREE, load<u32>(waiter + S.WAITER_NEXT));
  store<u32>(waiter + S.WAITER_FIBER, fiber);
  store<u32>(waiter + S.WAITER_OBJECT, object);
  store<u32>(waiter + S.WAITER_PAYLOAD, 0);
  atomic.store<u32>(waiter + S.WAITER_KIND, kind);
  atomic.store<u32>(waiter + S.WAITER_THREAD, tid);
  return waiter;
}

// @ts-ignore: decorator
@inline export function waiterFree(waiter: usize): void {
  atomic.store<u32>(waiter + S.WAITER_THREAD, 0);
  store<u32>(waiter + S.WAITER_NEXT, load<u32>(tb + S.TB_WAITERS_FREE));
  store<u32>(tb + S.TB_WAITERS_FREE, <u32>waiter);
}

/** Makes free records of a frame, from `from` on; its first record links the frames. */
export function waitersAdd(frame: usize, from: u32): void {
  store<u32>(frame + from - S.WAITER_SIZE, load<u32>(tb + S.TB_WAITER_FRAMES));
  store<u32>(tb + S.TB_WAITER_FRAMES, <u32>(frame + from - S.WAITER_SIZE));
  for (let offset = L.PAGE_SIZE - S.WAITER_SIZE; offset >= from; offset -= S.WAITER_SIZE) waiterFree(frame + offset);
}

/** The wait is over for its coroutine in some other way: the record only travels home. */
export function waiterLose(waiter: usize): void {
  atomic.or<u32>(waiter + S.WAITER_KIND, S.WAITER_LOST);
}

// @ts-ignore: decorator
@inline export function waiterIsLost(waiter: usize): bool {
  return (atomic.load<u32>(waiter + S.WAITER_KIND) & S.WAITER_LOST) != 0;
}

/** Hands a WAITER to its thread, and wakes the thread if it is parked. */
export function inboxPush(waiter: usize): void {
  const slot = load<u32>(waiter + S.WAITER_THREAD);
  const block = threadBlock(slot);
  let head = atomic.load<u32>(block + S.TB_INBOX);
  while (true) {
    store<u32>(waiter + S.WAITER_NEXT, head);
    const old = atomic.cmpxchg<u32>(block + S.TB_INBOX, head, <u32>waiter);
    if (old == head) break;
    head = old;
  }
  if (slot != tid) unpark(slot);
}

/** Takes the inbox whole and appends it, oldest first, to what has been taken and not handed out. */
export function inboxCollect(): usize {
  let first = <usize>load<u32>(tb + S.TB_DELIVERED);
  if (first || !atomic.load<u32>(tb + S.TB_INBOX)) return first;
  let waiter = <usize>atomic.xchg<u32>(tb + S.TB_INBOX, 0);
  while (waiter) {
    const next = <usize>load<u32>(waiter + S.WAITER_NEXT);
    store<u32>(waiter + S.WAITER_NEXT, <u32>first);
    first = waiter;
    waiter = next;
  }
  store<u32>(tb + S.TB_DELIVERED, <u32>first);
  return first;
}
