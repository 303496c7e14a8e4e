// Operations inside the kernel, with no call from JavaScript between: the loops are in packages/kernel/assembly/bench.ts,
// the machine is one of our own, on this thread.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createMachine, defineInternalTypes, type HeapExports, Kernel, Layout } from "@ungil/kernel";
import { FLOOR, type Operation, timed } from "./operation.js";

interface BenchExports extends HeapExports {
  benchNothing(value: number): number;
  benchLoad(at: number, n: number): number;
  benchRandomLoad(at: number, bytes: number, n: number): number;
  benchTranslatedLoad(address: number, bytes: number, n: number): number;
  benchAtomicAdd(at: number, n: number): number;
  benchAllocateFree(type: number, n: number): number;
  benchCountPair(address: number, n: number): void;
  benchFieldGet(address: number, offset: number, n: number): number;
  benchFieldSet(address: number, offset: number, n: number): void;
  benchDictGet(dict: number, n: number): number;
  benchDictSet(dict: number, n: number): number;
  benchListGet(list: number, n: number): number;
  benchListPush(list: number, n: number): number;
  benchLock(address: number, n: number): void;
  benchSpawnJoin(name: number, n: number): number;
  // What the scheduler would call.
  syncInit(intervalMicroseconds: number): number;
  syncAttach(patienceMicroseconds: number): number;
  runBegin(): void;
}

const SLOTS = 3;
/** A worker's: it has a queue of its own. */
const SLOT = 2;
/** Types for the machine's own use: two references; one number. */
const PAIR = Layout.TYPE_FIRST_USER;
const POINT = PAIR + 1;
const ENTRIES = 256;
/** Bytes that random loads are from: 16 pages. */
const SPREAD = 1 << 18;

export function kernelOperations(mode: "gil" | "free"): Operation[] {
  const kernel = boot(mode === "gil");
  const { exports } = kernel;
  const point = kept(exports, exports.structNew(POINT));
  const name = kept(exports, exports.stringNew(4, 0));
  const dict = kept(exports, exports.dictNew());
  const items = kept(exports, exports.listNew(Layout.TYPE_LIST, ENTRIES));
  const pushed = kept(exports, exports.listNew(Layout.TYPE_LIST, ENTRIES));
  for (let key = 0; key < ENTRIES; key++) {
    exports.dictSet(dict, 0, key, Layout.TAG_NUMBER, 0, key);
    exports.listPush(items, Layout.TAG_NUMBER, 0, key);
  }
  const run = kept(exports, exports.stringNew(SPREAD, 0)); // large: its pages are neighbours, in physical memory too
  const field = Layout.OBJECT_BODY;
  const inKernel = (name: string, floor: string | null, loop: (n: number) => unknown): Operation => ({
    name: floor === null ? name : `${name}, in the kernel`,
    mode,
    floor,
    run: (n) => timed(() => void loop(n)),
  });
  return [
    inKernel(FLOOR.load, null, (n) => exports.benchLoad(kernel.scratch, n)),
    inKernel(FLOOR.random, null, (n) => exports.benchRandomLoad(exports.translate(run), SPREAD, n)),
    inKernel(FLOOR.atomic, null, (n) => exports.benchAtomicAdd(kernel.scratch, n)),
    inKernel(FLOOR.call, null, (n) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum = exports.benchNothing(sum);
      return sum;
    }),
    inKernel("translated load, random", FLOOR.random, (n) => exports.benchTranslatedLoad(run, SPREAD, n)),
    inKernel("alloc + free", FLOOR.atomic, (n) => exports.benchAllocateFree(PAIR, n)),
    inKernel("count up + down", FLOOR.atomic, (n) => exports.benchCountPair(point, n)),
    inKernel("field get", FLOOR.load, (n) => exports.benchFieldGet(point, field, n)),
    inKernel("field set", FLOOR.load, (n) => exports.benchFieldSet(point, field, n)),
    inKernel("dict get", FLOOR.atomic, (n) => exports.benchDictGet(dict, n)),
    inKernel("dict set", FLOOR.atomic, (n) => exports.benchDictSet(dict, n)),
    inKernel("list get", FLOOR.load, (n) => exports.benchListGet(items, n)),
    inKernel("list push + pop", FLOOR.atomic, (n) => exports.benchListPush(pushed, n)),
    inKernel("lock + unlock", FLOOR.atomic, (n) => exports.benchLock(point, n)),
    inKernel("spawn + join", FLOOR.atomic, (n) => exports.benchSpawnJoin(name, n)),
  ];
}

function boot(gil: boolean): Kernel<BenchExports> {
  const machine = createMachine({ heapBytes: 64 << 20, slots: SLOTS, gil });
  const folder = dirname(createRequire(import.meta.url).resolve("@ungil/kernel/package.json"));
  const file = join(folder, "dist", gil ? "kernel.bench.gil.wasm" : "kernel.bench.free.wasm");
  const module = new WebAssembly.Module(readFileSync(file));
  const kernel = new Kernel<BenchExports>({ ...machine, module }, SLOT);
  const { exports } = kernel;
  defineInternalTypes(exports);
  if (exports.syncInit(5000) !== 0 || exports.syncAttach(0) !== 0) throw new Error("no memory for the machine");
  exports.runBegin();
  exports.typeDefine(PAIR, 16, 0b1100, 0);
  exports.typeDefine(POINT, 16, 0, 0);
  return kernel;
}

/** Counts an object once, so that it outlives every scope. */
function kept(exports: HeapExports, address: number): number {
  if (address < Layout.ERROR_LIMIT) throw new Error(`the kernel gave error ${address}`);
  exports.countIncrement(address);
  return address;
}
