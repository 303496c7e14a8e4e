// vm: how many references a second each online policy takes, and how many lines a second a trace is read at, each beside
// what must be done in any case. All in one process, as in `ungil vm simulate --policy all`.
import { POLICIES, readTrace } from "@ungil/memory";
import { interleave } from "../report/interleave.js";
import { figure, median, times } from "../report/numbers.js";
import type { Progress } from "../report/progress.js";
import type { Row } from "../report/shape.js";
import { table } from "../report/table.js";
import type { Suite } from "../suites.js";
import { FRAMES, PAGES, SKEW, zipfTrace } from "./trace.js";

const LOOKUP = "floor: hash lookup + counter";
const BYTES = "floor: look at each byte";

interface Contestant {
  name: string;
  floor: string | null;
  params: Row["params"];
  /** Does everything once; how many references or lines, and something that proves it. */
  run(): Promise<{ done: number; proof: number }> | { done: number; proof: number };
}

export const vm: Suite = { name: "vm", about: "page replacement: references a second, beside a floor", run, view };

async function run(show: Progress, quick: boolean): Promise<Row[]> {
  const trace = zipfTrace(quick ? 50_000 : 2_000_000);
  const contestants = [...policies(trace), ...readers(trace)];
  const rounds = quick ? 1 : 7;
  // Warm-up: once each, outside the samples.
  if (!quick) for (const { run } of contestants) await run();
  const proofs: number[] = [];
  const samples = await interleave(
    contestants.map(({ run }, index) => ({
      sample: async () => {
        const began = performance.now();
        const { done, proof } = await run();
        const seconds = (performance.now() - began) / 1000;
        if (proofs[index] !== undefined && proofs[index] !== proof) throw new Error("two runs differ");
        proofs[index] = proof;
        return done / seconds;
      },
    })),
    { least: rounds, most: rounds, budget: 0, limit: Number.POSITIVE_INFINITY },
    (round, turn, variant) =>
      show.at((round + turn / contestants.length) / rounds, `vm: ${contestants[variant]!.name}, sample ${round + 1}`),
  );
  return contestants.map(({ name, floor, params }, index) => ({
    suite: "vm",
    name,
    mode: "js",
    threads: 1,
    params,
    unit: "ops/s",
    better: "higher",
    samples: samples[index]!,
    median: median(samples[index]!),
    floor,
    gilWait: 0,
    counters: { proof: proofs[index]! },
    checksum: null,
  }));
}

function policies(trace: Float64Array): Contestant[] {
  const params = { frames: FRAMES, pages: PAGES, references: trace.length, skew: SKEW };
  const online = [...POLICIES.values()].filter((entry) => entry.online);
  return [
    { name: LOOKUP, floor: null, params, run: () => ({ done: trace.length, proof: lookUpAndCount(trace) }) },
    ...online.map((entry) => ({
      name: entry.slug,
      floor: LOOKUP,
      params,
      run: () => {
        const policy = entry.create(FRAMES);
        let faults = 0;
        for (let n = 0; n < trace.length; n++) if (!policy.access(trace[n]!)) faults++;
        return { done: trace.length, proof: faults };
      },
    })),
  ];
}

/** What no policy can do without: find each page's entry, and note something there. */
function lookUpAndCount(trace: Float64Array): number {
  const mask = 2 * 2 ** Math.ceil(Math.log2(PAGES)) - 1;
  const keys = new Int32Array(mask + 1).fill(-1);
  const counts = new Int32Array(mask + 1);
  for (let n = 0; n < trace.length; n++) {
    const page = trace[n]! | 0;
    let at = Math.imul(page, 0x9e3779b1) & mask;
    while (keys[at] !== page && keys[at] !== -1) at = (at + 1) & mask;
    keys[at] = page;
    counts[at]!++;
  }
  return counts.reduce((most, count) => Math.max(most, count), 0);
}

function readers(trace: Float64Array): Contestant[] {
  const some = trace.subarray(0, 500_000);
  const numbers = Buffer.from([...some].join("\n"));
  const lackey = Buffer.from([...some].map((page) => ` L ${(page * 4096 + 64).toString(16)},8\n`).join(""));
  const read = (name: string, bytes: Buffer): Contestant => ({
    name,
    floor: BYTES,
    params: { bytes: bytes.length, lines: some.length },
    run: async () => {
      let done = 0;
      let proof = 0;
      for await (const { pages, count } of readTrace(chunks(bytes))) {
        done += count;
        proof += pages[count - 1]!;
      }
      return { done, proof };
    },
  });
  return [
    {
      name: BYTES,
      floor: null,
      params: { bytes: lackey.length, lines: some.length },
      run: () => {
        let lines = 0;
        for (let n = 0; n < lackey.length; n++) if (lackey[n] === 10) lines++;
        return { done: lines, proof: lines };
      },
    },
    read("read page numbers", numbers),
    read("read lackey", lackey),
  ];
}

async function* chunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1 << 20) yield bytes.subarray(at, at + (1 << 20));
}

function view(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const floor = rows.find((other) => other.name === row.floor);
    const millions = [row.median, Math.min(...row.samples), Math.max(...row.samples)].map((value) =>
      figure(value / 1e6),
    );
    return [row.name, ...millions, floor === undefined ? "" : times(row.median / floor.median)];
  });
  return table(["policy", "million a second", "least", "most", "of the floor"], lines, 1);
}
