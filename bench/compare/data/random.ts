// mulberry32 (Tommy Ettinger, public domain): 32 bits of state, the same sequence for the same seed on every machine.

export type Random = () => number;

/** A generator of whole numbers 0 .. 2^32 - 1. */
export function random(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** A whole number 0 .. limit - 1. */
export function below(next: Random, limit: number): number {
  return Math.floor((next() / 0x1_0000_0000) * limit);
}
