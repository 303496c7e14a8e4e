// pnpm test:matrix [VERSION...] [vitest arguments]: runs the tests on each Node.js version, one line for each.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "./lib/build.mjs";
import { root, userArguments } from "./lib/process.mjs";
import { totals, vitest } from "./lib/vitest.mjs";

const args = userArguments();
const isVersion = (word) => /^\d+(\.\d+){0,2}$/.test(word);
const count = args.findIndex((word) => !isVersion(word));
const named = count === -1 ? args : args.slice(0, count);
const rest = count === -1 ? [] : args.slice(count).filter((word) => word !== "--");
const versions = named.length > 0 ? named : ["20", "22", "24", "26"];

/** The path of a Node.js binary of that version: ours if it fits, else from the `node` package, without installing it. */
function binary(version) {
  if (`${process.versions.node}.`.startsWith(`${version}.`)) return process.execPath;
  const where = tmpdir(); // outside the workspace, or npx takes the workspace's settings for its own
  return execFileSync("npx", ["--loglevel=error", "-y", `node@${version}`, "-p", "process.execPath"], {
    cwd: where,
    encoding: "utf8",
  })
    .trim()
    .split("\n")
    .at(-1);
}

function test(version, folder) {
  const node = binary(version);
  const exact = execFileSync(node, ["-p", "process.version"], { encoding: "utf8" }).trim();
  const report = path.join(folder, `${version}.json`);
  const begin = performance.now();
  let code = 0;
  let output = "";
  try {
    output = execFileSync(node, [vitest, "run", ...rest], {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 1 << 30,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}`,
        UNGIL_TEST_REPORT: report,
      },
    });
  } catch (error) {
    code = error.status ?? 1;
    output = `${error.stdout ?? ""}${error.stderr ?? ""}`;
  }
  const seconds = Math.round((performance.now() - begin) / 1000);
  const sum = totals(report);
  const ok = code === 0 && sum !== null && sum.failed === 0 && sum.passed > 0;
  const line = sum ? `${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped` : "did not run to the end";
  console.log(`Node ${exact}: ${ok ? "ok" : "FAILED"}, ${line} (${seconds} s)`);
  if (!ok) {
    const log = path.join(tmpdir(), `ungil-matrix-${version}.log`);
    writeFileSync(log, output);
    console.error(`  its output: ${log}`);
  }
  return ok;
}

if (!(await build())) process.exit(1);
const folder = mkdtempSync(path.join(tmpdir(), "ungil-matrix-"));
let good = true;
for (const version of versions) {
  try {
    good = test(version, folder) && good;
  } catch (error) {
    good = false;
    console.log(`Node ${version}: FAILED, ${String(error.message).split("\n")[0]}`);
  }
}
rmSync(folder, { recursive: true, force: true });
process.exitCode = good ? 0 : 1;
