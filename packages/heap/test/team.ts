/** Worker threads of a test machine. Every wait is bounded. */
import { Worker } from "node:worker_threads";
import { id } from "@ungil/heap";
import { afterEach, expect } from "vitest";
import type { TestMachine } from "./support.js";

const PATIENCE = 25_000;
const started: Member[] = [];

afterEach(async () => {
  for (const { worker } of started.splice(0)) await worker.terminate();
});

interface Answer {
  result: unknown;
  error: string | null;
  kept: number[];
}

export class Member {
  readonly worker: Worker;
  kept: number[] = [];
  readonly #messages: Record<string, unknown>[] = [];
  #wake = () => {};

  constructor(
    readonly m: TestMachine,
    readonly slot: number,
  ) {
    this.worker = new Worker(new URL("./fixtures/worker.mjs", import.meta.url), {
      workerData: { machine: m.handle, slot },
    });
    this.worker.on("message", (message) => {
      this.#messages.push(message);
      this.#wake();
    });
    this.worker.on("error", (error) => {
      this.#messages.push({ result: undefined, error: String(error), kept: [] });
      this.#wake();
    });
    started.push(this);
  }

  /** The next message with this property. */
  async next(property: string): Promise<Record<string, unknown>> {
    const until = Date.now() + PATIENCE;
    for (;;) {
      const at = this.#messages.findIndex((message) => property in message || message.error);
      if (at >= 0) return this.#messages.splice(at, 1)[0] as Record<string, unknown>;
      const left = until - Date.now();
      if (left <= 0) throw new Error(`thread ${this.slot} did not say "${property}" within ${PATIENCE} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  start(name: string, roots: object[], options: object): void {
    this.worker.postMessage({ name, roots: roots.map(id), ...options });
  }

  async finish(): Promise<unknown> {
    const { result, error, kept } = (await this.next("kept")) as unknown as Answer;
    this.kept = kept;
    expect(error).toBeNull();
    return result;
  }

  /** Ends the thread, which is between jobs, and takes over what it leaves. */
  async end(): Promise<void> {
    await this.worker.terminate();
    started.splice(started.indexOf(this), 1);
    this.m.heap.batch(() => {
      this.m.heap.x.threadAdopt(this.slot);
      for (const address of this.kept) this.m.heap.x.countDecrement(address);
    });
    this.kept = [];
  }
}

/** Threads in slots 2, 3 ... */
export class Team {
  readonly members: Member[];

  constructor(
    readonly m: TestMachine,
    size: number,
  ) {
    this.members = Array.from({ length: size }, (_, n) => new Member(m, n + 2));
  }

  async ready(): Promise<this> {
    for (const member of this.members) {
      const { error } = (await member.next("ready")) as { error?: string };
      expect(error).toBeUndefined();
    }
    return this;
  }

  /** Every thread does the job, all at once; what each returned. */
  async run(
    name: string,
    roots: object[],
    options: Record<string, unknown> & { seed?: number } = {},
  ): Promise<unknown[]> {
    this.members.forEach((member, rank) => {
      member.start(name, roots, { ...options, rank, seed: (options.seed ?? 0) + rank * 7919 });
    });
    const results: unknown[] = [];
    for (const member of this.members) results.push(await member.finish());
    this.m.held = this.members.flatMap((member) => member.kept);
    return results;
  }

  async end(): Promise<void> {
    this.m.held = [];
    for (const member of [...this.members]) await member.end();
  }
}
