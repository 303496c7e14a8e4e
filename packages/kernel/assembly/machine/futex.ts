/**
 * Wait and wake on a word of kernel memory. Only words of thread blocks and of the control block are waited on: a heap word
 * can be evicted, and a wake-up for its frame would be lost.
 *
 * Waiting is a call to the host (Atomics.wait), not the instruction `memory.atomic.wait32`: V8's baseline compiler before
 * V8 12 (Node 20) loses local variables that live across it, and a spin lock whose loop waited let two threads in. A wait
 * takes tens of microseconds, so the call costs nothing. test/architecture fails on a build with the instruction.
 */

/** 0 woken, 1 the word was not `expected`, 2 timed out. */
// @ts-ignore: decorator
@external("env", "wait")
export declare function futexWait(p: usize, expected: u32, milliseconds: f64): i32;

// @ts-ignore: decorator
@inline export function futexWake(p: usize, waiters: i32): i32 {
  return atomic.notify(p, waiters);
}
