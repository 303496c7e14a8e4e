// Runs a workload in all its variants and says what came out: rows, and what must not be.
import { interleave, type Rounds } from "../report/interleave.js";
import type { Row } from "../report/shape.js";
import { label, type Opening, openings, row, type Sample, type Variant } from "./variants.js";
import type { Params, Workload } from "./workload.js";

export interface Outcome {
  rows: Row[];
  /** Wrong checksums, idle threads, overlapping steps: each of them fails the command. */
  faults: string[];
}

export async function runWorkload(
  workload: Workload,
  params: Params,
  threads: number,
  rounds: Rounds,
  report: (share: number, what: string) => void,
): Promise<Outcome> {
  const kinds = await openings(workload, params, threads);
  const variants: Variant[] = [];
  const began = performance.now();
  try {
    for (const kind of kinds) {
      report((0.2 * variants.length) / kinds.length, `${workload.name}: warming up ${label(kind)}`);
      variants.push(await kind.open());
    }
    const spent = performance.now() - began;
    const left = { ...rounds, budget: rounds.budget - spent, limit: rounds.limit - spent };
    const taken = await interleave(variants, left, (round, turn, at) => {
      const share = Math.min(1, (round + turn / variants.length) / rounds.least);
      report(0.2 + 0.8 * share, `${workload.name}: round ${round + 1}, ${label(kinds[at]!)}`);
    });
    return outcome(workload, params, kinds, variants, taken);
  } finally {
    for (const variant of variants) await variant.close();
  }
}

function outcome(
  workload: Workload,
  params: Params,
  kinds: Opening[],
  variants: Variant[],
  taken: Sample[][],
): Outcome {
  const results = kinds.map((kind, at) => row(workload, params, kind, taken[at]!));
  const faults = results.flatMap((result) => result.faults);
  // Plain JavaScript is the first variant, and the one that is right.
  const expected = taken[0]![0]!.checksum;
  const expectedWarm = variants[0]!.warmUp;
  kinds.forEach((kind, at) => {
    const wrong = taken[at]!.find((sample) => sample.checksum !== expected);
    if (wrong !== undefined) faults.push(mismatch(workload, kind, wrong.checksum, expected));
    const warm = variants[at]!.warmUp;
    if (warm !== expectedWarm) faults.push(`${mismatch(workload, kind, warm, expectedWarm)} (at the quick size)`);
  });
  return { rows: results.map((result) => result.row), faults };
}

function mismatch(workload: Workload, kind: Opening, got: string, expected: string): string {
  return `${workload.name}, ${label(kind)}: checksum ${JSON.stringify(got)}, but plain JavaScript gives ${JSON.stringify(expected)}`;
}
