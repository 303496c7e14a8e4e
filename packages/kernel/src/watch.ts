/** `ungil vm map` names a file in the environment; maps of the process's memories, and of its heaps, are written there. */
import { appendFileSync } from "node:fs";
import { isMainThread, threadId } from "node:worker_threads";

/** Something that has a map. */
export interface Watched {
  dump(): string;
}

interface Watch {
  readonly names: Map<Watched, string>;
  readonly counts: Map<string, number>;
  readonly file: string;
}

let watch: Watch | undefined;

/** Writes its map when the process (or worker) ends, and every so many milliseconds; `what` it is: "heap", "memory". */
export function watchMap(watched: Watched, what: string): void {
  const { UNGIL_VM_MAP: file, UNGIL_VM_MAP_EVERY: every } = process.env;
  if (!file) return;
  if (watch === undefined) {
    watch = { names: new Map(), counts: new Map(), file };
    process.once("exit", () => writeAll("at exit"));
    if (every) setInterval(() => writeAll("running"), Number(every)).unref();
  }
  const number = (watch.counts.get(what) ?? 0) + 1;
  watch.counts.set(what, number);
  watch.names.set(watched, `${what} ${number}${isMainThread ? "" : ` of worker ${threadId}`}`);
}

/** It is about to be closed: writes its map for the last time. */
export function watchEnd(watched: Watched): void {
  write(watched, "when it was closed");
  watch?.names.delete(watched);
}

function writeAll(when: string): void {
  for (const watched of watch?.names.keys() ?? []) write(watched, when);
}

function write(watched: Watched, when: string): void {
  const name = watch?.names.get(watched);
  if (watch === undefined || name === undefined) return;
  appendFileSync(watch.file, `=== process ${process.pid}, ${name}, ${when}\n${watched.dump()}\n\n`);
}
