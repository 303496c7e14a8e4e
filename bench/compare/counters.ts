// What the threads of a runtime did during a run, from rt.stats(): the differences of its counters.
import type { Runtime, RuntimeStats, ThreadStats } from "ungil";
import type { Counters, Mode } from "../report/shape.js";

const OF_THREADS = ["steps", "steals", "parks", "busyMs", "gilWaitMs", "gilHoldMs", "lockWaits"] as const;
const OF_RUNTIME = [
  "allocations",
  "frees",
  "remoteFrees",
  "limbo",
  "resurrections",
  "safepoints",
  "tlbMisses",
] as const;

/** A part of an even share of the steps: with two threads, each must run 30 % of them. */
const LEAST_OF_EVEN_SHARE = 0.6;

export class Work {
  constructor(
    /** A number for each worker thread. */
    readonly threads: Record<(typeof OF_THREADS)[number], number[]>,
    readonly runtime: Record<(typeof OF_RUNTIME)[number], number>,
    /** Most threads that were inside a step at once, since the runtime began. */
    readonly maxRunning: number,
  ) {}

  since(before: Work): Work {
    return this.#with(before, (now, then) => now - then);
  }

  plus(other: Work): Work {
    return this.#with(other, (a, b) => a + b);
  }

  #with(other: Work, combine: (a: number, b: number) => number): Work {
    return new Work(
      record(OF_THREADS, (name) => this.threads[name].map((value, at) => combine(value, other.threads[name][at]!))),
      record(OF_RUNTIME, (name) => combine(this.runtime[name], other.runtime[name])),
      Math.max(this.maxRunning, other.maxRunning),
    );
  }

  /** Of the time in which threads wanted to run, the share that they waited for the GIL. */
  get gilWait(): number {
    const wait = total(this.threads.gilWaitMs);
    const hold = total(this.threads.gilHoldMs);
    return wait + hold > 0 ? wait / (wait + hold) : 0;
  }

  counters(): Counters {
    const rounded = record(OF_THREADS, (name) => this.threads[name].map((value) => Math.round(value * 1000) / 1000));
    return { ...rounded, ...this.runtime, maxRunning: this.maxRunning };
  }

  /** Threads that did less than their part. */
  idle(): string[] {
    const { steps } = this.threads;
    const all = total(steps);
    const least = LEAST_OF_EVEN_SHARE / steps.length;
    return steps.flatMap((own, at) => {
      if (steps.length === 1 || own >= least * all) return [];
      return [`thread ${at + 1} ran ${own} of ${all} steps; at least ${Math.round(100 * least)} % must be its own`];
    });
  }

  /** Steps that overlapped although there is a GIL. */
  overlaps(mode: Mode): string[] {
    if (mode !== "gil" || this.maxRunning <= 1) return [];
    return [`${this.maxRunning} threads were inside a step at once, in spite of the GIL`];
  }
}

export function workOf(rt: Runtime): Work {
  const stats: RuntimeStats = rt.stats();
  const workers: ThreadStats[] = stats.threads.slice(1);
  return new Work(
    record(OF_THREADS, (name) => workers.map((thread) => thread[name])),
    record(OF_RUNTIME, (name) => stats[name]),
    stats.maxRunning,
  );
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function record<K extends string, V>(names: readonly K[], value: (name: K) => V): Record<K, V> {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Record<K, V>;
}
