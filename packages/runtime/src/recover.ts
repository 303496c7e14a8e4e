/**
 * After the exit of a thread (never before: nothing of it runs any more): the GIL, its kernel locks, heap, queue, waits and
 * locks are recovered, its coroutines fail, and their children are asked to end.
 */
import { RuntimeClosedError } from "@ungil/heap";
import { Layout as L, OutOfMemoryError, StorageError } from "@ungil/kernel";
import { WorkerCrashedError } from "./errors.js";
import { failureIn } from "./failure.js";
import type { MainThread } from "./main.js";

/** Nothing; or why what the thread leaves cannot be taken over: the runtime is closing, the disk has failed, memory is out. */
export function recover(main: MainThread, slot: number, exitCode: number, cause: unknown): Error | undefined {
  try {
    takeOver(main, slot, exitCode, cause);
  } catch (late) {
    const isKnown =
      late instanceof RuntimeClosedError || late instanceof StorageError || late instanceof OutOfMemoryError;
    if (isKnown) return late;
    throw late;
  }
}

function takeOver(main: MainThread, slot: number, exitCode: number, cause: unknown): void {
  const { x, heap, kernel } = main;
  // If it held the GIL, we could not take it.
  x.syncAbandon(slot);
  heap.batch((scope) => {
    // First what it held of the kernel: everything else may need that.
    x.threadAdopt(slot);
    const error = new WorkerCrashedError(slot - 1, exitCode, cause === undefined ? undefined : { cause });
    const failure = failureIn(scope, error);
    x.syncRecover(slot);
    for (let from = x.taskScan(slot, 0); from !== 0; from = x.taskScan(slot, from)) {
      const task = kernel.i32[kernel.outRef] as number;
      x.childrenCancel(task);
      // Without room for it other threads get an OutOfMemoryError; this one has it.
      if (failure === 0) main.failed(task, error);
      x.taskCrash(task, failure);
    }
  });
  main.poke();
  for (let other = 2; other < kernel.control(L.CB_SLOTS); other++) if (other !== slot) x.unpark(other);
}
