// Percentiles of gaps between operations, of which only the long ones are known one by one.
import { percentile } from "../report/numbers.js";
import { BOUNDS } from "./jobs.js";

export interface Spread {
  operations: number;
  /** By BOUNDS. */
  buckets: number[];
  /** Lengths of long gaps, in milliseconds. */
  long: number[];
}

/** Of all gaps, the shortest that at least `share` of them do not exceed, in milliseconds; of short ones the bucket's bound. */
export function gapAt({ operations, buckets, long }: Spread, share: number): number {
  const above = Math.floor(operations * (1 - share));
  if (above < long.length) return percentile(long, 1 - above / long.length);
  let below = 0;
  for (const [n, count] of buckets.entries()) {
    below += count;
    if (below >= operations - above) return (BOUNDS[n] ?? Number.POSITIVE_INFINITY) / 1000;
  }
  return Number.NaN;
}

/** Of gaps as they come from a thread. */
export const lengths = (pairs: readonly number[]): number[] => pairs.filter((_, n) => n % 2 === 1);
