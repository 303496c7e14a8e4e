// The ways in which a workload is run, and their rows: each is opened once, warmed up, sampled in turn with the others, closed.
import { Piscina } from "piscina";
import { Runtime } from "ungil";
import { median } from "../report/numbers.js";
import type { Mode, Row } from "../report/shape.js";
import { type Work, workOf } from "./counters.js";
import type { Job, Params, Workload } from "./workload.js";

export interface Sample {
  ms: number;
  checksum: string;
  work: Work | null;
}

export interface Variant {
  mode: Mode;
  threads: number;
  /** No more samples than this. */
  most?: number;
  sample(): Promise<Sample>;
  /** What the warm-up at the quick size came to. */
  warmUp: string;
  close(): Promise<void>;
}

/** How to open a variant; nothing runs before `open` is called. */
export interface Opening {
  mode: Mode;
  threads: number;
  open(): Promise<Variant>;
}

/** Warm-up runs at the quick size go on for this long, and are at least two. */
const WARM_UP_MS = 150;

/** All variants of a workload, plain JavaScript first. */
export async function openings(workload: Workload, params: Params, most: number): Promise<Opening[]> {
  const counts = most === 1 ? [1] : [1, most];
  const all: Opening[] = [plainOpening(workload, params)];
  for (const mode of ["gil", "free"] as const) {
    for (const threads of counts) all.push(sharedOpening(workload, params, mode, threads));
  }
  if (typeof workload.pool !== "string") all.push(poolOpening(workload, params, most));
  for (const peer of workload.peers ?? []) {
    if ((await peer.missing()) !== null) continue;
    const { mode, threads, samples } = peer;
    const open = async (): Promise<Variant> => ({
      ...(await opened({ mode, threads }, workload, params, (size) => peer.job(size))),
      most: samples,
    });
    all.push({ mode, threads, open });
  }
  return all;
}

function plainOpening(workload: Workload, params: Params): Opening {
  const kind = { mode: "js" as const, threads: 1 };
  return { ...kind, open: () => opened(kind, workload, params, (size) => workload.plain(size)) };
}

function poolOpening(workload: Workload, params: Params, threads: number): Opening {
  const kind = { mode: "peer:piscina" as const, threads };
  return {
    ...kind,
    async open() {
      const filename = workload.poolFile!.href;
      const piscina = new Piscina({ filename, minThreads: threads, maxThreads: threads, concurrentTasksPerWorker: 1 });
      const pool = workload.pool as Exclude<Workload["pool"], string>;
      return opened(kind, workload, params, (size) => pool(piscina, size), { close: () => piscina.destroy() });
    },
  };
}

function sharedOpening(workload: Workload, params: Params, mode: "gil" | "free", threads: number): Opening {
  return {
    mode,
    threads,
    async open() {
      const rt = await Runtime.start({ threads, gil: mode === "gil", memory: "512MiB" });
      return opened({ mode, threads }, workload, params, (size) => workload.shared(rt, size), {
        close: () => rt.close(),
        work: () => workOf(rt),
      });
    },
  };
}

interface Host {
  close?(): Promise<void>;
  work?(): Work;
}

async function opened(
  kind: { mode: Mode; threads: number },
  workload: Workload,
  params: Params,
  job: (size: Params) => Job | Promise<Job>,
  host: Host = {},
): Promise<Variant> {
  const warmUp = await warm(await job(workload.params.quick));
  const real = await job(params);
  return {
    ...kind,
    warmUp,
    async sample() {
      await real.reset?.();
      const before = host.work?.();
      const ms = await timed(real);
      const work = before === undefined ? null : host.work!().since(before);
      return { ms, checksum: await real.checksum(), work };
    },
    async close() {
      await real.close?.();
      await host.close?.();
    },
  };
}

async function warm(job: Job): Promise<string> {
  const began = performance.now();
  for (let runs = 0; runs < 2 || performance.now() - began < WARM_UP_MS; runs++) {
    await job.reset?.();
    await job.run();
  }
  const checksum = await job.checksum();
  await job.close?.();
  return checksum;
}

async function timed(job: Job): Promise<number> {
  const began = performance.now();
  const own = await job.run();
  return own ?? performance.now() - began;
}

/** The row of a variant, and what is wrong with its counters. */
export function row(
  workload: Workload,
  params: Params,
  kind: Opening,
  samples: readonly Sample[],
): { row: Row; faults: string[] } {
  const ms = samples.map((sample) => sample.ms);
  const work = samples
    .map((sample) => sample.work)
    .reduce((sum, some) => (sum === null || some === null ? null : sum.plus(some)));
  const { mode, threads } = kind;
  // Runs of the quick size are too short to be shared evenly.
  const idle = params === workload.params.quick ? [] : (work?.idle() ?? []);
  const faults = [...idle, ...(work?.overlaps(mode) ?? [])];
  return {
    row: {
      suite: "compare",
      name: workload.name,
      mode,
      threads,
      params: { ...params },
      unit: "ms",
      better: "lower",
      samples: ms,
      median: median(ms),
      floor: null,
      gilWait: work?.gilWait ?? 0,
      counters: work?.counters() ?? {},
      checksum: samples[0]!.checksum,
    },
    faults: faults.map((fault) => `${workload.name}, ${label(kind)}: ${fault}`),
  };
}

export function label({ mode, threads }: { mode: Mode; threads: number }): string {
  if (mode === "js") return "plain JavaScript";
  const name = mode.startsWith("peer:") ? mode.slice(5) : mode === "gil" ? "GIL" : "GIL-free";
  return `${name}, ${threads} thread${threads === 1 ? "" : "s"}`;
}
