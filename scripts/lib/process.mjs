// What the scripts of this repository share: where the repository is, and running a child process politely.

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Where the user typed the command: a package manager runs scripts somewhere else. */
export const typedIn = process.env.INIT_CWD ?? process.cwd();

/** The user's arguments. A leading `--` is what `pnpm start -- --json FILE` leaves behind: it means nothing. */
export function userArguments() {
  const args = process.argv.slice(2);
  return args[0] === "--" ? args.slice(1) : args;
}

/** Runs a program with our terminal. The result is its exit code, 128 + n if signal n ended it. */
export function run(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: "inherit", ...options });
    // We wait for the child and report what it made of the signal. The terminal sends Ctrl-C to both; anybody else who sends
    // it to us alone has it passed on, a moment later, for a child that has it already must be let finish.
    let timer;
    const interrupt = () => {
      timer ??= setTimeout(() => child.kill("SIGINT"), 300);
    };
    const forward = (signal) => child.kill(signal);
    process.on("SIGINT", interrupt);
    process.on("SIGTERM", forward);
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      process.off("SIGINT", interrupt);
      process.off("SIGTERM", forward);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/** Builds what is not current, then runs a built program where the user typed the command. */
export async function buildAndRun(program) {
  const { build } = await import("./build.mjs");
  if (!(await build())) {
    process.exitCode = 1;
    return;
  }
  process.exitCode = await run(
    process.execPath,
    [fileURLToPath(new URL(`../../${program}`, import.meta.url)), ...userArguments()],
    {
      cwd: typedIn,
      env: { ...process.env, INIT_CWD: typedIn },
    },
  );
}
