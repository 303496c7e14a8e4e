/** The kernel with the loops of the micro benchmarks added. */
export * from "./index";
export * from "./bench";
export { benchAlloc, benchAllocBoard, benchAllocEnd } from "./bench-alloc";
