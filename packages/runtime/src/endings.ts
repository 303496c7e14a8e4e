/**
 * How a coroutine ends: its locks are released, its strands and its children end before it does (structured concurrency),
 * and its result or error goes into its task, which tells everybody who waits.
 */
import { crossing, thread, valueIn } from "@ungil/heap";
import { Layout as L, SyncLayout as S } from "@ungil/kernel";
import { CancelledError, OperationNotAwaitedError } from "./errors.js";
import { failureIn } from "./failure.js";
import { ENDED, type Ending, type Fiber, WAITING } from "./fiber.js";
import type { FiberThread } from "./fibers.js";
import { isOperation } from "./operation.js";

export class Endings {
  constructor(readonly thread: FiberThread) {}

  /** Its generator has returned, or thrown. Part of the step. */
  ended(fiber: Fiber, failed: boolean, value: unknown): void {
    if (!failed && fiber.made !== null) {
      failed = true;
      value = fiber.takeUnawaited();
    }
    if (!failed && isOperation(value)) {
      failed = true;
      value = new OperationNotAwaitedError(value.label());
    }
    fiber.wait = null;
    if (fiber.root) return this.#strandEnded(fiber, failed, value);
    if (fiber.guards) for (const guard of [...fiber.guards]) guard.release();
    const ending = { failed, cancelled: failed && fiber.isCancelled && value instanceof CancelledError, value };
    if (fiber.children === 0 && fiber.strands === 0) return this.finish(fiber, ending);
    fiber.ending = ending;
    encodeEarly(fiber, ending);
    this.thread.x.childrenCancel(fiber.task);
    this.thread.stepOver(fiber);
    this.settle(fiber);
  }

  #strandEnded(fiber: Fiber, failed: boolean, value: unknown): void {
    const root = fiber.root as Fiber;
    fiber.state = ENDED;
    this.thread.forget(fiber);
    root.strands--;
    this.thread.stepOver(fiber);
    fiber.onEnd?.(fiber, failed, value);
    if (root.ending) this.settle(root);
  }

  /** A coroutine that has ended waits for its strands and its children. */
  settle(fiber: Fiber): void {
    const { x, kernel, taskWord } = this.thread;
    const ending = fiber.ending as Ending;
    fiber.state = WAITING;
    kernel.u32[taskWord] = fiber.task;
    for (;;) {
      if (fiber.strands > 0 || fiber.waiter !== 0) break;
      const child = x.childFirst(fiber.task);
      if (!child) {
        fiber.ending = null;
        return this.finish(fiber, ending);
      }
      const state = (kernel.u32[kernel.outA] as number) & S.TASK_STATE_MASK;
      if (state >= S.TASK_DONE) {
        this.#reportUnhandled(child);
        continue;
      }
      const status = x.taskJoin(child, fiber.index);
      if (status !== 0) continue;
      fiber.waiter = kernel.u32[kernel.outA] as number;
      x.waitsFor(S.WAIT_CHILDREN, child);
      break;
    }
    x.stepEnd();
  }

  /** The main thread reads the error from the task itself, which is kept for it. */
  #reportUnhandled(child: number): void {
    const { x, heap, surroundings } = this.thread;
    x.taskObserve(child);
    heap.adopt(child);
    surroundings.unhandled(child);
  }

  /** Nothing is left of it but its task. */
  finish(fiber: Fiber, ending: Ending): void {
    const { x, kernel, taskWord, service } = this.thread;
    fiber.state = ENDED;
    fiber.scope.open = true;
    thread.scope = fiber.scope;
    kernel.u32[taskWord] = fiber.task;
    let { failed, cancelled, value } = ending;
    if (!failed) {
      try {
        if (value === undefined) crossing.tag = L.TAG_UNDEFINED;
        else valueIn(fiber.scope, value, "The result");
      } catch (error) {
        failed = true;
        value = error;
      }
    }
    let error = 0;
    if (failed) {
      error = failureIn(fiber.scope, value);
      cancelled &&= value instanceof CancelledError;
      crossing.tag = L.TAG_UNDEFINED;
    }
    const state = failed ? (cancelled ? S.TASK_CANCELLED : S.TASK_FAILED) : S.TASK_DONE;
    fiber.scope.open = false;
    fiber.scope.pauses = false;
    thread.scope = service;
    this.thread.forget(fiber);
    x.taskEnd(fiber.task, state, crossing.tag, crossing.ref, crossing.number, error);
  }
}

/** A value that cannot be shared is an error of this coroutine, also if its children are still ending. */
function encodeEarly(fiber: Fiber, ending: Ending): void {
  if (ending.failed) return;
  try {
    valueIn(fiber.scope, ending.value, "The result");
  } catch (error) {
    ending.failed = true;
    ending.value = error;
  }
}
