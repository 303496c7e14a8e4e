// `ungil vm map`: runs a program and prints the maps of its address spaces.

import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { VirtualMemoryError } from "@ungil/memory";
import { type Command, InvalidArgumentError } from "commander";
import { InterruptedError } from "./interrupt.js";
import { runProgram } from "./program.js";

const MANUAL = `
The program is any command; for each PhysicalMemory of ungil/memory that it makes, on whatever thread, and for the heap of
each runtime that it starts, a map is printed when the program ends (or closes that memory): regions as /proc/PID/maps and
smaps print them, the page table, and what the TLBs hold of it. Regions of a heap are its arenas, by size class and owner.
With --every they are printed between turns of the program's event loop too.

Examples:
  ungil vm map -- node program.mjs
  ungil vm map --every 1s -- node program.mjs

Exit codes: 0; 1 the program failed, or has no such memory; 2 usage; 130 Ctrl-C.`;

export function mapCommand(vm: Command): void {
  vm.command("map")
    .description("run a program and print regions, page tables and TLBs of its address spaces and heaps")
    .argument("<command...>", "the program and its arguments, after --")
    .option("--every <time>", "print maps while it runs too: 1s, 500ms", milliseconds)
    .addHelpText("after", MANUAL)
    .action((command: string[], { every }: { every?: number }) => map(command, every));
}

async function map(command: string[], every: number | undefined): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "ungil-map-"));
  const file = path.join(folder, "map");
  let printed = 0;
  const print = () => {
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) <= printed) return;
    const bytes = readFileSync(file);
    process.stdout.write(bytes.subarray(printed));
    printed = bytes.length;
  };
  const timer = every === undefined ? undefined : setInterval(print, Math.max(50, every / 2));
  try {
    const environment = { UNGIL_VM_MAP: file, ...(every === undefined ? {} : { UNGIL_VM_MAP_EVERY: String(every) }) };
    const { code, signal } = await runProgram(command, environment);
    print();
    if (signal === "SIGINT") throw new InterruptedError("stopped");
    if (printed === 0)
      throw new VirtualMemoryError("the program has neither an address space nor a runtime, or not of this ungil");
    if (code !== 0) throw new VirtualMemoryError(`the program ended with ${signal ?? `exit code ${code}`}`);
  } finally {
    clearInterval(timer);
    rmSync(folder, { recursive: true, force: true });
  }
}

function milliseconds(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text.trim()) ?? [];
  const time = Number(number) * (unit === "s" ? 1000 : 1);
  if (!(time >= 10)) throw new InvalidArgumentError("it must be a time of 10ms or more, such as 500ms or 1s.");
  return Math.round(time);
}
