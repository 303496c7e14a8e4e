/**
 * The thread host: who owns the worker threads. A small interface, so that another one (the browser's, a test's) can take
 * its place, and piscina's behind it: each thread runs one task for as long as the runtime lives.
 */
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import type { MachineHandle } from "@ungil/kernel";
import { Piscina } from "piscina";
import { type Calls, calls, endCalls, type MainControl, serve, type WorkerControl } from "./control.js";
import { ThreadStartError } from "./errors.js";
import { workerExecArgv } from "./execargv.js";

/** What a worker gets when it starts. */
export interface WorkerTask {
  readonly machine: MachineHandle;
  readonly slot: number;
  readonly spinRounds: number;
  /** The worker serves its control calls here ... */
  readonly control: MessagePort;
  /** ... and reports to the main thread here. */
  readonly report: MessagePort;
}

export interface Exit {
  readonly code: number;
  /** The uncaught exception, if that was it. */
  readonly error: unknown;
}

export interface HostThread {
  readonly control: Calls<WorkerControl>;
  /** Resolves when nothing of the thread runs any more. */
  readonly exited: Promise<Exit>;
}

export interface ThreadHost {
  /** A thread for a slot, once it runs. Rejects if it ends before. */
  start(task: Omit<WorkerTask, "control" | "report">, main: Omit<MainControl, "hello">): Promise<HostThread>;
  /** Ends all threads, whatever they do. */
  close(): Promise<void>;
}

export class PiscinaHost implements ThreadHost {
  readonly #pool: Piscina;
  readonly #open = new Set<() => void>();
  readonly #workers = new Set<object>();

  constructor(threads: number) {
    const execArgv = workerExecArgv();
    this.#pool = new Piscina({
      filename: fileURLToPath(new URL("./worker.js", import.meta.url)),
      name: "run",
      minThreads: threads,
      maxThreads: threads,
      // Ours run for ever and wait in their own way.
      idleTimeout: Number.POSITIVE_INFINITY,
      atomics: "disabled",
      concurrentTasksPerWorker: 1,
      recordTiming: false,
      ...(execArgv ? { execArgv } : {}),
    });
    // An error of a thread without a task, while it starts: its task is rejected too.
    this.#pool.on("error", () => undefined);
    this.#pool.on("workerCreate", (worker: object) => this.#workers.add(worker));
    this.#pool.on("workerDestroy", (worker: object) => this.#workers.delete(worker));
  }

  start(task: Omit<WorkerTask, "control" | "report">, main: Omit<MainControl, "hello">): Promise<HostThread> {
    const control = new MessageChannel();
    const report = new MessageChannel();
    const remote = calls<WorkerControl>(control.port1);
    const end = () => {
      this.#open.delete(end);
      endCalls(remote, control.port1);
      report.port1.close();
    };
    this.#open.add(end);
    return new Promise((resolve, reject) => {
      let failure: unknown;
      let greeted = false;
      const ended = this.#pool.run({ ...task, control: control.port2, report: report.port2 }, { transferList: [control.port2, report.port2] }).then(
        () => undefined,
        (error) => {
          failure = error;
        },
      );
      serve<MainControl>(report.port1, {
        ...main,
        hello: (threadId) => {
          greeted = true;
          this.#unref();
          resolve({ control: remote, exited: this.#exitOf(threadId, ended, () => failure, end) });
        },
      });
      // The ports alone must not keep the process alive: the runtime decides that.
      control.port1.unref();
      report.port1.unref();
      ended.then(() => {
        if (greeted) return;
        end();
        reject(new ThreadStartError(`Thread ${task.slot} ended before it had started`, { cause: failure }));
      });
    });
  }

  /**
   * A running task keeps the process alive, and ours run for ever: the runtime decides that, by the tasks it has. Piscina
   * has no word for it, but the objects that it announces lead to the port.
   */
  #unref(): void {
    for (const worker of this.#workers) {
      for (const symbol of Object.getOwnPropertySymbols(worker)) {
        const info = (worker as Record<symbol, unknown>)[symbol];
        if (typeof info === "object" && info !== null && "unref" in info && typeof info.unref === "function") info.unref();
      }
    }
  }

  async #exitOf(threadId: number, ended: Promise<void>, failure: () => unknown, end: () => void): Promise<Exit> {
    const worker = this.#pool.threads.find((thread) => thread.threadId === threadId) as Worker | undefined;
    const code = worker ? await new Promise<number>((resolve) => worker.once("exit", resolve)) : -1;
    await ended;
    end();
    const error = failure();
    const isExit = error instanceof Error && /^worker exited with code/.test(error.message);
    return { code, error: isExit ? undefined : error };
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
    for (const end of [...this.#open]) end();
  }
}
