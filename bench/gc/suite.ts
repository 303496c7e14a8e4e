// gc: how long a thread that works flat out is held up while cycles are collected, of a small heap and of a large one: gaps between
// two of its operations, less what they are without a collection. Beside it a collector that stops the world. With as many threads
// that work as cores, the operating system lets one wait while others run; what the collector asks of them is told apart.
import { type List, Runtime } from "ungil";
import { figure, median } from "../report/numbers.js";
import type { Progress } from "../report/progress.js";
import type { Row } from "../report/shape.js";
import { table } from "../report/table.js";
import type { Suite } from "../suites.js";
import { dropRow, viewDrops } from "./drop.js";
import { gapAt, type Spread } from "./gaps.js";
import { histogram } from "./histogram.js";
import { BOUNDS, type Gaps, grow, moment, mutate, NOTED, type Node } from "./jobs.js";

interface Effort {
  objects: number[];
  threads: number[];
  /** Times in which cycles are collected; as many, in turn with them, in which none are. */
  windows: number;
  windowMs: number;
}

const FULL: Effort = { objects: [500_000, 5_000_000], threads: [1, 2], windows: 3, windowMs: 2000 };
const QUICK: Effort = { objects: [20_000], threads: [1], windows: 1, windowMs: 100 };

const KINDS = ["pause", "pause-stopped"] as const;
type Kind = (typeof KINDS)[number];

/** What was seen in windows of one kind: gaps of all threads together. */
interface Seen extends Spread {
  /** The longest gap of each thread in each collection. */
  longest: number[];
  /** Of each collection, in milliseconds: how long it took, and for how much of that it asked the world to stand still. */
  durations: number[];
  stops: number[];
  rings: number;
  collected: number;
}

const nothing = (): Seen => ({
  operations: 0,
  buckets: new Array(BOUNDS.length + 1).fill(0),
  long: [],
  longest: [],
  durations: [],
  stops: [],
  rings: 0,
  collected: 0,
});

type Found = Record<Kind | "off", Seen>;

export const gc: Suite = {
  name: "gc",
  about: "gaps between two operations of threads that work flat out while cycles are collected, by objects that live",
  run,
  view,
};

async function run(show: Progress, quick: boolean): Promise<Row[]> {
  const effort = quick ? QUICK : FULL;
  const cases = [true, false].flatMap((gil) =>
    effort.threads.flatMap((threads) => effort.objects.map((objects) => ({ gil, threads, objects }))),
  );
  const rows: Row[] = [];
  for (const [n, { gil, threads, objects }] of cases.entries()) {
    const where = `gc: ${objects.toLocaleString("en-US")} objects, ${gil ? "GIL" : "GIL-free"}, ${threads} working`;
    const told = (share: number) => show.at((n + share) / cases.length, where);
    told(0);
    const found = await measure(objects, threads, gil, effort, told);
    for (const kind of KINDS) rows.push(row(kind, found, gil, threads, objects));
  }
  for (const gil of [true, false]) rows.push(await dropRow(effort.objects.at(-1)!, effort.windowMs, gil));
  return rows;
}

async function measure(
  objects: number,
  threads: number,
  gil: boolean,
  { windows, windowMs }: Effort,
  told: (share: number) => void,
): Promise<Found> {
  const rt = await Runtime.start({ threads, gil, memory: `${128 + Math.ceil(objects / 8000)}MiB` });
  try {
    const lists = await rt.run(grow, objects);
    const first = await rt.gc.collect();
    const length = Math.max(windowMs, 1.5 * (first?.duration ?? 0));
    const found: Found = { off: nothing(), pause: nothing(), "pause-stopped": nothing() };
    await window(rt, lists, threads, windowMs / 4, nothing(), null); // it is warm then
    for (let n = 0; n < windows; n++) {
      for (const kind of ["off", ...KINDS] as const) {
        told((n + ["off", ...KINDS].indexOf(kind) / 3) / windows);
        await window(rt, lists, threads, length, found[kind], kind === "off" ? null : kind);
        await rt.gc.collect(); // what it has made
      }
    }
    return found;
  } finally {
    await rt.close();
  }
}

/** All threads work for so long, while one collection comes after the other, or none. */
async function window(
  rt: Runtime,
  lists: List<List<Node>>,
  threads: number,
  length: number,
  seen: Seen,
  kind: Kind | null,
): Promise<void> {
  const until = moment() + length;
  const working = Promise.all(Array.from({ length: threads }, () => rt.run(mutate, lists, until)));
  const moments: [number, number][] = [];
  while (kind && moment() < until) {
    const began = moment();
    const report = await rt.gc.collect({ stopWorld: kind === "pause-stopped" });
    if (!report) continue;
    moments.push([began, moment()]);
    seen.durations.push(report.duration);
    seen.stops.push(report.stopped);
    seen.collected += report.collected;
  }
  for (const { operations, buckets, long, rings } of (await working) as Gaps[]) {
    seen.operations += operations;
    seen.rings += rings;
    for (const [n, count] of buckets.entries()) seen.buckets[n]! += count;
    const pairs = Array.from({ length: long.length / 2 }, (_, n) => [long[2 * n]!, long[2 * n + 1]!] as const);
    for (const [, lasted] of pairs) seen.long.push(lasted);
    for (const [from, to] of moments) {
      const within = pairs.filter(([began, lasted]) => began <= to && began + lasted >= from);
      seen.longest.push(within.reduce((most, [, lasted]) => Math.max(most, lasted), NOTED));
    }
  }
}

function row(kind: Kind, found: Found, gil: boolean, threads: number, objects: number): Row {
  const [on, off] = [found[kind], found.off];
  const less = (share: number) => Math.max(0, gapAt(on, share) - gapAt(off, share));
  return {
    suite: "gc",
    name: kind,
    mode: gil ? "gil" : "free",
    threads,
    params: { objects, collections: on.durations.length },
    unit: "ms",
    better: "lower",
    samples: on.longest,
    median: median(on.longest),
    floor: null, // it is taken off: the same percentile without a collection
    gilWait: 0,
    counters: {
      operations: on.operations,
      rings: on.rings,
      collected: on.collected,
      durationMs: median(on.durations),
      stoppedMs: median(on.stops),
      stoppedMaxMs: Math.max(...on.stops),
      p99: gapAt(on, 0.99),
      p9999: gapAt(on, 0.9999),
      max: gapAt(on, 1),
      offP99: gapAt(off, 0.99),
      offP9999: gapAt(off, 0.9999),
      offMax: gapAt(off, 1),
      buckets: on.buckets,
      offBuckets: off.buckets,
    },
    checksum: null,
    p50: less(0.5),
    p99: less(0.99),
    max: less(1),
  };
}

function view(all: readonly Row[]): string {
  const rows = all.filter(({ name }) => (KINDS as readonly string[]).includes(name));
  const lines = rows.map(({ name, mode, threads, params, counters, median, p99, max }) => [
    `${Number(params.objects).toLocaleString("en-US")}, ${mode === "gil" ? "GIL" : "GIL-free"}, ${threads} working`,
    name,
    figure(p99!),
    figure(max!),
    figure(counters.offMax as number),
    figure(median),
    figure(counters.stoppedMs as number),
    figure(counters.stoppedMaxMs as number),
    figure(counters.durationMs as number),
  ]);
  const head = [
    "objects",
    "row",
    "p99 less off",
    "max less off",
    "max, off",
    "longest of each",
    "stopped",
    "stopped: max",
    "collection",
  ];
  const pictures = rows.map(
    ({ name, mode, threads, params, counters }) =>
      `${name}, ${Number(params.objects).toLocaleString("en-US")} objects, ${mode}, ${threads} working\n${histogram(
        BOUNDS,
        counters.buckets as number[],
        counters.offBuckets as number[],
      )}`,
  );
  return `Milliseconds.\n${table(head, lines, 2)}\n\n${viewDrops(all)}\n\n${pictures.join("\n\n")}`;
}
