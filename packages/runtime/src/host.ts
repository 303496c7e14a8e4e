/**
 * The thread host: who owns the worker threads. A small interface, so that another one (the browser's, a test's) can take
 * its place, and piscina's behind it: each thread runs one task for as long as the runtime lives.
 */
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import type { MachineHandle } from "@ungil/kernel";
import { Piscina } from "piscina";
import {
  type Calls,
  calls,
  endCalls,
  type MainControl,
  type SystemControl,
  serve,
  type WorkerControl,
} from "./control.js";
import { ThreadStartError } from "./errors.js";
import { workerExecArgv } from "./execargv.js";

/** What a thread gets when it starts. */
interface ThreadTask {
  readonly machine: MachineHandle;
  readonly slot: number;
  /** The worker serves its control calls here ... */
  readonly control: MessagePort;
  /** ... and reports to the main thread here. */
  readonly report: MessagePort;
}

/** One that runs coroutines. */
export interface WorkerTask extends ThreadTask {
  readonly kind: "worker";
  readonly spinRounds: number;
}

/** The one that runs none. */
export interface SystemTask extends ThreadTask {
  readonly kind: "system";
  /** Slug of the replacement policy; null without a swap file. */
  readonly policy: string | null;
  /** Of the collector of cycles. */
  readonly collectorSlot: number;
}

type WithoutPorts<T> = T extends ThreadTask ? Omit<T, "control" | "report"> : never;
export type Start = WithoutPorts<WorkerTask | SystemTask>;

export interface Exit {
  readonly code: number;
  /** The uncaught exception, if that was it. */
  readonly error: unknown;
}

export interface HostThread {
  /** Asks something of the thread. One that ends, or has ended, never answers: whoever asks bounds the wait. */
  ask<T>(what: (control: Calls<WorkerControl & SystemControl>) => Promise<T>): Promise<T>;
  /** Resolves when nothing of the thread runs any more. */
  readonly exited: Promise<Exit>;
  /** The same, for a main thread that cannot wait for events because it waits for this very thread. */
  isGone(): boolean;
}

export interface ThreadHost {
  /** A thread for a slot, once it runs. Rejects if it ends before. */
  start(task: Start, main: Omit<MainControl, "hello">): Promise<HostThread>;
  /** Ends all threads, whatever they do. */
  close(): Promise<void>;
}

/** How often a thread is tried again that is killed before it has started. */
const TRIES = 20;

/** A pool of one for each thread: its worker runs one task, which ends with the thread. */
export class PiscinaHost implements ThreadHost {
  readonly #ends = new Set<() => Promise<void>>();
  #closed = false;

  async start(task: Start, main: Omit<MainControl, "hello">): Promise<HostThread> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#start(task, main);
      } catch (error) {
        const wasKilled = (error as Error).cause === undefined;
        if (!wasKilled || tries === TRIES || this.#closed) throw error;
      }
    }
  }

  #start(task: Start, main: Omit<MainControl, "hello">): Promise<HostThread> {
    const pool = createPool();
    const control = new MessageChannel();
    const report = new MessageChannel();
    const remote = calls<WorkerControl & SystemControl>(control.port1);
    let ending: Promise<void> | undefined;
    const ask: HostThread["ask"] = (what) => (ending ? new Promise(() => undefined) : what(remote));
    const end = (): Promise<void> => {
      this.#ends.delete(end);
      if (!ending) {
        endCalls(remote, control.port1);
        report.port1.close();
      }
      return (ending ??= pool.destroy());
    };
    this.#ends.add(end);

    let failure: unknown;
    const ended = pool
      .run(
        { ...task, control: control.port2, report: report.port2 },
        { name: task.kind, transferList: [control.port2, report.port2] },
      )
      .catch((error) => {
        failure = error;
        // Its task is over before its time. Mostly the thread has ended; one that could not start has not.
        return end();
      });
    const worker = pool.threads[0] as Worker;
    const exited = new Promise<number>((resolve) => worker.once("exit", resolve)).then(async (code) => {
      // A task that the worker had not taken yet ends with its pool only.
      await end();
      await ended;
      const isPlainExit =
        failure instanceof Error && /^worker exited with code|^Terminating worker thread/.test(failure.message);
      return { code, error: isPlainExit ? undefined : failure };
    });
    return new Promise((resolve, reject) => {
      serve<MainControl>(report.port1, {
        ...main,
        hello() {
          unref(pool);
          // Node answers with -1 for a thread whose environment is no more, but only if it was asked when it was there.
          const { active } = worker.performance.eventLoopUtilization();
          const isGone = () => active === 0 || worker.performance.eventLoopUtilization().idle < 0;
          resolve({ ask, exited, isGone });
        },
      });
      // The ports alone must not keep the process alive: the runtime decides that. (Listening has made them do so.)
      control.port1.unref();
      report.port1.unref();
      exited.then(({ error }) =>
        reject(new ThreadStartError(`Thread ${task.slot - 1} ended before it had started`, { cause: error })),
      );
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#ends].map((end) => end()));
  }
}

interface Announced {
  readonly workers: Set<object>;
}

const announced = new WeakMap<Piscina, Announced>();

function createPool(): Piscina {
  const execArgv = workerExecArgv();
  const pool = new Piscina({
    filename: fileURLToPath(new URL("./worker.cjs", import.meta.url)),
    // No thread without a task, and none in place of one that ended: the runtime starts that when it has recovered.
    minThreads: 0,
    maxThreads: 1,
    // Ours run for ever and wait in their own way.
    idleTimeout: Number.POSITIVE_INFINITY,
    atomics: "disabled",
    concurrentTasksPerWorker: 1,
    recordTiming: false,
    ...(execArgv ? { execArgv } : {}),
  });
  // An error of a thread without a task, while it starts: its exit is what counts.
  pool.on("error", () => undefined);
  const workers = new Set<object>();
  pool.on("workerCreate", (worker: object) => workers.add(worker));
  announced.set(pool, { workers });
  return pool;
}

/**
 * A running task keeps the process alive, and ours run for ever: the runtime decides that, by the tasks it has. Piscina has
 * no word for it, but the object that it announces for a worker leads to its port.
 */
function unref(pool: Piscina): void {
  for (const worker of announced.get(pool)?.workers ?? []) {
    for (const symbol of Object.getOwnPropertySymbols(worker)) {
      const info = (worker as Record<symbol, unknown>)[symbol];
      if (typeof info === "object" && info !== null && "unref" in info && typeof info.unref === "function")
        info.unref();
    }
  }
}
