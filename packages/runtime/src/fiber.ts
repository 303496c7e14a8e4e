/**
 * A fiber: a started coroutine on its thread. The generator cannot leave its isolate, so neither can the fiber. `all` runs
 * each of its operations as a fiber of its own inside the same task.
 */
import type { Scope } from "@ungil/heap";
import { OperationNotAwaitedError } from "./errors.js";
import type { FiberThread } from "./fibers.js";
import type { Guard } from "./locks.js";
import type { Tracked } from "./operation.js";
import type { Instruction } from "./types.js";

export const READY = 0;
export const RUNNING = 1;
export const WAITING = 2;
export const ENDED = 3;

type Steps = Iterator<Instruction | undefined | void, unknown, unknown>;

/** What a fiber waits for, as far as others must know. */
export interface Waiting {
  /** One of WAIT_: what a deadlock report says. */
  readonly kind: number;
  /** The fibers of this thread whose end it waits for, if that is it. */
  readonly strands?: readonly Fiber[];
}

export class Fiber {
  state = READY;
  /** The generator that is stepped. */
  steps: Steps | null = null;
  /** Why the next step is a throw; `hasError` tells. */
  error: unknown = undefined;
  hasError = false;
  wait: Waiting | null = null;
  /** Number of its latest step. A wake-up names the step whose wait it ends: the fiber may wait for something else by then. */
  turn = 0;
  /** The kernel's record of its wait, 0 if it has none. */
  waiter = 0;
  /** What came with the message that ended the wait. */
  payload = 0;
  /** The operation that was made and not waited for yet; mostly there is one at most, the others are in `unawaited`. */
  made: Tracked | null = null;
  unawaited: Tracked[] | null = null;
  guards: Guard[] | null = null;
  /** Children spawned since the last sweep, and how many make the next one worth it. */
  children = 0;
  sweepAt = 64;
  isCancelled = false;
  /** Fibers inside the same task that have not ended. */
  strands = 0;
  /** Set while the coroutine's result waits for its children to end. */
  ending: Ending | null = null;

  constructor(
    readonly scheduler: FiberThread,
    public index: number,
    /** Address of its task. */
    readonly task: number,
    readonly scope: Scope,
    /** The fiber of the task itself. */
    readonly root: Fiber | null,
    readonly onEnd: ((fiber: Fiber, failed: boolean, value: unknown) => void) | null,
  ) {}

  track(operation: Tracked): void {
    if (this.made === null) this.made = operation;
    else if (this.unawaited) this.unawaited.push(operation);
    else this.unawaited = [operation];
  }

  untrack(operation: Tracked): void {
    const others = this.unawaited;
    if (this.made === operation) this.made = others ? (others.shift() ?? null) : null;
    else if (others) {
      const at = others.indexOf(operation);
      if (at >= 0) others.splice(at, 1);
    }
  }

  /** The error for an operation that was left behind, if there is one; forgets it. */
  takeUnawaited(): OperationNotAwaitedError | null {
    const left = this.made;
    this.made = null;
    this.unawaited = null;
    return left ? new OperationNotAwaitedError(left.label()) : null;
  }
}

/** The outcome of a coroutine whose children still run. */
export interface Ending {
  failed: boolean;
  cancelled: boolean;
  value: unknown;
}

/** The fiber whose step runs on this thread. */
export const here: { fiber: Fiber | null } = { fiber: null };
