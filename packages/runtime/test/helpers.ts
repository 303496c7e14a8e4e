// What the tests share: a runtime for each test, in both modes, closed whatever happens; every wait bounded.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Runtime, type RuntimeOptions, type Snapshot } from "@ungil/runtime";
import { afterEach, describe, expect } from "vitest";

const open = new Set<Runtime>();

afterEach(async () => {
  for (const rt of open) await rt.close();
  open.clear();
});

/** The fixtures are JavaScript, of which TypeScript knows nothing; the types have tests of their own. */
export type LooseRuntime = Omit<Runtime, "new" | "run" | "spawn"> & {
  new: (type: any, ...args: any[]) => any;
  run: (...args: any[]) => Promise<any>;
  spawn: (...args: any[]) => any;
};

export async function start(options: RuntimeOptions = {}): Promise<LooseRuntime> {
  return opened(Runtime.start({ threads: 2, memory: "64MiB", ...options }));
}

/** A runtime that is closed when the test is over. */
export async function opened(starting: Promise<Runtime>): Promise<LooseRuntime> {
  const rt = await starting;
  open.add(rt);
  return rt as unknown as LooseRuntime;
}

export function inBothModes(name: string, tests: (gil: boolean) => void): void {
  describe.each([
    ["gil", true],
    ["free", false],
  ])(`${name} (%s)`, (_, gil) => tests(gil));
}

/** Restores a snapshot, after which everything in the heap must be as it should. */
export async function restore(rt: LooseRuntime, snapshot: Snapshot): Promise<void> {
  await within(10_000, snapshot.restore());
  expect(rt.verify().violations).toEqual([]);
}

/** Rejects if a promise takes longer. */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`still waiting after ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a promise rejects with. */
export async function failure(promise: PromiseLike<unknown>): Promise<any> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

export interface Ran {
  code: number | null;
  out: string;
  err: string;
  /** Milliseconds it took. */
  ms: number;
  /** When each piece of output came, milliseconds after the start. */
  times: [number, string][];
}

export const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

/** Runs node in a process of its own. Bounded. */
export function node(
  args: string[],
  options: { timeout?: number; env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<Ran> {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...options.env };
    delete env.VITEST;
    delete env.NODE_OPTIONS;
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], env, cwd: options.cwd });
    const ran: Ran = { code: null, out: "", err: "", ms: 0, times: [] };
    const timer = setTimeout(() => child.kill("SIGKILL"), options.timeout ?? 20_000);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      ran.out += text;
      ran.times.push([performance.now() - begin, text]);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (ran.err += text));
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ ...ran, code, ms: performance.now() - begin });
    });
  });
}
