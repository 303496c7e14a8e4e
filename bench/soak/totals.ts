// What the threads of all runtimes of a soak did, from rt.stats().
import type { Runtime } from "ungil";

const COUNTED = [
  "remoteFrees",
  "resurrections",
  "adoptions",
  "safepoints",
  "allocations",
  "frees",
  "limbo",
  "faults",
  "tlbMisses",
] as const;

export type Totals = Partial<Record<(typeof COUNTED)[number] | "steals" | "lockWaits" | "verifications", number>>;

/** A run without these has not tested what it is there to test. */
export const REQUIRED = ["remoteFrees", "resurrections", "adoptions", "safepoints"] as const;

export function totalsOf(rt: Runtime): Totals {
  const stats = rt.stats();
  const totals: Totals = { steals: stats.totals.steals, lockWaits: stats.totals.lockWaits };
  for (const name of COUNTED) totals[name] = stats[name];
  return totals;
}

export function add(totals: Totals, more: Totals): void {
  for (const [name, count] of Object.entries(more) as [keyof Totals, number][])
    totals[name] = (totals[name] ?? 0) + count;
}
