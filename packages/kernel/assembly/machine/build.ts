/**
 * What differs between the builds of this one source: kernel.gil.wasm (`--use KERNEL_GIL=1`) and kernel.free.wasm
 * (`--use KERNEL_GIL=0`), and the instrumented kernel.trace.*.wasm (`--use KERNEL_TRACE=1`). A branch on these is decided by
 * the compiler.
 */

// @ts-ignore: defined on the command line
export const GIL: bool = KERNEL_GIL != 0;
// @ts-ignore: defined on the command line
export const TRACE: bool = KERNEL_TRACE != 0;
