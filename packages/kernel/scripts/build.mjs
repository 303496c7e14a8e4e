// Compiles assembly/index.ts twice: kernel.gil.wasm (KERNEL_GIL = 1) and kernel.free.wasm (KERNEL_GIL = 0). One source,
// two builds. kernel.trace.*.wasm are the same, instrumented (KERNEL_TRACE = 1): `ungil vm record` uses them.
// kernel.bench.*.wasm have the loops of the micro benchmarks added; they are not published.
//
// node scripts/build.mjs [PREFIX FOLDER]: everything into dist, or only the builds with that prefix into another folder.
//
// One after the other in one process: the compiler is warm after the first, and the other cores build the packages.

import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { pageShift } from "./page-size.mjs";
import { dataSegments } from "./sections.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The memory is made by the host, `initial = maximum = memory option`: any size fits an import of 1 to 65536 pages. */
const flags = [
  "--runtime stub",
  "-O3",
  "--noAssert",
  "--enable threads,bulk-memory",
  "--importMemory --sharedMemory --noExportMemory --initialMemory 1 --maximumMemory 65536",
  "--use abort=",
].flatMap((line) => line.split(" "));

const modes = { gil: 1, free: 0 };
const entries = [
  { entry: "assembly/index.ts", prefix: "kernel", trace: 0 },
  { entry: "assembly/index.ts", prefix: "kernel.trace", trace: 1 },
  { entry: "assembly/bench-index.ts", prefix: "kernel.bench", trace: 0 },
];

async function compile(entry, target, mode, trace) {
  const draft = `${target}.new`;
  const uses = [`GIL=${modes[mode]}`, `TRACE=${trace}`, `PAGE_SHIFT=${pageShift()}`].flatMap((use) => [
    "--use",
    `KERNEL_${use}`,
  ]);
  const args = [...flags, ...uses, "--outFile", draft, "--textFile", `${target}.wat`];
  let segments = 0;
  const { error } = await asc.main([entry, ...args], {
    stdout: process.stdout,
    stderr: process.stderr,
    writeFile(name, contents) {
      if (name === draft) segments = dataSegments(contents);
      writeFileSync(path.resolve(root, name), contents);
    },
  });
  if (error) throw new Error(`${target}: ${error.message}`);
  if (segments > 0) {
    rmSync(path.resolve(root, draft));
    throw new Error(
      `${target} would have ${segments} data segment(s): each thread's instance would write them again. ` +
        `Look for a string, a static array or an assert() in assembly/; they are in ${target}.wat.`,
    );
  }
  renameSync(path.resolve(root, draft), path.resolve(root, target));
}

const [only, folder = "dist"] = process.argv.slice(2);
mkdirSync(path.resolve(root, folder), { recursive: true });
try {
  for (const { entry, prefix, trace } of entries) {
    if (only !== undefined && prefix !== only) continue;
    for (const mode of Object.keys(modes)) await compile(entry, `${folder}/${prefix}.${mode}.wasm`, mode, trace);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
