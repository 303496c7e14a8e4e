// Seeded traces. A test that fails prints the seed: everything else follows from it.

export type Random = () => number;

/** mulberry32: numbers from 0 to below 1. */
export function random(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const below = (draw: Random, n: number): number => Math.floor(draw() * n);

export interface Trace {
  pages: number[];
  writes: boolean[];
}

/** Traces of several kinds: uniform, skewed, loops, drifting neighbourhoods, scans between; page numbers up to 2^52. */
export function randomTrace(draw: Random, length: number): Trace {
  const distinct = 1 + below(draw, 40);
  const base = draw() < 0.2 ? 2 ** 52 - distinct * 8 : below(draw, 1000);
  const step = draw() < 0.2 ? 8 : 1;
  const kind = below(draw, 5);
  const pages = Array.from({ length }, (_, n) => {
    const choice =
      kind === 0
        ? below(draw, distinct)
        : kind === 1
          ? Math.floor(draw() ** 3 * distinct)
          : kind === 2
            ? n % distinct
            : kind === 3
              ? (Math.floor(n / 20) + below(draw, 6)) % distinct
              : draw() < 0.7
                ? below(draw, 1 + distinct / 4)
                : n % distinct;
    return base + step * Math.floor(choice);
  });
  return { pages, writes: pages.map(() => draw() < 0.3) };
}

/** References to `distinct` pages whose frequencies follow Zipf's law with exponent `skew`. */
export function zipf(seed: number, length: number, distinct: number, skew: number): number[] {
  const draw = random(seed);
  const sums = new Float64Array(distinct);
  let sum = 0;
  for (let n = 0; n < distinct; n++) sums[n] = sum += 1 / (n + 1) ** skew;
  return Array.from({ length }, () => {
    const wanted = draw() * sum;
    let [low, high] = [0, distinct - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

/** 0, 1 ... distinct - 1, again and again. */
export const loop = (distinct: number, rounds: number): number[] =>
  Array.from({ length: distinct * rounds }, (_, n) => n % distinct);

/** Up and down again, the ends once each. */
export const zigzag = (distinct: number, rounds: number): number[] => {
  const period = 2 * distinct - 2;
  return Array.from({ length: period * rounds }, (_, n) => {
    const at = n % period;
    return at < distinct ? at : period - at;
  });
};

/** A seed for a test that draws at random, printed so that a failure can be run again: UNGIL_TEST_SEED=... */
export function seed(name: string): number {
  const value = Number(process.env.UNGIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${name}: UNGIL_TEST_SEED=${value}`);
  return value;
}
