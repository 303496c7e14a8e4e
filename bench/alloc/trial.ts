// One program on one machine: it is run, what it leaves is freed, and then nothing may be left.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { verifyHeap } from "@ungil/heap";
import { type Kernel, Layout as L, type MachineHandle } from "@ungil/kernel";
import { type AllocExports, attach, floor, makeMachine, rest, startMain, work } from "./machine.js";
import { type Done, type Job, PROGRAMS, type Program } from "./programs.js";

const HEAP_MIB = 64;
const PATIENCE = 60_000; // ms
const SLICE = 4096;
const LIVES_SLICE = 2048; // blocks that a thread of short life allocates
// Words of the board, as bench-blocks.ts has them.
const BROKEN = 4;
const PEAK = 8;
const LACK = 12;

export interface Timing {
  /** Of all threads. */
  operationsPerSecond: number;
  /** Atomic additions a second of one thread. */
  floor: number;
  /** How many atomic additions take as long as one operation, on one thread. */
  ratio: number;
}

export interface Memory {
  /** Bytes that were live at once, at most. */
  peakLive: number;
  /** Bytes of frames in use at that time, and when all was freed and the threads were at rest; the machine's own left out. */
  peakFrames: number;
  framesAfter: number;
  /** `framesAfter` / `peakLive`, and what the first of the two was at its highest. */
  after: number;
  atPeak: number;
}

export class Trial {
  readonly #machine: MachineHandle;
  readonly #main: Kernel<AllocExports>;
  readonly #board: number;
  readonly #text: number;
  readonly #workers: Worker[] = [];
  #base = 0;

  private constructor(
    readonly program: Program,
    readonly gil: boolean,
  ) {
    this.#machine = makeMachine(gil, program.threads, HEAP_MIB);
    [this.#main, this.#board, this.#text] = startMain(this.#machine, program.threads);
  }

  static async start(program: Program, gil: boolean): Promise<Trial> {
    const trial = new Trial(program, gil);
    const barrier = new Int32Array(new SharedArrayBuffer(8));
    for (let rank = 0; rank < program.threads && !program.lives; rank++) {
      const workerData = { machine: trial.#machine, slot: 2 + rank, barrier };
      const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData });
      trial.#workers.push(worker);
      await answer(worker);
    }
    await trial.#rest();
    trial.#base = trial.#framesInUse();
    return trial;
  }

  /** Runs the program with full patterns: throws if a block was damaged or lost, or the heap does not verify. `harm` is for tests. */
  async check(operations: number, harm?: (kernel: Kernel, board: number) => void): Promise<Memory> {
    const done = await this.#run(operations, true);
    harm?.(this.#main, this.#board);
    const peakLive = this.#word(PEAK);
    const least = Math.min(...done.map(({ framesLeast }) => framesLeast));
    const peakFrames = (this.#main.control(L.CB_FRAMES) - least - this.#base) * L.PAGE_SIZE;
    await this.#clear(true);
    this.#verify();
    const framesAfter = (this.#framesInUse() - this.#base) * L.PAGE_SIZE;
    return { peakLive, peakFrames, framesAfter, after: framesAfter / peakLive, atPeak: peakFrames / peakLive };
  }

  async time(operations: number): Promise<Timing> {
    const done = await this.#run(operations, false);
    await this.#clear(false);
    const ms = Math.max(...done.map((one) => one.ms));
    const all = done.reduce((sum, one) => sum + one.operations, 0);
    const floors = done.flatMap((one) => one.floors).sort((a, b) => a - b);
    const floor = floors[floors.length >> 1]!;
    const operationsPerSecond = (all * 1000) / ms;
    // Under the GIL threads take turns.
    const atOnce = this.gil ? 1 : done.length;
    return { operationsPerSecond, floor, ratio: (floor * atOnce) / operationsPerSecond };
  }

  async end(): Promise<void> {
    for (const worker of this.#workers) await worker.terminate();
  }

  async #run(operations: number, full: boolean): Promise<Done[]> {
    const { threads, lives = false } = this.program;
    const slice = lives ? LIVES_SLICE : SLICE;
    const job = (rank: number): Job => ({
      ...{ program: PROGRAMS.findIndex(({ name }) => name === this.program.name), rank, threads, board: this.#board },
      ...{ full, operations, slice },
    });
    this.#main.u32[this.#board >>> 2] = Number(full);
    if (lives) return [this.#live(job(0))];
    return (await Promise.all(this.#workers.map((worker, rank) => ask(worker, { job: job(rank) })))) as Done[];
  }

  /** Threads one after the other, two at a time: each runs a slice and ends, the next one takes its slot, the main thread its heap. */
  #live(job: Job): Done {
    const { exports: x } = this.#main;
    const all: Done = { ms: 0, operations: 0, floors: [floor(this.#main)], framesLeast: Number.POSITIVE_INFINITY };
    for (let life = 0; all.operations < job.operations; life++) {
      const slot = 2 + (life % 2);
      const one = work(attach(this.#machine, slot), { ...job, rank: life % 2, operations: 1 }, () => undefined);
      x.batchBegin();
      x.threadAdopt(slot);
      x.batchEnd();
      all.ms += one.ms;
      all.operations += one.operations;
      all.floors.push(...one.floors);
      all.framesLeast = Math.min(all.framesLeast, one.framesLeast);
    }
    return all;
  }

  /** Frees what the program has left, and lets every thread come to rest. */
  async #clear(full: boolean): Promise<void> {
    const end = { end: full, board: this.#board };
    if (this.#workers[0]) await ask(this.#workers[0], end);
    else {
      this.#main.exports.batchBegin();
      this.#main.exports.benchAllocEnd(this.#board, 0, Number(full));
      this.#main.exports.batchEnd();
    }
    await this.#rest();
    if (this.#word(LACK)) throw new Error(`${this.#name}: ${this.#word(LACK)} blocks found no memory`);
    if (this.#word(BROKEN)) throw new Error(`${this.#name}: ${this.#word(BROKEN)} blocks were damaged`);
  }

  async #rest(): Promise<void> {
    // Twice: what one thread lets go of may be another's.
    for (let n = 0; n < 2; n++) {
      rest(this.#main);
      for (const worker of this.#workers) await ask(worker, "rest");
    }
  }

  #verify(): void {
    const { objects, violations } = verifyHeap(this.#main, [this.#text]);
    if (violations.length > 0) throw new Error(`${this.#name}: ${violations.join("; ")}`);
    if (objects !== 1) throw new Error(`${this.#name}: ${objects - 1} blocks were never freed`);
  }

  get #name(): string {
    return `${this.program.name} (${this.gil ? "gil" : "free"})`;
  }

  #word(offset: number): number {
    return this.#main.u32[(this.#board + offset) >>> 2]!;
  }

  #framesInUse(): number {
    return this.#main.control(L.CB_FRAMES) - this.#main.control(L.CB_FRAMES_FREE);
  }
}

function ask(worker: Worker, message: unknown): Promise<unknown> {
  const answered = answer(worker);
  worker.postMessage(message);
  return answered;
}

/** The next message; an error if the thread fails, ends or does not answer. */
async function answer(worker: Worker): Promise<unknown> {
  const over = new AbortController();
  const { signal } = over;
  const late = sleep(PATIENCE, null, { signal, ref: false }).then(() => {
    throw new Error("a thread does not answer");
  });
  const ended = once(worker, "exit", { signal }).then(([code]) => {
    throw new Error(`a thread has ended with ${code}`);
  });
  const answered = once(worker, "message", { signal }).then(([message]) => message as unknown);
  try {
    return await Promise.race([answered, ended, late]);
  } finally {
    over.abort();
    for (const one of [late, ended, answered]) one.catch(() => undefined);
  }
}
