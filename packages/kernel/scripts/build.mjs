// Compiles assembly/index.ts twice: kernel.gil.wasm (GIL = 1) and kernel.free.wasm (GIL = 0). One source, two builds.
// kernel.bench.*.wasm are the same with the loops of the micro benchmarks added; they are not published.

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { dataSegments } from "./sections.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);
const asc = path.join(path.dirname(require.resolve("assemblyscript/package.json")), "bin/asc.js");

/** The memory is made by the host, `initial = maximum = memory option`: any size fits an import of 1 to 65536 pages. */
const flags = [
  "--runtime stub",
  "-O3",
  "--noAssert",
  "--enable threads,bulk-memory",
  "--importMemory --sharedMemory --noExportMemory --initialMemory 1 --maximumMemory 65536",
  "--use abort=",
].flatMap((line) => line.split(" "));

function compile(entry, name, gil) {
  const target = path.join("dist", `kernel.${name}.wasm`);
  const draft = `${target}.new`;
  const args = [entry, ...flags, "--use", `KERNEL_GIL=${gil}`, "--outFile", draft, "--textFile", `${target}.wat`];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [asc, ...args], { cwd: root, stdio: "inherit" });
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code !== 0) return reject(new Error(`asc failed on the ${name} build`));
      const segments = dataSegments(readFileSync(path.join(root, draft)));
      if (segments > 0) {
        rmSync(path.join(root, draft));
        return reject(
          new Error(
            `${target} would have ${segments} data segment(s): each thread's instance would write them again. ` +
              `Look for a string, a static array or an assert() in assembly/; they are in ${target}.wat.`,
          ),
        );
      }
      renameSync(path.join(root, draft), path.join(root, target));
      resolve();
    });
  });
}

mkdirSync(path.join(root, "dist"), { recursive: true });
const results = await Promise.allSettled([
  compile("assembly/index.ts", "gil", 1),
  compile("assembly/index.ts", "free", 0),
  compile("assembly/bench-index.ts", "bench.gil", 1),
  compile("assembly/bench-index.ts", "bench.free", 0),
]);
const failed = results.filter((result) => result.status === "rejected");
for (const { reason } of failed) console.error(reason.message);
process.exitCode = failed.length > 0 ? 1 : 0;
