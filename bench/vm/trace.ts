// A trace as programs make them: few pages take most references. Zipf's law over 100,000 pages, the popular ones
// scattered over the address space, the same on every run.
import { random } from "../compare/data/random.js";

export const PAGES = 100_000;
export const FRAMES = 10_000;
/** Exponent of Zipf's law. */
export const SKEW = 0.9;

export function zipfTrace(length: number, seed = 1): Float64Array {
  const next = random(seed);
  const draw = () => next() / 2 ** 32;
  const sums = new Float64Array(PAGES);
  const places = new Uint32Array(PAGES);
  let sum = 0;
  for (let n = 0; n < PAGES; n++) {
    sums[n] = sum += 1 / (n + 1) ** SKEW;
    const other = Math.floor(draw() * (n + 1));
    places[n] = places[other]!;
    places[other] = n;
  }
  return Float64Array.from({ length }, () => places[rank(sums, draw() * sum)]!);
}

/** The first whose sum is not below `wanted`. */
function rank(sums: Float64Array, wanted: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
