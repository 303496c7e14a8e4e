// A phase of a soak: one runtime, one shared world, several rounds. In a round mutators run on all threads, while the main
// thread changes the same objects; then the oracle and verify() look at everything, and a thread ends whose pages
// others must adopt. At the end of the phase all is let go of.
import { setTimeout as pause } from "node:timers/promises";
import { Runtime } from "ungil";
import { at, type Diary, leave, mutate, tallyKey } from "./mutator.js";
import { Oracle, type Play, plays, type Taken } from "./oracle.js";
import { empty, readOut } from "./readout.js";
import { mutatorSeed, needsWaiting, script } from "./script.js";
import { type Totals, totalsOf } from "./totals.js";
import { breakCycles, makeWorld, type World } from "./world.js";

export interface Plan {
  seed: number;
  mode: "gil" | "free";
  threads: number;
  mutators: number;
  /** Steps of a mutator in a round. */
  length: number;
  rounds: number;
}

export interface Round {
  operations: number;
  shared: number;
  ms: number;
}

export interface PhaseResult {
  rounds: Round[];
  totals: Totals;
}

/** Steps of the main thread in a round, and how many of them it does at a time. */
const MAIN_LENGTH = 240;
const MAIN_BATCH = 12;
const MAIN_PAUSE_MS = 5;
/** Parcels that a thread leaves behind when it ends. */
const LEFT_BEHIND = 200;

/** Runs rounds until the plan or the time is over; throws with everything that is wrong. */
export async function runPhase(
  plan: Plan,
  firstRound: number,
  onRound: (round: Round) => boolean,
): Promise<PhaseResult> {
  const rt = await Runtime.start({ threads: plan.threads, gil: plan.mode === "gil", memory: "256MiB" });
  const result: PhaseResult = { rounds: [], totals: {} };
  try {
    const world = await rt.run(makeWorld);
    const oracle = new Oracle(tallyKey);
    for (let round = 0; round < plan.rounds; round++) {
      const done = await runRound(rt, world, oracle, plan, firstRound + round);
      result.rounds.push(done);
      if (!onRound(done)) break;
    }
    await rt.run(breakCycles, world);
    world[Symbol.dispose]();
    check(rt, "at the end of a phase", []);
    result.totals = totalsOf(rt);
  } catch (error) {
    // What went wrong first is what counts.
    await rt.close().catch(() => {});
    throw error;
  }
  await rt.close();
  return result;
}

async function runRound(rt: Runtime, world: World, oracle: Oracle, plan: Plan, round: number): Promise<Round> {
  const workers = plays(plan.seed, round, plan.mutators, plan.length);
  const main: Play = {
    seed: mutatorSeed(plan.seed, round, plan.mutators),
    mutator: plan.mutators,
    length: MAIN_LENGTH,
    waits: false,
  };
  const began = performance.now();
  const diaries = await Promise.all([
    ...workers.map(({ seed, mutator, length }) => rt.run(mutate, world, seed, mutator, length)),
    playOnMain(rt, world, main),
  ]);
  const ms = performance.now() - began;
  const token = (plan.mutators + 1) * 1_000_000;
  const gone = await endThread(rt, world, token);
  const faults = gone === null ? [] : [gone];
  rt.scope(() => {
    const found = readOut(world, faults);
    const taken: Taken = {
      popped: diaries.flatMap((diary) => diary.popped),
      received: diaries.flatMap((diary) => diary.received),
    };
    const shipped = Array.from({ length: LEFT_BEHIND }, (_, count) => token + count);
    faults.push(...oracle.round([...workers, main], found, taken, shipped));
    empty(world);
  });
  oracle.emptied();
  check(rt, `in round ${round}`, faults);
  const shared = diaries.reduce((sum, diary) => sum + diary.shared, 0);
  return { shared, operations: shared + diaries.reduce((sum, diary) => sum + diary.own, 0), ms };
}

/** The main thread is a mutator too: each access is a step of its own. It does not wait, so it takes no locks. */
async function playOnMain(rt: Runtime, world: World, { seed, mutator, length }: Play): Promise<Diary> {
  const diary: Diary = { shared: 0, own: 0, popped: [], received: [] };
  const registered: number[] = [];
  let steps = 0;
  for (const { shared } of script(seed, mutator, length)) {
    if (shared !== null && !needsWaiting(shared)) {
      rt.scope(() => at(world, shared, registered, diary));
      diary.shared++;
    }
    if (++steps % MAIN_BATCH === 0) await pause(MAIN_PAUSE_MS);
  }
  return diary;
}

/** Ends a thread; says what is wrong with the way in which the runtime tells of it. */
async function endThread(rt: Runtime, world: World, token: number): Promise<string | null> {
  try {
    await rt.run(leave, world, token, LEFT_BEHIND);
    return "a coroutine whose thread ended came back";
  } catch (error) {
    const { code } = error as { code?: string };
    return code === "WORKER_CRASHED" ? null : `a thread that ended gave ${String(error)}`;
  }
}

function check(rt: Runtime, when: string, faults: string[]): void {
  const { violations } = rt.verify();
  const all = [...faults, ...violations.map((violation) => `verify: ${String(violation)}`)];
  if (all.length > 0) throw new Error(`${all.length} faults ${when}:\n  ${all.slice(0, 20).join("\n  ")}`);
}
