// pnpm typecheck: sources and tests against the packages' built declarations.
import { createRequire } from "node:module";
import { build } from "./lib/build.mjs";
import { root, run, userArguments } from "./lib/process.mjs";

const tsc = createRequire(import.meta.url).resolve("typescript/lib/tsc.js");

if (await build()) {
  process.exitCode = await run(process.execPath, [tsc, "-p", "tsconfig.all.json", ...userArguments()], { cwd: root });
} else {
  process.exitCode = 1;
}
