/** Threads and coroutines. Internal: import `ungil` instead. */

export { registerErrors } from "./classes.js";
export type { CollectionReport } from "./collector.js";
export { coroutines, type Where } from "./coroutines.js";
export * from "./errors.js";
export type {
  CollectionReason,
  CollectorCallback,
  CollectorEvent,
  CollectorStats,
  CollectorThreshold,
  CycleGarbage,
} from "./gc.js";
export type { HeapMemory, HeapStatsOptions } from "./heap-memory.js";
export type { SavedImage, SaveOptions, SaveProgress } from "./images.js";
export { clearPoison, type Guard, lock, tryLock } from "./locks.js";
export { all, join, type SpawnOptions, sleep, spawn, until } from "./operations.js";
export type { CloseOptions, RuntimeOptions, SwapSettings } from "./options.js";
export { Runtime } from "./runtime.js";
export type { Snapshot } from "./snapshots.js";
export type { RuntimeStats, ThreadStats } from "./stats.js";
export { Task, type TaskState } from "./task.js";
export type { Coroutine, CoroutineBody, Instruction, Operation, Steps } from "./types.js";
export type { VirtualMemory, VirtualMemoryStats } from "./vm.js";
export { destructor, type Finalization, Finalizer, finalize, weak } from "./weak.js";
