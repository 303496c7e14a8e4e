// snapshot: how long a thread that writes flat out is held up by a snapshot, of a small heap and of a large one, every page of
// them written. Its floor: how long the same thread is held up, now and then, by anything else. With more threads than
// cores that is above all the operating system, which lets one wait while others run: for its time slices, not for us.
import { Runtime } from "ungil";
import { figure, median, times } from "../report/numbers.js";
import type { Progress } from "../report/progress.js";
import type { Row } from "../report/shape.js";
import { table } from "../report/table.js";
import type { Suite } from "../suites.js";
import { fill, moment, NOTED, writer } from "./jobs.js";
import { CHANGED, KINDS, measureRestores, type Restores, WARM_UP } from "./restore.js";

const FLOOR = "floor: the same moments without snapshots";
const PAUSE = "snapshot, pause of a writer";
const RESTORE = `restore, ${CHANGED} pages changed`;
const COPY = `floor: copying ${CHANGED} pages`;

interface Pauses {
  pauses: number[];
  floors: number[];
  calls: number[];
  writes: number;
}

interface Case {
  mib: number;
  threads: number; // that write; one leaves a core to the rest
}

interface Effort {
  cases: Case[];
  snapshots: number;
  everyMs: number;
  runs: number;
  restores: number;
}

const CASES = [
  { mib: 16, threads: 1 },
  { mib: 512, threads: 1 },
  { mib: 512, threads: 2 },
  { mib: 512, threads: 4 },
];
const FULL: Effort = { cases: CASES, snapshots: 60, everyMs: 40, runs: 3, restores: 60 };
const QUICK_CASES = [
  { mib: 2, threads: 1 },
  { mib: 2, threads: 2 },
];
const QUICK: Effort = { cases: QUICK_CASES, snapshots: 3, everyMs: 20, runs: 1, restores: 3 };

export const snapshot: Suite = {
  name: "snapshot",
  about: "how long a snapshot holds up threads that write flat out, and what restoring one takes, by size of the heap",
  run,
  view,
};

async function run(show: Progress, quick: boolean): Promise<Row[]> {
  const effort = quick ? QUICK : FULL;
  const found = new Map<string, Pauses>();
  const restored = new Map<string, Restores>();
  const restores = effort.cases.filter(({ threads }) => threads === 1);
  const turns = effort.runs * 2 * (effort.cases.length + restores.length * KINDS.length);
  let turn = 0;
  for (let round = 0; round < effort.runs; round++) {
    for (const gil of [true, false]) {
      const mode = gil ? "GIL" : "GIL-free";
      for (const { mib, threads } of effort.cases) {
        show.at(turn++ / turns, `snapshot: ${mib} MiB, ${mode}, ${threads} writing, run ${round + 1}`);
        const one = await measure(mib, threads, gil, effort);
        const key = `${gil ? "gil" : "free"} ${mib} ${threads}`;
        const all = found.get(key) ?? { pauses: [], floors: [], calls: [], writes: 0 };
        found.set(key, all);
        all.pauses.push(...one.pauses);
        all.floors.push(...one.floors);
        all.calls.push(...one.calls);
        all.writes += one.writes;
      }
      for (const { mib } of restores) {
        for (const kind of KINDS) {
          show.at(turn++ / turns, `restore: ${mib} MiB of ${kind}, ${mode}, run ${round + 1}`);
          const { restores, copies } = await measureRestores(mib, kind, gil, WARM_UP + effort.restores);
          const key = `${gil ? "gil" : "free"} ${mib} ${kind}`;
          const sum = restored.get(key) ?? { restores: [], copies: [] };
          restored.set(key, sum);
          sum.restores.push(...restores);
          sum.copies.push(...copies);
        }
      }
    }
  }
  return [...pauseRows(found), ...restoreRows(restored)];
}

function restoreRows(restored: Map<string, Restores>): Row[] {
  return [...restored].flatMap(([key, { restores, copies }]) => {
    const [mode, mib, kind] = key.split(" ") as ["gil" | "free", string, string];
    const params = { heapMiB: Number(mib), kind, restores: restores.length };
    return [row(RESTORE, mode, 1, params, restores, COPY, {}), row(COPY, mode, 1, params, copies, null, {})];
  });
}

function pauseRows(found: Map<string, Pauses>): Row[] {
  return [...found].flatMap(([key, { pauses, floors, calls, writes }]) => {
    const [mode, mib, threads] = key.split(" ") as ["gil" | "free", string, string];
    const params = { heapMiB: Number(mib), snapshots: calls.length };
    return [
      row(PAUSE, mode, Number(threads), params, pauses, FLOOR, { writes, callMs: median(calls) }),
      row(FLOOR, mode, Number(threads), params, floors, null, {}),
    ];
  });
}

/** Half of the moments are snapshots, the others, in turn with them, are none. Each thread that writes has a pause in each. */
async function measure(mib: number, threads: number, gil: boolean, { snapshots, everyMs }: Effort): Promise<Pauses> {
  const rt = await Runtime.start({ threads, gil, memory: `${Math.ceil(mib * 2.5) + 16}MiB` });
  try {
    const lists = await rt.run(fill, mib);
    const time = 200 + 2 * snapshots * everyMs * 1.3;
    const running = Promise.all(Array.from({ length: threads }, (_, n) => rt.run(writer, lists, time, n, threads)));
    await pause(100); // it is warm then
    const [taken, none]: [number, number][][] = [[], []];
    const calls: number[] = [];
    for (let n = 0; n < 2 * snapshots; n++) {
      await pause(everyMs);
      const began = moment();
      if (n % 2 === 0) {
        const snapshot = await rt.snapshot();
        const ended = moment();
        calls.push(ended - began);
        taken!.push([began, ended]);
        await pause(everyMs / 4); // what is written first meanwhile is kept
        snapshot.dispose();
      } else {
        none!.push([began, began + (calls.at(-1) ?? 0)]);
      }
    }
    const found = await running;
    return {
      pauses: found.flatMap(({ gaps }) => taken!.map((moments) => longest(gaps, moments))),
      floors: found.flatMap(({ gaps }) => none!.map((moments) => longest(gaps, moments))),
      calls,
      writes: found.reduce((sum, { writes }) => sum + writes, 0),
    };
  } finally {
    await rt.close();
  }
}

/** The longest gap that touches a moment; what is shorter than is noted counts as that. */
function longest(gaps: number[], [from, to]: [number, number]): number {
  let most = NOTED;
  for (let n = 0; n < gaps.length; n += 2) {
    const [began, lasted] = [gaps[n]!, gaps[n + 1]!];
    if (began <= to && began + lasted >= from) most = Math.max(most, lasted);
  }
  return most;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function row(
  name: string,
  mode: Row["mode"],
  threads: number,
  params: Row["params"],
  samples: number[],
  floor: string | null,
  counters: Row["counters"],
): Row {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return {
    suite: "snapshot",
    name,
    mode,
    threads,
    params,
    unit: "ms",
    better: "lower",
    samples,
    median: median(samples),
    floor,
    gilWait: 0,
    counters,
    checksum: null,
    p50: at(0.5),
    p99: at(0.99),
    max: sorted.at(-1)!,
  };
}

function view(rows: readonly Row[]): string {
  return `${viewPauses(rows)}\n\n${viewRestores(rows)}`;
}

function viewRestores(rows: readonly Row[]): string {
  const lines = rows
    .filter(({ name }) => name === RESTORE)
    .map((row) => {
      const { heapMiB, kind } = row.params;
      const floor = rows.find(
        ({ name, mode, params }) =>
          name === COPY && mode === row.mode && params.heapMiB === heapMiB && params.kind === kind,
      )!;
      return [
        `${heapMiB} MiB of ${kind}, ${row.mode === "gil" ? "GIL" : "GIL-free"}`,
        figure(row.p50!),
        figure(row.p99!),
        figure(floor.p50!),
        times(row.p50! / floor.p50!),
      ];
    });
  return table([`restore of ${CHANGED} pages`, "median, ms", "p99, ms", "copy: median", "/ copy"], lines, 1);
}

function viewPauses(rows: readonly Row[]): string {
  const lines = rows
    .filter(({ name }) => name === PAUSE)
    .map((row) => {
      const floor = rows.find(
        ({ name, mode, threads, params }) =>
          name === FLOOR && mode === row.mode && threads === row.threads && params.heapMiB === row.params.heapMiB,
      )!;
      return [
        `${row.params.heapMiB} MiB, ${row.mode === "gil" ? "GIL" : "GIL-free"}, ${row.threads} writing`,
        figure(row.p50!),
        figure(row.p99!),
        figure(row.max!),
        figure(floor.p50!),
        figure(floor.p99!),
        times(row.p50! / floor.p50!),
      ];
    });
  return table(["heap", "median, ms", "p99, ms", "max, ms", "else: median", "else: p99", "/ floor"], lines, 1);
}
