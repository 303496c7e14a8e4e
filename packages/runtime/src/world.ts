/** Stopping the world, and the counts that live outside the heap: what the verifier needs. */
import { type Kernel, Layout as L, SyncLayout as S } from "@ungil/kernel";
import { WorldStopError } from "./errors.js";
import type { MainThread } from "./main.js";

const PATIENCE = 5000; // ms
const GONE_LOOK = 20; // ms, between two looks for threads that are no more

/** Does `work` while no other thread touches the heap. */
export function stopWorld<T>(main: MainThread, work: (held: Iterable<number>) => T): T {
  const until = performance.now() + PATIENCE;
  if (!main.heap.takeGil(until)) throw tooLate();
  return main.inStep(() => inBatch(main, until, work));
}

function tooLate(): WorldStopError {
  return new WorldStopError(`a thread has neither yielded nor used a shared object for ${PATIENCE / 1000} s`);
}

/** This thread holds the GIL. */
function inBatch<T>({ kernel, x, heap }: MainThread, until: number, work: (held: Iterable<number>) => T): T {
  // The collector stops it too, for a moment; this thread itself may have, until a snapshot is restored.
  while (!x.worldStop(L.STOP_NOW)) {
    if (x.worldIsMine()) throw new WorldStopError("it is stopped already");
    if (performance.now() > until) throw tooLate();
  }
  try {
    for (let look = performance.now() + GONE_LOOK; !x.worldIsStopped(); ) {
      const now = performance.now();
      if (now > until) throw tooLate();
      if (now < look) continue;
      // One that was killed would never stand still, and its exit is an event, for which nobody waits here.
      for (const slot of heap.goneSlots()) {
        x.journalRecover(slot);
        x.threadIsGone(slot);
      }
      heap.recoverPages();
      look = now + GONE_LOOK;
    }
    return work(heldBySync(kernel));
  } finally {
    x.worldResume();
  }
}

/** Addresses that queues, tables and locks count, each as often as it is counted. */
export function* heldBySync(kernel: Kernel): Generator<number> {
  const word = (at: number) => kernel.u32[at >>> 2] as number;
  const link = (task: number, field: number) => word(kernel.exports.translate(task) + field);
  // The injection ring and its overflow.
  const ring = kernel.control(S.CB_INJECT_RING);
  for (let n = kernel.control(S.CB_INJECT_HEAD); n !== kernel.control(S.CB_INJECT_TAIL); n = (n + 1) >>> 0) {
    yield word(ring + (n & (S.INJECT_SIZE - 1)) * 8 + 4);
  }
  for (let task = kernel.control(S.CB_OVERFLOW); task; task = link(task, S.TASK_NEXT)) yield task;
  for (let slot = 1; slot < kernel.control(L.CB_SLOTS); slot++) {
    const block = kernel.threadBlock(slot);
    const field = (offset: number) => word(block + offset);
    for (let n = field(S.TB_DEQUE_TOP); n !== field(S.TB_DEQUE_BOTTOM); n = (n + 1) >>> 0) {
      yield word(field(S.TB_DEQUE) + (n & (S.DEQUE_SIZE - 1)) * 4);
    }
    for (let task = field(S.TB_CHAIN); task; task = link(task, S.TASK_NEXT)) yield task;
    if (field(S.TB_PICKED)) yield field(S.TB_PICKED);
    for (let task = field(S.TB_CANCELS); task; task = link(task, S.TASK_NEXT)) yield task;
    for (let frame = 0; frame < field(S.TB_TASKS_FRAMES); frame++) {
      const base = word(field(S.TB_TASKS) + 4 * frame);
      for (let n = 0; n < L.PAGE_SIZE; n += 4) if (word(base + n)) yield word(base + n);
    }
    for (let frame = field(S.TB_LOCK_FRAMES); frame; frame = word(frame)) {
      for (let entry = frame + S.HELD_SIZE; entry < frame + L.PAGE_SIZE; entry += S.HELD_SIZE) {
        const holder = word(entry + S.HELD_TASK);
        if (holder !== 0 && holder !== S.HELD_RELEASED) yield word(entry + S.HELD_OBJECT);
      }
    }
  }
}
