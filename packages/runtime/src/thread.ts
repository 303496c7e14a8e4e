/**
 * What this thread has of one runtime: its kernel instance, its heap, and the tasks that JavaScript (not a coroutine) waits
 * for. The main thread has one for each runtime, a worker has one.
 */
import {
  type Heap,
  innermost,
  isWrapper,
  type Scope,
  SnapshotReadOnlyError,
  thread,
  valueOut,
  type Wrapper,
} from "@ungil/heap";
import { type Kernel, Layout as L, OutOfMemoryError, SyncLayout as S } from "@ungil/kernel";
import { lookThrough } from "./classes.js";
import { CancelledError } from "./errors.js";
import type { SyncExports } from "./exports.js";
import { type Packed, pack } from "./failure.js";
import { modulesNeeded, unpack } from "./rebuild.js";
import type { IdAddress } from "./types.js";

/** Numbers of waits that are not fibers start here. */
export const WATCH_FIRST = 0x40000000;

/** A task's end, as it was found: a value, or a failure that is yet to be rebuilt here. */
export type Outcome = { ok: true; value: unknown } | { ok: false; cancelled: boolean; packed: Packed | null };

export abstract class Thread {
  readonly x: SyncExports;
  readonly #watchers = new Map<number, { callback: (outcome: Outcome) => void; kept: Scope }>();
  #nextWatch = WATCH_FIRST;
  /** Tasks that have failed, and whose error is being made here: nobody waits for them, it only looks so. */
  settling = 0;

  constructor(
    readonly kernel: Kernel<SyncExports>,
    readonly heap: Heap,
  ) {
    this.x = kernel.exports;
    threads.set(heap, this);
  }

  /** Gets up if it is parked: called after a message may have been sent to itself. */
  abstract poke(): void;

  /**
   * Does something as part of the running step (or batch), or as a step of its own. It may send this very thread a message
   * (a lock that is released, a task that is cancelled), which nobody else wakes it for.
   */
  inStep<T>(work: (scope: Scope) => T): T {
    const running = thread.scope;
    try {
      return running?.open && running.heap === this.heap ? work(running) : this.heap.batch(work);
    } finally {
      this.poke();
    }
  }

  /** Calls back when the task has ended. It is counted until then, whatever becomes of its handles. Inside a step or a batch. */
  watch(task: number, callback: (outcome: Outcome) => void): void {
    const number = this.#nextWatch;
    this.#nextWatch = number >= 0x7ffffff0 ? WATCH_FIRST : number + 1;
    const status = this.heap.retryStatus("Waiting for a task", () => this.x.taskJoin(task, number));
    if (status !== 0) return callback(this.outcome(status));
    this.#watchers.set(number, { callback, kept: this.heap.adopt(task) });
  }

  /** A message for a wait that is no fiber. Inside a step or a batch. */
  watched(number: number, task: number): void {
    const watcher = this.#watchers.get(number);
    this.#watchers.delete(number);
    if (!watcher) return;
    try {
      watcher.callback(this.#read(task));
    } finally {
      this.heap.release(task, watcher.kept);
    }
  }

  /** How a task has ended. What cannot be read (no memory, a struct that is not loaded here) fails whoever waits for it. */
  #read(task: number): Outcome {
    try {
      return this.outcome(this.heap.retryStatus("Reading a result", () => this.x.taskOutcome(task)));
    } catch (error) {
      return { ok: false, cancelled: false, packed: pack(error) };
    }
  }

  get watching(): number {
    return this.#watchers.size;
  }

  /** What `taskJoin` or `taskOutcome` has handed out, in the running scope. */
  outcome(status: number): Outcome {
    if (status >= 16) return { ok: true, value: valueOut(this.heap, status - 16) };
    const { kernel } = this;
    const address = kernel.i32[kernel.outRef] as number;
    return { ok: false, cancelled: status === 2, packed: address ? this.failureAt(address) : null };
  }

  failureAt(address: number): Packed {
    const { kernel } = this;
    kernel.i32[kernel.outRef] = address;
    kernel.u32[kernel.outType] = (kernel.u32[this.x.translate(address) >>> 2] as number) & L.TYPE_MASK;
    return valueOut(this.heap, L.TAG_REF) as Packed;
  }

  /** The coroutine id of a task. */
  idOf(task: number): string {
    this.x.taskInspect(task);
    const { kernel } = this;
    const address = kernel.i32[kernel.outRef] as number;
    return address ? this.heap.strings.read(address) : "";
  }

  /** Address of a coroutine's id. It is kept for ever, so tasks need not count it. */
  idAddress(definition: { id: string; addresses: WeakMap<object, IdAddress> }): number {
    const { heap } = this;
    const { restored } = heap;
    const known = definition.addresses.get(heap);
    if (known !== undefined && known.restored === restored) return known.address;
    const address = heap.strings.address(definition.id);
    this.x.objectImmortalize(address);
    definition.addresses.set(heap, { address, restored });
    return address;
  }

  set pending(count: number) {
    this.kernel.u32[(this.kernel.block + S.TB_PENDING) >>> 2] = count;
  }
}

const threads = new WeakMap<Heap, Thread>();

export function threadOf(heap: Heap): Thread {
  if (heap.isReadOnly)
    throw new SnapshotReadOnlyError("Locks and tasks belong to the running program, not to a snapshot of it.");
  return threads.get(heap) as Thread;
}

type Failed = Extract<Outcome, { ok: false }>;

/** The error of a failed task. `awaited`: stack of who waits. */
export function errorOf(failed: Failed, awaited: string): unknown {
  return unpack(failed.packed ?? pack(bare(failed.cancelled)), awaited);
}

/** The error of a task that has none: it was cancelled before it started, or there was no memory at all for its error. */
function bare(cancelled: boolean): Error {
  const error = cancelled ? new CancelledError() : new OutOfMemoryError("A coroutine's error");
  error.stack = "";
  return error;
}

/** A promise if modules that are loaded here must be looked through first, for classes that the failure names. */
export function classesOf(failed: Failed): Promise<unknown> | null {
  const urls = failed.packed ? modulesNeeded(failed.packed) : [];
  return urls.length > 0 ? Promise.all(urls.map(lookThrough)) : null;
}

/** Makes the handles in a plain value outlive the running batch. */
export function keepAll(heap: Heap, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isWrapper(value)) return heap.keep(value);
  const holder = value as Record<string, unknown>;
  for (const key of Object.keys(holder)) {
    const item = holder[key];
    if (typeof item === "object" && item !== null) holder[key] = keepAll(heap, item);
  }
  return value;
}

/** A wrapper of the running scope. */
export function wrapHere(heap: Heap, address: number, type: number): Wrapper {
  return new (heap.wrapOf(type))(address, innermost(heap));
}
