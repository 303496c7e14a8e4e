export {
  type Arrival,
  type Brought,
  checkLimit,
  dropPage,
  type Missing,
  objectPage,
  refreshSize,
  swappedPage,
  zeroPage,
} from "./bring-in.js";
export type { Counters } from "./counters.js";
export { NO_SLOT } from "./frames.js";
export { type Account, FilePages, MemoryObject, SharedMemory } from "./memory-object.js";
export { checkBytes, checkNames, checkType, type PhysicalMemoryOptions, type SwapOptions, whole } from "./options.js";
export type { Pager, Watermarks } from "./pager.js";
export { type MemoryStats, PhysicalMemory, type Tenant } from "./physical-memory.js";
export { takeRun } from "./runs.js";
