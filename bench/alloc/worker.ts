// A thread of a program. It is told what to do, does it, and waits for more.
import { parentPort, workerData } from "node:worker_threads";
import type { MachineHandle } from "@ungil/kernel";
import { attach, rest, work } from "./machine.js";
import type { Job } from "./programs.js";

const BARRIER_PATIENCE = 20_000; // ms

const { machine, slot, barrier } = workerData as { machine: MachineHandle; slot: number; barrier: Int32Array };
const kernel = attach(machine, slot);

/** All threads of a job begin together. */
function meet(threads: number): void {
  Atomics.add(barrier, 0, 1);
  const until = performance.now() + BARRIER_PATIENCE;
  while (Atomics.load(barrier, 0) % threads !== 0) {
    if (performance.now() > until) throw new Error("the other threads did not come");
  }
}

parentPort!.on("message", (message: { job: Job } | { end: boolean; board: number } | "rest") => {
  if (message === "rest") rest(kernel);
  else if ("end" in message) {
    kernel.exports.batchBegin();
    kernel.exports.benchAllocEnd(message.board, 0, Number(message.end));
    kernel.exports.batchEnd();
  } else {
    parentPort!.postMessage(work(kernel, message.job, () => meet(message.job.threads)));
    return;
  }
  parentPort!.postMessage("done");
});
parentPort!.postMessage("ready");
