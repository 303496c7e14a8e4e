// snapshot: how long a thread that writes flat out is held up by a snapshot, of a small heap and of a large one, every page of
// them written. Its floor: how long the same thread is held up, now and then, by anything else.
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

interface Effort {
  heaps: number[]; // MiB
  snapshots: number;
  everyMs: number;
  runs: number;
  restores: number;
}

const FULL: Effort = { heaps: [16, 512], snapshots: 60, everyMs: 40, runs: 3, restores: 60 };
const QUICK: Effort = { heaps: [2], snapshots: 3, everyMs: 20, runs: 1, restores: 3 };

export const snapshot: Suite = {
  name: "snapshot",
  about:
    "how long a snapshot holds up a thread that writes flat out, and what restoring one takes, by size of the heap",
  run,
  view,
};

async function run(show: Progress, quick: boolean): Promise<Row[]> {
  const effort = quick ? QUICK : FULL;
  const found = new Map<string, Pauses>();
  const restored = new Map<string, Restores>();
  const turns = effort.runs * 2 * effort.heaps.length * (1 + KINDS.length);
  let turn = 0;
  for (let round = 0; round < effort.runs; round++) {
    for (const gil of [true, false]) {
      for (const mib of effort.heaps) {
        show.at(turn++ / turns, `snapshot: ${mib} MiB, ${gil ? "GIL" : "GIL-free"}, run ${round + 1}`);
        const one = await measure(mib, gil, effort);
        const key = `${gil ? "gil" : "free"} ${mib}`;
        const all = found.get(key);
        if (!all) found.set(key, one);
        else {
          all.pauses.push(...one.pauses);
          all.floors.push(...one.floors);
          all.calls.push(...one.calls);
          all.writes += one.writes;
        }
        for (const kind of KINDS) {
          show.at(turn++ / turns, `restore: ${mib} MiB of ${kind}, ${gil ? "GIL" : "GIL-free"}, run ${round + 1}`);
          const { restores, copies } = await measureRestores(mib, kind, gil, WARM_UP + effort.restores);
          const sum = restored.get(`${key} ${kind}`) ?? { restores: [], copies: [] };
          restored.set(`${key} ${kind}`, sum);
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
    return [row(RESTORE, mode, params, restores, COPY, {}), row(COPY, mode, params, copies, null, {})];
  });
}

function pauseRows(found: Map<string, Pauses>): Row[] {
  return [...found].flatMap(([key, { pauses, floors, calls, writes }]) => {
    const [mode, mib] = key.split(" ") as ["gil" | "free", string];
    const params = { heapMiB: Number(mib), snapshots: pauses.length };
    return [
      row(PAUSE, mode, params, pauses, FLOOR, { writes, callMs: median(calls) }),
      row(FLOOR, mode, params, floors, null, {}),
    ];
  });
}

/** Half of the moments are snapshots, the others, in turn with them, are none. */
async function measure(mib: number, gil: boolean, { snapshots, everyMs }: Effort) {
  const rt = await Runtime.start({ threads: 1, gil, memory: `${Math.ceil(mib * 2.5) + 16}MiB` });
  try {
    const lists = await rt.run(fill, mib);
    const running = rt.run(writer, lists, 200 + 2 * snapshots * everyMs * 1.3);
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
    const { gaps, writes } = await running;
    return { pauses: taken!.map((m) => longest(gaps, m)), floors: none!.map((m) => longest(gaps, m)), calls, writes };
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
    threads: 1,
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
        ({ name, mode, params }) => name === FLOOR && mode === row.mode && params.heapMiB === row.params.heapMiB,
      )!;
      return [
        `${row.params.heapMiB} MiB, ${row.mode === "gil" ? "GIL" : "GIL-free"}`,
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
