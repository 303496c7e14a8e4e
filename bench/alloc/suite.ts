// alloc: the programs that allocators are measured with, inside the kernel: operations a second beside atomic additions, and what
// memory is left when all is freed. Each is checked before it is timed: patterns in all blocks, nothing lost, the heap verified.
import { figure, median, times } from "../report/numbers.js";
import type { Progress } from "../report/progress.js";
import type { Row } from "../report/shape.js";
import { table } from "../report/table.js";
import type { Suite } from "../suites.js";
import { PORTS, PROGRAMS, type Program } from "./programs.js";
import { type Memory, type Timing, Trial } from "./trial.js";

const FLOOR = "floor: wasm atomic add, a thread";
const MODES = [true, false] as const;

interface Effort {
  samples: number;
  /** Share of a program's operations. */
  share: number;
  checks: number;
}

const FULL: Effort = { samples: 7, share: 1, checks: 0.5 };
const QUICK: Effort = { samples: 1, share: 0.02, checks: 0.05 };

export const alloc: Suite = {
  name: "alloc",
  about: "programs that allocators are measured with, in the kernel; memory is what frames are held when all is freed",
  run,
  view,
};

async function run(show: Progress, quick: boolean): Promise<Row[]> {
  const effort = quick ? QUICK : FULL;
  const rows: Row[] = [];
  for (const [index, program] of PROGRAMS.entries()) {
    show.at(index / PROGRAMS.length, `alloc: ${program.name}`);
    rows.push(...(await measure(program, effort)));
  }
  return rows;
}

/** Both modes in turn, so that what slows the machine down slows both. */
async function measure(program: Program, { samples, share, checks }: Effort): Promise<Row[]> {
  const trials: Trial[] = [];
  try {
    const memory: Memory[] = [];
    const timings: Timing[][] = [];
    for (const gil of MODES) {
      const trial = await Trial.start(program, gil);
      trials.push(trial);
      memory.push(await trial.check(Math.ceil(program.operations * checks)));
      timings.push([]);
    }
    for (let n = 0; n < samples; n++) {
      for (const [at, trial] of trials.entries())
        timings[at]!.push(await trial.time(Math.ceil(program.operations * share)));
    }
    return trials.flatMap((trial, at) => rowsOf(program, trial.gil, timings[at]!, memory[at]!));
  } finally {
    for (const trial of trials) await trial.end();
  }
}

function rowsOf(program: Program, gil: boolean, timings: Timing[], memory: Memory): Row[] {
  const { peakLive, peakFrames, framesAfter } = memory;
  const ratios = timings.map(({ ratio }) => ratio);
  const common = {
    suite: "alloc",
    mode: gil ? ("gil" as const) : ("free" as const),
    unit: "ops/s" as const,
    better: "higher" as const,
    gilWait: 0,
    checksum: null,
  };
  const row = (name: string, threads: number, samples: number[], floor: string | null, counters: Row["counters"]) => ({
    ...common,
    ...{ name, threads, params: { program: program.name }, samples, median: median(samples), floor, counters },
  });
  return [
    row(
      program.name,
      program.threads,
      timings.map((one) => one.operationsPerSecond),
      FLOOR,
      {
        ...{ peakLive, peakFrames, framesAfter },
        // In the same sample each: that of the medians would mix quiet moments with others.
        ratioToFloor: median(ratios),
      },
    ),
    row(
      FLOOR,
      1,
      timings.map((one) => one.floor),
      null,
      {},
    ),
  ];
}

function view(rows: readonly Row[]): string {
  const lines: string[][] = [];
  for (const [index, { name, threads }] of PROGRAMS.entries()) {
    const cells = (["gil", "free"] as const).flatMap((mode) => {
      const row = rows.find((other) => other.name === name && other.mode === mode)!;
      const counter = (key: string) => row.counters[key] as number;
      return [
        figure(row.median / 1e6),
        times(counter("ratioToFloor")),
        times(counter("peakFrames") / counter("peakLive")),
        times(counter("framesAfter") / counter("peakLive")),
      ];
    });
    const live = rows.find((other) => other.name === name)!.counters.peakLive as number;
    lines.push([index < PORTS ? name : `(${name})`, String(threads), figure(live / 1024), ...cells]);
  }
  const mode = (name: string) => [`${name}: M ops/s`, "/ atomic", "peak", "after"];
  return table(["program", "threads", "live, KiB", ...mode("GIL"), ...mode("GIL-free")], lines, 1);
}
