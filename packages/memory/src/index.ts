/** Virtual memory: page replacement policies, the simulator that runs them over traces, and address spaces that run on them. */
export {
  BusError,
  OutOfMemoryError,
  ProtectionFaultError,
  SegmentationFaultError,
  StorageError,
} from "@ungil/kernel";
export type { ByteStore } from "./backing/index.js";
export * from "./errors.js";
export {
  type Counters,
  type MemoryStats,
  PhysicalMemory,
  type PhysicalMemoryOptions,
  type SwapOptions,
  type Watermarks,
} from "./pager/index.js";
export * from "./policies/index.js";
export * from "./simulate/index.js";
export * from "./space/index.js";
