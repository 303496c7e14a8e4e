// Running a program as its own process, bounded in time.

import { spawn } from "node:child_process";

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end; after `timeout` ms it is killed, and the outcome says so. */
export function command(file: string, args: string[], cwd: string, timeout = 60_000): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    // A test runner's own settings are not the program's.
    const { NODE_OPTIONS: _options, VITEST: _vitest, UNGIL_TEST_REPORT: _report, NODE_ENV: _env, ...env } = process.env;
    const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const outcome: Outcome = { code: null, stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      outcome.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      outcome.stderr += text;
    });
    const timer = setTimeout(() => {
      outcome.stderr += `\nkilled: it did not end within ${timeout} ms`;
      child.kill("SIGKILL");
    }, timeout);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ ...outcome, code });
    });
  });
}

/** What a program wrote to stderr, without Node's notice that require() of an ES module is experimental (Node 20, 22). */
export const complaints = (stderr: string): string =>
  stderr
    .split("\n")
    .filter((line) => !/ExperimentalWarning: CommonJS module .* is loading ES Module|--trace-warnings/.test(line))
    .filter((line) => !/Support for loading ES Module in require\(\) is an experimental feature/.test(line))
    .join("\n")
    .trim();
