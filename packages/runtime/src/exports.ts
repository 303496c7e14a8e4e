/** The kernel's exports of sync/ (packages/kernel/assembly/sync), as TypeScript sees them. Addresses come as signed words. */
import type { HeapExports } from "@ungil/kernel";

export interface SyncExports extends HeapExports {
  syncInit(intervalMicroseconds: number, workers: number): number;
  syncAttach(patienceMicroseconds: number): number;
  syncExit(): void;
  syncAbandon(slot: number): void;
  syncRecover(slot: number): number;
  gilTakeWithin(microseconds: number): number;
  runBegin(): void;
  runOffer(): void;
  runEnd(): void;
  inboxTake(): number;
  // Parking.
  parkBegin(): number;
  parkEnd(): void;
  parkSpin(rounds: number): number;
  workIsThere(): number;
  startAdvice(own: number, steal: number): number;
  unpark(slot: number): number;
  everythingIsStill(): number;
  // Tasks.
  taskCreate(coroutine: number, values: number, parent: number, flags: number): number;
  taskNext(fair: number): number;
  taskSteal(): number;
  taskStart(task: number, fiber: number): number;
  taskArguments(task: number): number;
  taskRequeue(): void;
  taskYield(drop: number): number;
  taskEnd(task: number, state: number, tag: number, ref: number, number: number, error: number): void;
  taskCrash(task: number, error: number): void;
  taskJoin(task: number, fiber: number): number;
  taskOutcome(task: number): number;
  taskObserve(task: number): void;
  taskCancel(task: number, reason: number): number;
  taskReason(task: number): number;
  cancelTake(): number;
  taskInspect(task: number): number;
  taskScan(slot: number, from: number): number;
  waitsFor(kind: number, object: number): void;
  waiterLose(waiter: number): void;
  objectImmortalize(address: number): void;
  childFirst(parent: number): number;
  childFailed(parent: number, after: number): number;
  childJoin(child: number, fiber: number): number;
  childrenSweep(parent: number): number;
  childrenCancel(parent: number): void;
  // Locks.
  lockTry(object: number, task: number): number;
  lockTryPair(a: number, b: number, task: number): number;
  lockWait(object: number, task: number, fiber: number, patience: number): number;
  lockRelease(entry: number): void;
  lockReleasePair(a: number, b: number): void;
  lockClear(object: number): number;
  // Handles kept by JavaScript.
  keptAdd(address: number): number;
  keptDrop(entry: number): void;
  handlesRestore(cut: number, last: number): void;
  // Whether coroutines are at rest.
  locksAreHeld(): number;
  tasksAreLeft(): number;
  threadsAreAtRest(): number;
}
