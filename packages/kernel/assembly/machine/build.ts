/**
 * What differs between the two builds of this one source: kernel.gil.wasm (`--use KERNEL_GIL=1`) and kernel.free.wasm
 * (`--use KERNEL_GIL=0`). A branch on GIL is decided by the compiler.
 */

// @ts-ignore: defined on the command line
export const GIL: bool = KERNEL_GIL != 0;
