/**
 * The lists that a thread has of its pages: a *bin* a size class, of those that may have free blocks, and the UNFULL stack.
 *
 * A page without free blocks is unlisted: FULL 0 -> 1. Whoever then frees a block from elsewhere announces the page to its
 * owner, FULL 1 -> 2, and pushes it on the owner's UNFULL stack; the owner lists it again, FULL 2 -> 0. The owner looks at
 * THREAD_FREE once more after setting FULL, so one of the two always sees the other. A page goes back to its arena only
 * when FULL is 0, so a page on an UNFULL stack keeps its owner.
 */
import * as L from "../layout";
import { tb, threadBlock, tid } from "../machine/registers";

/** Announces a page to its owner. The owner may change only by adoption, which passes strangers' pages on. */
export function unfullPush(descriptor: usize): void {
  const stack = threadBlock(load<u32>(descriptor + L.PD_OWNER)) + L.TB_UNFULL;
  let head = atomic.load<u32>(stack);
  while (true) {
    store<u32>(descriptor + L.PD_UNFULL_NEXT, head);
    const old = atomic.cmpxchg<u32>(stack, head, <u32>descriptor);
    if (old == head) return;
    head = old;
  }
}

/** Lists the pages again that others have announced. */
export function unfullCollect(): void {
  if (!atomic.load<u32>(tb + L.TB_UNFULL)) return;
  let descriptor = <usize>atomic.xchg<u32>(tb + L.TB_UNFULL, 0);
  while (descriptor) {
    const next = <usize>load<u32>(descriptor + L.PD_UNFULL_NEXT);
    if (load<u32>(descriptor + L.PD_OWNER) == tid) {
      binPush(binOf(descriptor), descriptor);
      atomic.store<u32>(descriptor + L.PD_FULL, 0);
    } else {
      unfullPush(descriptor);
    }
    descriptor = next;
  }
}

/** The same for the thread of `block`, which stands still. */
export function unfullSettle(block: usize): void {
  let descriptor = <usize>atomic.xchg<u32>(block + L.TB_UNFULL, 0);
  while (descriptor) {
    const next = <usize>load<u32>(descriptor + L.PD_UNFULL_NEXT);
    binPush(binIn(descriptor), descriptor);
    atomic.store<u32>(descriptor + L.PD_FULL, 0);
    descriptor = next;
  }
}

// @ts-ignore: decorator
@inline export function binOf(descriptor: usize): usize {
  return tb + L.TB_BINS + (<usize>load<u32>(descriptor + L.PD_CLASS) << 2);
}

/** The bin of a page, whoever owns it. */
export function binIn(descriptor: usize): usize {
  return threadBlock(load<u32>(descriptor + L.PD_OWNER)) + L.TB_BINS + (<usize>load<u32>(descriptor + L.PD_CLASS) << 2);
}

export function binPush(bin: usize, descriptor: usize): void {
  const first = load<u32>(bin);
  store<u32>(descriptor + L.PD_PREVIOUS, 0);
  store<u32>(descriptor + L.PD_NEXT, first);
  if (first) store<u32>(<usize>first + L.PD_PREVIOUS, <u32>descriptor);
  store<u32>(bin, <u32>descriptor);
}

export function binRemove(bin: usize, descriptor: usize): void {
  const next = load<u32>(descriptor + L.PD_NEXT);
  const previous = load<u32>(descriptor + L.PD_PREVIOUS);
  if (next) store<u32>(<usize>next + L.PD_PREVIOUS, previous);
  if (previous) store<u32>(<usize>previous + L.PD_NEXT, next);
  else store<u32>(bin, next);
}

export function binMoveToFront(bin: usize, descriptor: usize): void {
  if (<usize>load<u32>(bin) == descriptor) return;
  binRemove(bin, descriptor);
  binPush(bin, descriptor);
}

export function pageMarkFull(bin: usize, descriptor: usize): void {
  binRemove(bin, descriptor);
  atomic.store<u32>(descriptor + L.PD_FULL, 1);
  if (!atomic.load<u32>(descriptor + L.PD_THREAD_FREE)) return;
  if (atomic.cmpxchg<u32>(descriptor + L.PD_FULL, 1, 0) == 1) {
    // A block came back meanwhile: behind the pages that are being searched, it is found next time.
    const first = load<u32>(bin);
    if (!first) binPush(bin, descriptor);
    else {
      const second = load<u32>(<usize>first + L.PD_NEXT);
      store<u32>(descriptor + L.PD_PREVIOUS, first);
      store<u32>(descriptor + L.PD_NEXT, second);
      if (second) store<u32>(<usize>second + L.PD_PREVIOUS, <u32>descriptor);
      store<u32>(<usize>first + L.PD_NEXT, <u32>descriptor);
    }
  }
}
