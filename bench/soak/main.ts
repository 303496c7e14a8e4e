// pnpm soak: randomised mutators for as long as you like, checked by an oracle and by verify().
import { EXIT, runCommand } from "../report/exit.js";
import { median } from "../report/numbers.js";
import { command, oneOf, positive, whole } from "../report/options.js";
import { progress } from "../report/progress.js";
import type { Row } from "../report/shape.js";
import { checkPath, writeReport } from "../report/write.js";
import { type PhaseResult, type Plan, type Round, runPhase } from "./phase.js";
import { add, REQUIRED, type Totals } from "./totals.js";

interface Options {
  minutes: number;
  threads: number;
  seed?: number;
  mode: "gil" | "free";
  json?: string;
}

const ROUNDS_A_PHASE = 6;
const MUTATORS_A_THREAD = 3;
const STEPS = 4000;

function options(args: string[]): Options {
  return command("soak")
    .description(
      "Random operations on shared objects by many coroutines, half of them on objects that all of them share; after every\n" +
        "round an oracle in plain JavaScript says what the objects must hold, and verify() walks the whole heap.",
    )
    .option("--minutes <n>", "how long", positive, 1)
    .option("--threads <n>", "worker threads", whole(1, 60), 2)
    .option("--seed <n>", "repeat a run's scripts (threads still race as they like)", whole(0, 0xffffffff))
    .option("--mode <mode>", "gil or free", oneOf("gil", "free"), "free" as const)
    .option("--json <file>", "also write the figures to a file")
    .parse(args, { from: "user" })
    .opts<Options>();
}

async function main(args: string[]): Promise<number> {
  const { minutes, threads, seed = Date.now() >>> 0, mode, json } = options(args);
  if (json !== undefined) checkPath(json);
  console.log(`soak: seed ${seed}, ${mode === "gil" ? "GIL" : "GIL-free"}, ${threads} threads, ${minutes} minutes`);
  const plan: Plan = {
    seed,
    mode,
    threads,
    mutators: threads * MUTATORS_A_THREAD,
    length: STEPS,
    rounds: ROUNDS_A_PHASE,
  };
  const { rounds, totals } = await soak(plan, minutes);
  const operations = rounds.reduce((sum, round) => sum + round.operations, 0);
  const shared = rounds.reduce((sum, round) => sum + round.shared, 0);
  console.log(
    `${rounds.length} rounds, ${operations.toLocaleString("en-US")} operations, ${Math.round((100 * shared) / operations)} % of them on shared objects`,
  );
  for (const [name, count] of Object.entries(totals))
    console.log(`  ${name.padEnd(16)} ${count.toLocaleString("en-US").padStart(14)}`);
  if (json !== undefined) console.log(`Written: ${writeReport(json, [row(plan, rounds, totals)])}`);
  const never = REQUIRED.filter((name) => !((totals[name] ?? 0) > 0));
  for (const name of never) console.error(`FAILED ${name}: none in the whole run, so that was not tested`);
  if (never.length === 0)
    console.log(`Clean: every round agreed with the oracle, every walk of verify() found nothing.`);
  return never.length === 0 ? EXIT.ok : EXIT.failed;
}

async function soak(plan: Plan, minutes: number): Promise<{ rounds: Round[]; totals: Totals }> {
  const began = performance.now();
  const share = (): number => (performance.now() - began) / (minutes * 60_000);
  const rounds: Round[] = [];
  const totals: Totals = {};
  const show = progress();
  const onRound = (round: Round): boolean => {
    rounds.push(round);
    show.at(
      Math.min(1, share()),
      `round ${rounds.length}, ${Math.round((1000 * round.operations) / round.ms).toLocaleString("en-US")} operations a second`,
    );
    return share() < 1;
  };
  try {
    do {
      const phase: PhaseResult = await runPhase(plan, rounds.length, onRound);
      add(totals, phase.totals);
    } while (share() < 1);
  } catch (error) {
    throw new Error(
      `soak failed; repeat its scripts with --seed ${plan.seed} --threads ${plan.threads} --mode ${plan.mode}`,
      { cause: error },
    );
  } finally {
    show.end();
  }
  return { rounds, totals };
}

function row({ seed, mode, threads, mutators, length }: Plan, rounds: Round[], totals: Totals): Row {
  const samples = rounds.map((round) => (1000 * round.operations) / round.ms);
  return {
    suite: "soak",
    name: "operations",
    mode,
    threads,
    params: { seed, mutators, steps: length },
    unit: "ops/s",
    better: "higher",
    samples,
    median: median(samples),
    floor: null,
    gilWait: 0,
    counters: { ...totals },
    checksum: null,
  };
}

await runCommand("soak", main);
