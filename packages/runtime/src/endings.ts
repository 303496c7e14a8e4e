/**
 * How a coroutine ends: its locks are released, its strands and its children end before it does (structured concurrency),
 * and its result or error goes into its task, which tells everybody who waits.
 */
import { crossing, releasing, thread, valueIn } from "@ungil/heap";
import { Layout as L, SyncLayout as S, StorageError } from "@ungil/kernel";
import { CancelledError, OperationNotAwaitedError } from "./errors.js";
import { failureIn } from "./failure.js";
import { ENDED, type Ending, type Fiber, READY, WAITING } from "./fiber.js";
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
    // What has failed so far has not failed because it is to end now.
    if (!fiber.isCancelled) this.#reportFailed(fiber);
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
      const state = kernel.u32[kernel.outA] as number;
      if ((state & S.TASK_STATE_MASK) >= S.TASK_DONE) {
        this.#reportUnhandled(child, state);
        continue;
      }
      const status = x.childJoin(child, fiber.index);
      if (status > 0) continue;
      if (status === 0) fiber.waiter = kernel.u32[kernel.outA] as number;
      else this.#tryLater(fiber);
      break;
    }
    releasing(() => x.stepEnd());
  }

  /** Memory is out: it cannot register with its child. The others go on meanwhile, the child perhaps among them. */
  #tryLater(fiber: Fiber): void {
    this.thread.heap.reclaim(0);
    fiber.state = READY;
    this.thread.ready.push(fiber);
  }

  /** The children that have failed, and that nobody has asked for. */
  #reportFailed({ task }: Fiber): void {
    const { x, kernel } = this.thread;
    for (let child = x.childFailed(task, 0); child; child = x.childFailed(task, child))
      this.#reportUnhandled(child, kernel.u32[kernel.outA] as number);
  }

  /** The main thread reads the error from the task itself, which is kept for it. */
  #reportUnhandled(child: number, state: number): void {
    const { x, heap, surroundings } = this.thread;
    x.taskObserve(child);
    surroundings.unhandled(child, heap.adopt(child), (state & S.TASK_CANCELLING) !== 0);
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
    try {
      x.taskEnd(fiber.task, state, crossing.tag, crossing.ref, crossing.number, error);
    } catch (lost) {
      if (!(lost instanceof StorageError) || (x.taskInspect(fiber.task) & S.TASK_STATE_MASK) < S.TASK_DONE) throw lost;
      releasing(() => x.stepFinish()); // it has ended; what it leaves cannot all be let go of
    }
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
