// `ungil vm record`: runs a program on the instrumented kernel, which writes down each reference to shared memory.

import {
  closeSync,
  createReadStream,
  createWriteStream,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { Layout } from "@ungil/kernel";
import { openTrace, readTrace, SimulationError, TraceError } from "@ungil/memory";
import type { Command } from "commander";
import { InterruptedError } from "./interrupt.js";
import { checkFolder } from "./output.js";
import { runProgram } from "./program.js";
import { traceProgress } from "./progress.js";

const { PAGE_SIZE } = Layout;

const MANUAL = `
The program is any command; each runtime that it starts, on whatever thread, is recorded. A line of the trace is one
translation of an address, in valgrind lackey's format: " L 8010,4" for reading, " S 8010,4" for writing. Threads write
down a few thousand references at a time, so those of different threads are in order only so far. The program runs
several times slower.

Examples:
  ungil vm record --out program.trace.gz -- node program.mjs
  ungil vm simulate --trace program.trace.gz --page-size ${PAGE_SIZE} --frames 10-100:10 --policy lru,arc,opt

Exit codes: 0; 1 the program failed, or made no reference; 2 usage; 130 Ctrl-C, which keeps what has been recorded.`;

export function recordCommand(vm: Command): void {
  vm.command("record")
    .description("run a program and write down its references to shared memory, for `vm simulate`")
    .argument("<command...>", "the program and its arguments, after --")
    .option("--out <file>", "the trace; one that ends in .gz is packed", "ungil.trace")
    .addHelpText("after", MANUAL)
    .action((command: string[], { out }: { out: string }) => record(command, path.resolve(out)));
}

async function record(command: string[], out: string): Promise<void> {
  checkFolder(out);
  const packed = out.endsWith(".gz");
  const plain = packed ? out.slice(0, -3) : out;
  try {
    writeFileSync(plain, "");
  } catch (cause) {
    throw new SimulationError(`cannot write ${out}: ${(cause as Error).message}`);
  }
  try {
    const { code, signal } = await runProgram(command, { UNGIL_VM_TRACE: plain });
    const ended = `ended with ${signal ?? `exit code ${code}`}`;
    const interrupted = signal === "SIGINT";
    if (interrupted) endLine(plain);
    if (statSync(plain).size === 0) {
      if (interrupted) throw new InterruptedError("stopped, before there was a reference");
      throw new TraceError(
        code !== 0
          ? `the program ${ended}, and made no reference to shared memory`
          : "the program made no reference to shared memory: it started no runtime, or not one of this ungil",
      );
    }
    const { references, pages } = await count(plain);
    if (packed) await pack(plain, out);
    const told = `${references.toLocaleString("en")} references to ${pages.toLocaleString("en")} pages`;
    console.log(
      `${told}: ${out}\nNow: ungil vm simulate --trace ${path.relative("", out)} --page-size ${PAGE_SIZE} --frames ...`,
    );
    if (interrupted) throw new InterruptedError(`stopped; what had been recorded is in ${out}`);
    if (code !== 0) throw new TraceError(`the program ${ended}`);
  } finally {
    if (packed) rmSync(plain, { force: true });
  }
}

/** A program that was interrupted may have left half a line at the end. */
function endLine(file: string): void {
  const { size } = statSync(file);
  const tail = Buffer.alloc(Math.min(size, 64));
  const descriptor = openSync(file, "r+");
  try {
    readSync(descriptor, tail, 0, tail.length, size - tail.length);
    ftruncateSync(descriptor, size - tail.length + tail.lastIndexOf("\n") + 1);
  } finally {
    closeSync(descriptor);
  }
}

async function count(file: string): Promise<{ references: number; pages: number }> {
  const { bytes, length } = openTrace(file);
  const progress = traceProgress(length);
  const pages = new Set<number>();
  let references = 0;
  for await (const batch of readTrace(bytes, { pageSize: PAGE_SIZE, format: "lackey", onBytes: progress.bytes })) {
    for (let n = 0; n < batch.count; n++) pages.add(batch.pages[n] as number);
    references += batch.count;
    progress.show({ phase: "trace", references, total: 0 });
  }
  progress.end();
  return { references, pages: pages.size };
}

async function pack(plain: string, out: string): Promise<void> {
  const began = performance.now();
  const { size } = statSync(plain);
  const source = createReadStream(plain);
  const timer = setInterval(() => {
    if (performance.now() - began > 2000)
      process.stderr.write(`${Math.floor((100 * source.bytesRead) / size)} %  packing\n`);
  }, 2000);
  try {
    await pipeline(source, createGzip({ level: 6 }), createWriteStream(out));
  } finally {
    clearInterval(timer);
  }
}
