/**
 * References to virtual memory, in the instrumented builds (kernel.trace.*.wasm): each thread notes the addresses that it
 * translates in a frame of its own, and hands them to its host when that is full. In the other builds all of it is nothing.
 */
import * as L from "../layout";
import { TRACE } from "../machine/build";
import { tb } from "../machine/registers";
import { frameAllocateFixed } from "./frames";

/** `count` words from physical address `p` on: addresses, bit 0 set if they were translated for writing. */
// @ts-ignore: decorator
@external("env", "traced")
declare function traced(p: usize, count: u32): void;

// @ts-ignore: decorator
@inline export function traceReference(va: u32, writes: u32): void {
  if (TRACE) note((va & ~1) | writes);
}

function note(word: u32): void {
  const top = <usize>load<u32>(tb + L.TB_TRACE_TOP);
  if (!top) return;
  store<u32>(top, word);
  store<u32>(tb + L.TB_TRACE_TOP, <u32>top + 4);
  if ((top + 4) & L.PAGE_MASK) return;
  const first = load<u32>(tb + L.TB_TRACE_FIRST);
  store<u32>(tb + L.TB_TRACE_TOP, first); // before the host looks: what a thread that ends leaves is looked at later
  traced(first, L.PAGE_SIZE >>> 2);
}

export function traceInit(): void {
  if (!TRACE || load<u32>(tb + L.TB_TRACE_FIRST)) return;
  const frame = frameAllocateFixed();
  store<u32>(tb + L.TB_TRACE_FIRST, <u32>frame);
  store<u32>(tb + L.TB_TRACE_TOP, <u32>frame);
}
