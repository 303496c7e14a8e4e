// The one JSON shape of every suite: compare, micro, soak and those to come.

/** How a row was run: under the GIL, without it, in plain JavaScript, or on somebody else's library. */
export type Mode = "gil" | "free" | "js" | `peer:${string}`;

export const UNITS = ["ns/op", "ms", "ops/s", "ratio"] as const;
export type Unit = (typeof UNITS)[number];

export type Better = "lower" | "higher";

/** A number, or one number for each thread. */
export type Counters = Record<string, number | number[]>;

export interface Row {
  suite: string;
  name: string;
  mode: Mode;
  threads: number;
  params: Record<string, number | string | boolean>;
  unit: Unit;
  better: Better;
  /** In the order in which they were taken, warm-up left out. */
  samples: number[];
  median: number;
  /** The name of the row, in the same run, that says how fast the bare machine is. */
  floor: string | null;
  /** The share of the threads' time spent waiting for the GIL, 0..1. */
  gilWait: number;
  counters: Counters;
  checksum: string | null;
  /** A latency row also has these three. */
  p50?: number;
  p99?: number;
  max?: number;
}

export interface Machine {
  cpu: string;
  cores: number;
  /** Bytes. */
  memory: number;
}

export interface Report {
  machine: Machine;
  node: string;
  /** ISO 8601. */
  date: string;
  rows: Row[];
}
