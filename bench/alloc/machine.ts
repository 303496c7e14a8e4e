// A machine with the kernel's bench build, and what one thread of it does.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import {
  createMachine,
  defineInternalTypes,
  type HeapExports,
  Kernel,
  Layout as L,
  type MachineHandle,
} from "@ungil/kernel";
import type { Done, Job } from "./programs.js";

export interface AllocExports extends HeapExports {
  benchAtomicAdd(at: number, n: number): number;
  benchAllocBoard(): number;
  benchAlloc(program: number, board: number, rank: number, threads: number, full: number, n: number): number;
  benchAllocEnd(board: number, rank: number, full: number): void;
  syncInit(intervalMicroseconds: number, workers: number): number;
  syncAttach(patienceMicroseconds: number): number;
}

/** A type without references: what the programs' blocks say that they are. */
const RAW = L.TYPE_FIRST_USER;
/** The board begins here, on a cache line. */
const BOARD_OFFSET = 64;
const FLOOR_ADDS = 1 << 17;
const PATIENCE = 60_000; // ms
const REST_STEPS = 8;
const WAIT = 0.05; // ms
const NOBODY_WAKES = new Int32Array(new SharedArrayBuffer(4));

/** Slots: 0 is never used, 1 is the main thread's, the last one the collector's. */
export const slotsFor = (threads: number): number => threads + 3;

export function makeMachine(gil: boolean, threads: number, mib: number): MachineHandle {
  const machine = createMachine({ heapBytes: mib << 20, slots: slotsFor(threads), gil });
  const folder = dirname(createRequire(import.meta.url).resolve("@ungil/kernel/package.json"));
  const dist = process.env.UNGIL_BENCH_KERNEL ?? join(folder, "dist");
  const file = join(dist, gil ? "kernel.bench.gil.wasm" : "kernel.bench.free.wasm");
  return { ...machine, module: new WebAssembly.Module(readFileSync(file)) };
}

export function attach(machine: MachineHandle, slot: number): Kernel<AllocExports> {
  const kernel = new Kernel<AllocExports>(machine, slot);
  if (kernel.exports.syncAttach(50) !== 0) throw new Error("no memory for a thread");
  return kernel;
}

/** Starts a machine as its main thread: the kernel, the board's physical address, and the object that it is. */
export function startMain(machine: MachineHandle, threads: number): [Kernel<AllocExports>, number, number] {
  const kernel = new Kernel<AllocExports>(machine, 1);
  const x = kernel.exports;
  defineInternalTypes(x);
  x.typeDefine(RAW, 24, 0, 0);
  if (x.syncInit(5000, threads) !== 0 || x.syncAttach(50) !== 0) throw new Error("no memory for the machine");
  x.batchBegin();
  const text = x.stringNew(x.benchAllocBoard() + BOARD_OFFSET, 0);
  if (text < L.ERROR_LIMIT && text >= 0) throw new Error("no memory for the board");
  x.countIncrement(text);
  const board = (x.translate(text) >>> 0) + BOARD_OFFSET;
  kernel.u8.fill(0, board, board + x.benchAllocBoard());
  x.batchEnd();
  return [kernel, board, text];
}

/** Runs a job slice by slice, with a safepoint after each. */
export function work(kernel: Kernel<AllocExports>, job: Job, begin: () => void): Done {
  const { exports: x } = kernel;
  const { program, rank, threads, board, full, operations, slice } = job;
  const floors = [floor(kernel)];
  let [done, framesLeast] = [0, Number.POSITIVE_INFINITY];
  begin();
  const began = performance.now();
  while (done < operations) {
    x.batchBegin();
    const some = x.benchAlloc(program, board, rank, threads, Number(full), slice);
    framesLeast = Math.min(framesLeast, kernel.control(L.CB_FRAMES_FREE));
    x.batchEnd();
    done += some;
    if (some > 0) continue;
    // It waits for what another thread makes or takes; looking for it all the time would keep the GIL from that one.
    Atomics.wait(NOBODY_WAKES, 0, 0, WAIT);
    if (performance.now() - began > PATIENCE) throw new Error(`thread ${rank} has nothing to do`);
  }
  const ms = performance.now() - began;
  floors.push(floor(kernel));
  return { ms, operations: done, floors, framesLeast };
}

/** Atomic additions a second. */
export function floor({ exports: x, scratch }: Kernel<AllocExports>): number {
  const began = performance.now();
  x.benchAtomicAdd(scratch, FLOOR_ADDS);
  return (FLOOR_ADDS * 1000) / (performance.now() - began);
}

/** What a thread does before it parks, with nothing to do. */
export function rest({ exports: x }: Kernel<AllocExports>): void {
  for (let n = 0; n < REST_STEPS; n++) {
    x.batchBegin();
    x.limboSettle();
    x.batchEnd();
  }
}
