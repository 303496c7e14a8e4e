// Samples operations in turn: each is called often enough that one sample takes about 15 ms, and warmed up before.
import { interleave } from "../report/interleave.js";
import { median } from "../report/numbers.js";
import type { Row } from "../report/shape.js";
import type { Operation } from "./operation.js";

export interface Effort {
  samples: number;
  /** About how long one sample takes. */
  sampleMs: number;
  warmUpMs: number;
}

const MOST = 50_000_000;
/** Counts are multiples of this: some operations go in groups. */
const GROUP = 1024;

export async function measure(
  operations: readonly Operation[],
  effort: Effort,
  at: (share: number, what: string) => void,
): Promise<Row[]> {
  const counts: number[] = [];
  for (const [index, operation] of operations.entries()) {
    at((0.3 * index) / operations.length, `micro: warming up ${operation.name} (${operation.mode})`);
    counts.push(await calibrate(operation, effort));
  }
  const rounds = { least: effort.samples, most: effort.samples, budget: 0, limit: Number.POSITIVE_INFINITY };
  const variants = operations.map((operation, index) => ({
    sample: async () => ((await operation.run(counts[index]!)) * 1e6) / counts[index]!,
  }));
  const taken = await interleave(variants, rounds, (round, turn) => {
    at(
      0.3 + (0.7 * (round + turn / operations.length)) / effort.samples,
      `micro: sample ${round + 1} of ${effort.samples}`,
    );
  });
  return operations.map((operation, index) => row(operation, counts[index]!, taken[index]!));
}

/** Warms an operation up, and finds how often it is called for one sample. */
async function calibrate(operation: Operation, { sampleMs, warmUpMs }: Effort): Promise<number> {
  const began = performance.now();
  let count = GROUP;
  for (;;) {
    const ms = await operation.run(count);
    const enough = performance.now() - began >= warmUpMs;
    const wanted = Math.min(
      MOST,
      Math.max(GROUP, Math.round((count * sampleMs) / Math.max(ms, 0.001) / GROUP) * GROUP),
    );
    if (enough && (ms >= sampleMs / 2 || count === MOST || wanted === count)) return wanted;
    count = Math.min(wanted, count * 8);
  }
}

function row({ name, mode, floor }: Operation, count: number, samples: number[]): Row {
  return {
    suite: "micro",
    name,
    mode,
    threads: 1,
    params: { count },
    unit: "ns/op",
    better: "lower",
    samples,
    median: median(samples),
    floor,
    gilWait: 0,
    counters: {},
    checksum: null,
  };
}
