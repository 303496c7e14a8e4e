/**
 * The injection queue: tasks from the main thread, and what overflows the threads' own deques. A bounded ring with a
 * sequence number in each cell (Vyukov's bounded MPMC queue); behind it a stack without bound, linked through the tasks.
 *
 *   cell free for position n: sequence == n;   filled at position n: sequence == n + 1
 */
import * as L from "../layout";
import * as S from "../layout/sync";
import { control, tb } from "../machine/registers";
import { readAddress, writeAddress } from "../paging/translate";

// @ts-ignore: decorator
@inline function cellOf(position: u32): usize {
  return <usize>load<u32>(control() + S.CB_INJECT_RING) + (<usize>(position & (S.INJECT_SIZE - 1)) << 3);
}

export function injectInit(frame: usize): void {
  store<u32>(control() + S.CB_INJECT_RING, <u32>frame);
  for (let n: u32 = 0; n < S.INJECT_SIZE; n++) store<u32>(cellOf(n), n);
}

export function injectPush(task: u32): void {
  let position = atomic.load<u32>(control() + S.CB_INJECT_TAIL);
  while (true) {
    const cell = cellOf(position);
    const ahead = <i32>(atomic.load<u32>(cell) - position);
    if (ahead < 0) return overflowPush(task);
    if (ahead > 0) {
      position = atomic.load<u32>(control() + S.CB_INJECT_TAIL);
      continue;
    }
    const old = atomic.cmpxchg<u32>(control() + S.CB_INJECT_TAIL, position, position + 1);
    if (old == position) {
      store<u32>(cell + 4, task);
      atomic.store<u32>(cell, position + 1);
      return;
    }
    position = old;
  }
}

/** Takes the oldest task into TB_PICKED; false if there is none. */
export function injectTake(): bool {
  let position = atomic.load<u32>(control() + S.CB_INJECT_HEAD);
  while (true) {
    const cell = cellOf(position);
    const ahead = <i32>(atomic.load<u32>(cell) - (position + 1));
    if (ahead < 0) return chainTake();
    if (ahead > 0) {
      position = atomic.load<u32>(control() + S.CB_INJECT_HEAD);
      continue;
    }
    const old = atomic.cmpxchg<u32>(control() + S.CB_INJECT_HEAD, position, position + 1);
    if (old == position) {
      store<u32>(tb + S.TB_PICKED, load<u32>(cell + 4));
      atomic.store<u32>(cell, position + S.INJECT_SIZE);
      return true;
    }
    position = old;
  }
}

export function injectIsEmpty(): bool {
  return (
    atomic.load<u32>(control() + S.CB_INJECT_HEAD) == atomic.load<u32>(control() + S.CB_INJECT_TAIL) &&
    !atomic.load<u32>(control() + S.CB_OVERFLOW)
  );
}

function overflowPush(task: u32): void {
  const link = writeAddress(task) + S.TASK_NEXT;
  let head = atomic.load<u32>(control() + S.CB_OVERFLOW);
  while (true) {
    store<u32>(link, head);
    const old = atomic.cmpxchg<u32>(control() + S.CB_OVERFLOW, head, task);
    if (old == head) return;
    head = old;
  }
}

/** The ring is empty: takes the overflow whole (so a task that comes back cannot be mistaken for itself), then one by one. */
function chainTake(): bool {
  let task = load<u32>(tb + S.TB_CHAIN);
  if (!task) {
    if (!atomic.load<u32>(control() + S.CB_OVERFLOW)) return false;
    task = atomic.xchg<u32>(control() + S.CB_OVERFLOW, 0);
    store<u32>(tb + S.TB_CHAIN, task);
    if (!task) return false;
  }
  const next = load<u32>(readAddress(task) + S.TASK_NEXT);
  store<u32>(tb + S.TB_CHAIN, next);
  store<u32>(tb + S.TB_PICKED, task);
  if (next) chainShare();
  return true;
}

/** The rest is for everybody: as much of it as the ring holds. */
function chainShare(): void {
  for (let n: u32 = 0; n < S.INJECT_SIZE / 2; n++) {
    const task = load<u32>(tb + S.TB_CHAIN);
    if (!task) return;
    store<u32>(tb + S.TB_CHAIN, load<u32>(readAddress(task) + S.TASK_NEXT));
    injectPush(task);
  }
}
