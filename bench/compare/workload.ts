// What a workload is: the same piece of work, written once in plain JavaScript, once on shared objects, and once the
// way people share work between threads today. All of them must give the same checksum.
import type { Piscina } from "piscina";
import type { Runtime } from "ungil";
import type { Mode } from "../report/shape.js";

/** One variant of a workload at one size. Only `run` is timed. */
export interface Job {
  /** Makes ready for a run: the second run starts from the same state as the first. */
  reset?(): void | Promise<void>;
  /** Does the work. It may give a time in ms that it took by its own clock (a program in another process does). */
  run(): void | number | Promise<void | number>;
  /** What the last run came to, as a text that the workload defines to the letter. */
  checksum(): string | Promise<string>;
  close?(): void | Promise<void>;
}

/** A variant on somebody else's library, in a process or an engine of its own. */
export interface Peer<P> {
  mode: Mode;
  threads: number;
  /** No more samples than this: it takes very long. */
  samples: number;
  /** Why this machine cannot run it, or null if it can. */
  missing(): Promise<string | null>;
  job(params: P): Job | Promise<Job>;
}

export interface Workload<P extends Params = Params> {
  name: string;
  about: string;
  /** Its part of the time that all workloads have together, against 1 of most of them. */
  weight: number;
  /** `full` is what the table shows, `quick` is for tests, and warms every variant up before it is timed. */
  params: { full: P; quick: P };
  plain(params: P): Job;
  shared(rt: Runtime, params: P): Job | Promise<Job>;
  /** piscina and structured clone; or why nobody can do it that way. */
  pool: ((pool: Piscina, params: P) => Job) | string;
  poolFile?: URL;
  peers?: Peer<P>[];
}

export type Params = Record<string, number | string | boolean>;

/** Keeps the parameters of a workload's own variants checked against each other; outside they are just parameters. */
export function workload<P extends Params>(definition: Workload<P>): Workload {
  return definition as unknown as Workload;
}
