// pnpm test [vitest arguments]: builds what is not current and runs every test.
import { build } from "./lib/build.mjs";
import { root, run, userArguments } from "./lib/process.mjs";
import { vitest } from "./lib/vitest.mjs";

if (await build()) {
  process.exitCode = await run(process.execPath, [vitest, "run", ...userArguments()], { cwd: root });
} else {
  process.exitCode = 1;
}
