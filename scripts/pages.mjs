// pnpm test:pages [vitest arguments]: makes the build with pages of 4 KiB and runs the tests on it. All of it happens in a
// copy of this repository, which is removed afterwards, so the build here stays as it is.

import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { root, run, userArguments } from "./lib/process.mjs";
import { vitest } from "./lib/vitest.mjs";

const left = new Set([".git", ".report", "dist", "node_modules"]);

/** pnpm as a command: the one that runs us if it does, else as the README calls it. */
const runner = process.env.npm_execpath ?? "";
const pnpm = /pnpm\.c?js$/.test(runner) ? [process.execPath, runner] : ["npx", "-y", "pnpm@10"];

const copy = mkdtempSync(path.join(tmpdir(), "ungil-pages-"));
const env = { ...process.env, UNGIL_PAGE_SIZE: "4KiB", INIT_CWD: copy };
const steps = [
  [...pnpm, "install", "--frozen-lockfile", "--prefer-offline"],
  [process.execPath, "scripts/build.mjs"],
  [process.execPath, vitest, "run", ...userArguments()],
];
try {
  cpSync(root, copy, { recursive: true, filter: (file) => !left.has(path.basename(file)) });
  for (const [program, ...args] of steps) {
    process.exitCode = await run(program, args, { cwd: copy, env });
    if (process.exitCode !== 0) break;
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
