/**
 * The control plane between the main thread and a worker: comlink over a MessagePort, one direction a port. Only plain
 * values cross (comlink's proxies leak, and break on Node in places), and errors are returned, not thrown: comlink would
 * drop their properties.
 */
import type { MessagePort } from "node:worker_threads";
import { expose, type Remote, releaseProxy, wrap } from "comlink/dist/esm/comlink.mjs";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";
import type { CollectionReport } from "./collector.js";
import type { FiberWait } from "./deadlock.js";
import type { Packed } from "./failure.js";

/** What a worker does for the main thread. */
export interface WorkerControl {
  /** Imports the preload modules and starts the scheduler. */
  prepare(preload: readonly string[]): Promise<{ failure: Packed } | null>;
  /**
   * What the thread's fibers wait for; null if its JavaScript waits too, for a timer or I/O. An answer tells that the thread is
   * there, and its event loop turns.
   */
  waits(): FiberWait[] | null;
  /** Deadlock: fails these fibers; what is said of all that are part of it. */
  breakWaits(waits: readonly FiberWait[], coroutines: readonly string[]): void;
  /** Stops the scheduler. What has not ended stays as it is; what was to be told to the main thread has been. */
  stop(): Promise<void>;
}

/** What the system thread does for the main thread. */
export interface SystemControl extends Pick<WorkerControl, "stop"> {
  /** Collects cycles. Null: it could not. */
  collect(stopWorld: boolean): Promise<CollectionReport | null>;
}

/** What the main thread does for a worker. */
export interface MainControl {
  /** The worker's thread id, as soon as it runs. */
  hello(threadId: number): void;
  /** A failed task that nobody will ask for; its address, kept by the caller until this is done. */
  unhandled(task: number, wasCancelled: boolean): void;
  /** The system thread has collected cycles because a thread was out of memory. */
  collected(report: CollectionReport): void;
  /** The system thread has no use any more for what was kept for a cut. */
  cutClosed(cut: number): void;
  /** The policy of page replacement has failed too often, last with this, and another one has taken its place. */
  policyFailed(error: Packed): void;
}

/** What a worker never asks for. */
export const ofSystemThread = { cutClosed: () => undefined, collected: () => undefined, policyFailed: () => undefined };

export type Calls<T> = Remote<T>;

/** Calls to the api that the other end serves. */
export function calls<T>(port: MessagePort): Remote<T> {
  return wrap<T>(nodeEndpoint(port));
}

export function serve<T extends object>(port: MessagePort, api: T): void {
  expose(api, nodeEndpoint(port));
}

/** Ends the calls of a port: no listener and no handle is left of it. */
export function endCalls<T>(remote: Remote<T>, port: MessagePort): void {
  try {
    remote[releaseProxy]();
  } catch {
    // The port may be closed already.
  }
  port.close();
}
