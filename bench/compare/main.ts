// The main job: six workloads, each in plain JavaScript, under the GIL and without it, on one thread and on several, and
// the way people do it today. One table, and what it means.
import type { Command } from "commander";
import { EXIT, runCommand } from "../report/exit.js";
import type { Rounds } from "../report/interleave.js";
import { machine } from "../report/machine.js";
import { command, subset, whole } from "../report/options.js";
import { progress } from "../report/progress.js";
import type { Row } from "../report/shape.js";
import { checkPath, writeReport } from "../report/write.js";
import { runWorkload } from "./run.js";
import { compareTable, meaning } from "./view.js";
import type { Workload } from "./workload.js";
import { WORKLOADS } from "./workloads.js";

interface Options {
  only?: string[];
  threads: number;
  quick?: boolean;
  json?: string;
}

const NAMES = WORKLOADS.map(({ name }) => name);

/** Seconds for all workloads: what they may take, and what they may take if a few samples are all that fits. */
const WANTED = 95;
const MOST = 112;

function options(args: string[]): Options {
  const parser: Command = command("start")
    .description(
      "Runs the same work in plain JavaScript, under a global interpreter lock and without one, and compares.",
    )
    .option("--only <names>", "these workloads, with commas between", subset(NAMES))
    .option("--threads <n>", "compare one thread with this many", whole(1, 64), 2)
    .option("--quick", "small sizes: seconds instead of minutes, figures that say little")
    .option("--json <file>", "also write everything to a file")
    .addHelpText("after", `\n${help()}`);
  return parser.parse(args, { from: "user" }).opts<Options>();
}

function help(): string {
  const width = Math.max(...NAMES.map((name) => name.length));
  return [
    "Workloads:",
    ...WORKLOADS.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`),
    "",
    "Every variant must come to the same checksum as plain JavaScript; in every row with two threads each of them must do",
    "at least 30 % of the steps, and under the GIL no two steps may overlap. Else the exit code is 1.",
    "bench/README.md says what exactly each workload does and how to read the table.",
    "",
    "Examples:",
    "  pnpm start",
    "  pnpm start --only words,trees --json result.json",
  ].join("\n");
}

async function main(args: string[]): Promise<number> {
  const { only = NAMES, threads, quick = false, json } = options(args);
  if (json !== undefined) checkPath(json);
  const chosen = WORKLOADS.filter(({ name }) => only.includes(name));
  const began = performance.now();
  const rows: Row[] = [];
  const faults: string[] = [];
  const show = progress();
  try {
    for (const [at, workload] of chosen.entries()) {
      const rounds = quick ? ONE_ROUND : roundsFor(chosen.slice(at), performance.now() - began);
      const params = quick ? workload.params.quick : workload.params.full;
      const outcome = await runWorkload(workload, params, threads, rounds, (share, what) => {
        show.at((at + share) / chosen.length, what);
      });
      rows.push(...outcome.rows);
      faults.push(...outcome.faults);
    }
  } finally {
    show.end();
  }
  const { cpu, cores } = machine();
  console.log(compareTable(rows));
  console.log(`${meaning(rows)}\n`);
  console.log(
    `${cpu}, ${cores} cores, Node ${process.version}; medians; ${Math.round((performance.now() - began) / 1000)} s in all.`,
  );
  for (const workload of chosen) {
    if (typeof workload.pool === "string") console.log(`${workload.name} has no row for piscina: ${workload.pool}.`);
  }
  if (json !== undefined) console.log(`Written: ${writeReport(json, rows)}`);
  for (const fault of faults) console.error(`FAILED ${fault}`);
  if (faults.length === 0) console.log(`All checksums are those of plain JavaScript.`);
  return faults.length === 0 ? EXIT.ok : EXIT.failed;
}

const ONE_ROUND: Rounds = { least: 1, most: 1, budget: 0, limit: 0 };

/** Rounds for the first of the workloads that are left: what one does not use is there for the next. */
function roundsFor(left: readonly Workload[], spent: number): Rounds {
  const part = left[0]!.weight / left.reduce((sum, { weight }) => sum + weight, 0);
  return { least: 3, most: 7, budget: part * (WANTED * 1000 - spent), limit: part * (MOST * 1000 - spent) };
}

await runCommand("start", main);
