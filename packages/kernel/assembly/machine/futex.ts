/** Wait and wake on a word of kernel memory. Only words of thread blocks and of the control block are waited on: a heap
 *  word can be evicted, and a wake-up for its frame would be lost. */

/** 0 woken, 1 the word was not `expected`, 2 timed out. A negative timeout waits for ever. */
// @ts-ignore: decorator
@inline export function futexWait(p: usize, expected: u32, timeoutNanoseconds: i64): i32 {
  return memory_wait32(p, <i32>expected, timeoutNanoseconds);
}

// @ts-ignore: decorator
@inline export function futexWake(p: usize, waiters: i32): i32 {
  return atomic.notify(p, waiters);
}

// @ts-ignore: decorator
@inline function memory_wait32(p: usize, expected: i32, timeout: i64): i32 {
  return atomic.wait<i32>(p, expected, timeout);
}
