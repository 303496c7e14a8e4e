/** The machine under ungil. Internal: import `ungil` instead. */

export * as SyncLayout from "../assembly/layout/sync.js";
export { type Accessor, accessor, byAccessor, setCurrentCoroutine } from "./accessor.js";
export { bytesOf } from "./bytes.js";
export * from "./errors.js";
export type { HeapExports } from "./exports.js";
export { heapMap } from "./heap-map.js";
export { compileKernel, createMachine, defineInternalTypes, Kernel, type MachineHandle } from "./kernel.js";
export * as Layout from "./layout.js";
export { heapBytesFor, MEMORY_MAX, MEMORY_MIN, reserveBeside, roomInSwap, swapFor } from "./plan.js";
export { closeSwap, openSwap, type SwapHandle } from "./swap.js";
export { type Watched, watchEnd, watchMap } from "./watch.js";
