/** The machine under ungil. Internal: import `ungil` instead. */
export * as Layout from "../assembly/layout.js";
export * as SyncLayout from "../assembly/layout-sync.js";
export * from "./errors.js";
export type { HeapExports } from "./exports.js";
export { compileKernel, createMachine, defineInternalTypes, Kernel, type MachineHandle } from "./kernel.js";
export { heapBytesFor, MEMORY_MAX, MEMORY_MIN } from "./plan.js";
