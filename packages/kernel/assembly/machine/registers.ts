/**
 * The registers of this thread. Each thread has its own instance of the kernel over the one shared memory; what tells the
 * threads apart comes in as immutable imports, which the optimiser may keep in machine registers (a mutable global is
 * loaded again at each use). Whatever must survive the thread's death stands in its thread block.
 */
import * as L from "../layout";

/** This thread's slot, 1.. */
// @ts-ignore: decorator
@external("env", "slot")
export declare const tid: u32;
/** Calls that a stack probe consists of: see stack.ts. */
// @ts-ignore: decorator
@external("env", "stackLevels")
export declare const stackLevels: u32;
/** Physical address of this thread's block. */
// @ts-ignore: decorator
@external("env", "block")
export declare const tb: usize;
/** Physical addresses of this thread's read and write TLB. */
// @ts-ignore: decorator
@external("env", "readTlb")
export declare const readTlb: usize;
// @ts-ignore: decorator
@external("env", "writeTlb")
export declare const writeTlb: usize;
/** Tables that every operation needs. */
// @ts-ignore: decorator
@external("env", "descriptors")
export declare const descriptors: usize;
// @ts-ignore: decorator
@external("env", "types")
export declare const types: usize;

// @ts-ignore: decorator
@inline export function control(): usize {
  return L.CB;
}

// @ts-ignore: decorator
@inline export function threadBlock(slot: u32): usize {
  return <usize>load<u32>(L.CB + L.CB_THREADS) + <usize>slot * L.THREAD_BLOCK_SIZE;
}

/** Adds to one of this thread's counters. Only the owner writes it, so it needs no atomic; readers may be a step behind. */
// @ts-ignore: decorator
@inline export function count(counter: u32, by: i64 = 1): void {
  const p = tb + L.TB_COUNTERS + (<usize>counter << 3);
  store<i64>(p, load<i64>(p) + by);
}

/** Records the first fatal error. The runtime polls it and stops with the code: never silently wrong. */
export function panic(code: u32): void {
  atomic.cmpxchg<u32>(L.CB + L.CB_PANIC, 0, code);
}
