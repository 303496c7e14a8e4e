/** `ungil vm map` names a file in the environment; maps of all physical memories of the process are written there. */
import { appendFileSync } from "node:fs";
import { isMainThread, threadId } from "node:worker_threads";

interface Watched {
  dump(): string;
}

const open = new Set<Watched>();
let number = 0;
const names = new WeakMap<Watched, string>();

/** Writes a memory's map when it is closed, when the process ends, and every so many milliseconds. */
export function watch(memory: Watched): void {
  const { UNGIL_VM_MAP: file, UNGIL_VM_MAP_EVERY: every } = process.env;
  if (!file) return;
  if (open.size === 0 && number === 0) {
    process.once("exit", () => writeAll(file, "at exit"));
    if (every) setInterval(() => writeAll(file, "running"), Number(every)).unref();
  }
  const thread = isMainThread ? "" : ` of worker ${threadId}`;
  names.set(memory, `memory ${++number}${thread}`);
  open.add(memory);
}

watch.closing = (memory: Watched): void => {
  const file = process.env.UNGIL_VM_MAP;
  if (file && open.delete(memory)) write(file, memory, "when it was closed");
};

function writeAll(file: string, when: string): void {
  for (const memory of open) write(file, memory, when);
}

function write(file: string, memory: Watched, when: string): void {
  appendFileSync(file, `=== process ${process.pid}, ${names.get(memory)}, ${when}\n${memory.dump()}\n\n`);
}
