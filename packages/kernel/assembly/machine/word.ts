/**
 * Shared 32-bit and 64-bit words. In the free build every access is atomic (sequentially consistent: WebAssembly has
 * nothing weaker); in the GIL build one thread runs at a time and plain accesses do. What other threads touch without
 * holding the GIL (page tables, epochs, requests, remote frees) uses `atomic.*` directly in both builds.
 */
import { GIL } from "./build";

// @ts-ignore: decorator
@inline export function wordLoad(p: usize): u32 {
  return GIL ? load<u32>(p) : atomic.load<u32>(p);
}

// @ts-ignore: decorator
@inline export function wordStore(p: usize, value: u32): void {
  if (GIL) store<u32>(p, value);
  else atomic.store<u32>(p, value);
}

/** Sets bits and returns the old value. */
// @ts-ignore: decorator
@inline export function wordOr(p: usize, bits: u32): u32 {
  if (!GIL) return atomic.or<u32>(p, bits);
  const old = load<u32>(p);
  store<u32>(p, old | bits);
  return old;
}

/** Keeps the bits of `mask` and returns the old value. */
// @ts-ignore: decorator
@inline export function wordAnd(p: usize, mask: u32): u32 {
  if (!GIL) return atomic.and<u32>(p, mask);
  const old = load<u32>(p);
  store<u32>(p, old & mask);
  return old;
}

/** Adds and returns the old value. */
// @ts-ignore: decorator
@inline export function wordAdd(p: usize, value: u32): u32 {
  if (GIL) {
    const old = load<u32>(p);
    store<u32>(p, old + value);
    return old;
  }
  return atomic.add<u32>(p, value);
}

// @ts-ignore: decorator
@inline export function wordExchange(p: usize, value: u32): u32 {
  if (GIL) {
    const old = load<u32>(p);
    store<u32>(p, value);
    return old;
  }
  return atomic.xchg<u32>(p, value);
}

/** Stores `value` if the word is `expected`; returns what the word was. */
// @ts-ignore: decorator
@inline export function wordCas(p: usize, expected: u32, value: u32): u32 {
  if (GIL) {
    const old = load<u32>(p);
    if (old == expected) store<u32>(p, value);
    return old;
  }
  return atomic.cmpxchg<u32>(p, expected, value);
}

// @ts-ignore: decorator
@inline export function wideLoad(p: usize): u64 {
  return GIL ? load<u64>(p) : atomic.load<u64>(p);
}

// @ts-ignore: decorator
@inline export function wideExchange(p: usize, value: u64): u64 {
  if (GIL) {
    const old = load<u64>(p);
    store<u64>(p, value);
    return old;
  }
  return atomic.xchg<u64>(p, value);
}

// @ts-ignore: decorator
@inline export function wideStore(p: usize, value: u64): void {
  if (GIL) store<u64>(p, value);
  else atomic.store<u64>(p, value);
}

/** Stores `value` if the word is `expected`; returns what the word was. */
// @ts-ignore: decorator
@inline export function wideCas(p: usize, expected: u64, value: u64): u64 {
  if (GIL) {
    const old = load<u64>(p);
    if (old == expected) store<u64>(p, value);
    return old;
  }
  return atomic.cmpxchg<u64>(p, expected, value);
}
