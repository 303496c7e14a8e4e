// The incremental build. A unit is built only if the content of its inputs differs from what its stamp, a file in its
// dist, says was built last; so what is built and current is not built again, in a fresh clone too.
//
// A package sees the packages below it only through their type declarations (nothing of a workspace package is
// bundled into another), so those are the inputs, not their sources.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pageShift } from "../../packages/kernel/scripts/page-size.mjs";
import { root } from "./process.mjs";

const require = createRequire(import.meta.url);
const tsup = () => path.join(path.dirname(require.resolve("tsup/package.json")), "dist/cli-default.js");

const common = ["package.json", "tsconfig.json", "tsup.config.ts"];

/** In dependency order. `after`: units that must be done first; `types`: packages whose declarations are inputs. */
const units = [
  {
    name: "kernel.wasm",
    dir: "packages/kernel",
    inputs: ["assembly", "scripts"],
    outputs: ["kernel", "kernel.trace", "kernel.bench"].flatMap((name) => [`${name}.gil.wasm`, `${name}.free.wasm`]),
    command: () => ["scripts/build.mjs"],
  },
  {
    name: "kernel",
    dir: "packages/kernel",
    inputs: ["src", "assembly/layout", "scripts/page-size.mjs", ...common],
  },
  {
    name: "memory",
    dir: "packages/memory",
    inputs: ["src", ...common],
    outputs: ["index.js", "index.d.ts", "images.js", "images.d.ts", "policies.js", "policies.d.ts"],
    after: ["kernel"],
  },
  { name: "heap", dir: "packages/heap", inputs: ["src", ...common], after: ["kernel"] },
  { name: "runtime", dir: "packages/runtime", inputs: ["src", ...common], after: ["kernel", "memory", "heap"] },
  {
    name: "ungil",
    dir: "packages/ungil",
    inputs: ["src", ...common],
    outputs: ["index.js", "index.d.ts", "memory.js", "memory.d.ts"],
    after: ["kernel", "memory", "heap", "runtime"],
  },
  { name: "bench", dir: "bench", inputs: ["."], outputs: [] },
];

/** Inputs of every unit: the toolchain, and the page size. */
const toolchain = ["pnpm-lock.yaml", "tsconfig.json", "scripts/lib/build.mjs"];
const skipped = new Set(["dist", "node_modules", "test", ".report"]);

function files(start, list = []) {
  if (!existsSync(start)) return list;
  if (statSync(start).isFile()) {
    list.push(start);
    return list;
  }
  for (const entry of readdirSync(start, { withFileTypes: true })) {
    if (!skipped.has(entry.name)) files(path.join(start, entry.name), list);
  }
  return list;
}

function hashOf(unit) {
  const inputs = [
    ...toolchain.map((name) => path.join(root, name)),
    ...unit.inputs.flatMap((name) => files(path.join(root, unit.dir, name))),
    ...(unit.after ?? []).flatMap((name) => {
      const dist = path.join(root, units.find((other) => other.name === name).dir, "dist");
      return existsSync(dist)
        ? readdirSync(dist)
            .filter((file) => file.endsWith(".d.ts"))
            .map((file) => path.join(dist, file))
        : [];
    }),
  ];
  const hash = createHash("sha256").update(`${pageShift()}\0`);
  for (const file of inputs.sort()) {
    const content = existsSync(file) ? readFileSync(file) : "";
    hash.update(`${path.relative(root, file).replaceAll(path.sep, "/")}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

const stampOf = (unit) => path.join(root, unit.dir, "dist", `.stamp-${unit.name}`);

function isCurrent(unit) {
  const stamp = stampOf(unit);
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== hashOf(unit)) return false;
  return (unit.outputs ?? ["index.js", "index.d.ts"]).every((file) =>
    existsSync(path.join(root, unit.dir, "dist", file)),
  );
}

/** Two builds in one work tree would write the same files: the second waits for the first. */
async function lock() {
  const file = path.join(root, "node_modules/.ungil-build.lock");
  for (let waited = 0; ; waited += 100) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    try {
      process.kill(Number(readFileSync(file, "utf8")), 0);
    } catch (error) {
      // Its maker is gone (or has just removed it).
      if (error.code === "ESRCH") rmSync(file, { force: true });
    }
    if (waited > 600_000) throw new Error(`another build holds ${file}`);
    await sleep(100);
  }
}

/** Removes what an earlier build of this unit left, but not what another unit has put into the same folder. */
function clean(unit) {
  const dist = path.join(root, unit.dir, "dist");
  mkdirSync(dist, { recursive: true });
  rmSync(stampOf(unit), { force: true });
  for (const entry of readdirSync(dist)) {
    const wasm = entry.includes(".wasm");
    const stamp = entry.startsWith(".stamp-");
    if (!stamp && wasm === (unit.name === "kernel.wasm"))
      rmSync(path.join(dist, entry), { recursive: true, force: true });
  }
}

function execute(unit) {
  const cwd = path.join(root, unit.dir);
  const [script, ...args] = unit.command?.() ?? [tsup()];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ ok: code === 0, output }));
  });
}

async function make(unit, started) {
  await Promise.all((unit.after ?? []).map((name) => started.get(name)));
  for (const name of unit.after ?? []) if (!(await started.get(name))) return false;
  if (isCurrent(unit)) return true;
  const begin = performance.now();
  const hash = hashOf(unit);
  clean(unit);
  const { ok, output } = await execute(unit);
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`${ok ? "built" : "FAILED"} ${unit.name} (${seconds} s)`);
  if (!ok || output.includes("WARN")) console.error(output.replace(/^ {4}at .*\n/gm, "").trim());
  if (ok) writeFileSync(stampOf(unit), hash);
  return ok;
}

/** Builds every unit that is not current. False if one could not be built. */
export async function build() {
  if (units.every(isCurrent)) {
    console.log("build: up to date");
    return true;
  }
  const unlock = await lock();
  try {
    const started = new Map();
    for (const unit of units) started.set(unit.name, make(unit, started));
    const results = await Promise.all(started.values());
    return results.every(Boolean);
  } finally {
    unlock();
  }
}
