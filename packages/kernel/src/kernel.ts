/**
 * One thread's view of the machine: an instance of the kernel over the shared memory, and typed arrays over the same bytes.
 * The memory never grows, so no view goes stale.
 */
import { readFileSync } from "node:fs";
import { KernelNotFoundError, KernelPanicError, OutOfMemoryError } from "./errors.js";
import type { HeapExports } from "./exports.js";
import { heapMap } from "./heap-map.js";
import * as L from "./layout.js";
import { createMemory, plan } from "./plan.js";
import { SwapFile, type SwapHandle } from "./swap.js";
import { appendTrace, finishTraceAtExit, traceFile } from "./trace.js";
import { watchMap } from "./watch.js";

/** V8 12 optimises the large frame of the kernel's stack probe away (assembly/machine/stack.ts): there it takes many small ones. */
const STACK_LEVELS = Number.parseInt(process.versions.v8, 10) === 12 ? 24 : 1;

/** What the kernel's futexWait returns. */
const waited = { ok: 0, "not-equal": 1, "timed-out": 2 };

/**
 * What starts the machine on another thread: structured-clonable. A WebAssembly.Memory and a WebAssembly.Module; but those
 * types come with the DOM's, which a program for Node need not have.
 */
export interface MachineHandle {
  readonly memory: { readonly buffer: ArrayBufferLike };
  readonly module: object;
  readonly gil: boolean;
  readonly swap: SwapHandle | null;
}

/** A build of the kernel. The URLs are written out so that bundlers see them. */
function kernelUrl(gil: boolean, trace: boolean): URL {
  if (trace && gil) return new URL("./kernel.trace.gil.wasm", import.meta.url);
  if (trace) return new URL("./kernel.trace.free.wasm", import.meta.url);
  return gil ? new URL("./kernel.gil.wasm", import.meta.url) : new URL("./kernel.free.wasm", import.meta.url);
}

/** Reads and compiles a build of the kernel. */
export function compileKernel(gil: boolean): object {
  const url = kernelUrl(gil, traceFile() !== undefined);
  let bytes: Buffer;
  try {
    bytes = readFileSync(url);
  } catch (cause) {
    throw new KernelNotFoundError(url.href, { cause });
  }
  return new WebAssembly.Module(bytes as BufferSource);
}

export interface MachineOptions {
  /** Physical memory for objects. */
  heapBytes: number;
  /** Thread slots, of which slot 0 is never used. */
  slots: number;
  gil: boolean;
  /** Where pages go that memory has no room for; the caller closes it. */
  swap?: SwapHandle | null;
}

export function createMachine(options: MachineOptions): MachineHandle {
  const { heapBytes, slots, gil, swap = null } = options;
  const memory = createMemory(plan(heapBytes, slots, gil, swap ? swap.slots * L.PAGE_SIZE : 0));
  const file = traceFile();
  if (file !== undefined) finishTraceAtExit(file, memory);
  watchMap({ dump: () => heapMap(memory) }, "heap");
  return { memory, module: compileKernel(gil), gil, swap };
}

export class Kernel<Exports extends HeapExports = HeapExports> {
  readonly exports: Exports;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  /** Physical address of this thread's block. */
  readonly block: number;
  // Indexes into the typed arrays of the words through which results come.
  readonly outNumber: number;
  readonly outRef: number;
  readonly outType: number;
  readonly outA: number;
  readonly outB: number;
  /** Byte address of scratch. */
  readonly scratch: number;
  /** A page cannot be had, in the middle of an operation, for the reason E_*. Throws. */
  pageFault: (code: number) => never = (code) => {
    throw new KernelPanicError(`a fault ${code} of a thread without a heap`);
  };
  /** Where pages are when memory has no room for them. */
  swap: SwapFile | null;

  /** This thread has waited for long for the kernel lock at that address: does its holder still live? */
  lockAwaited: (lock: number) => void = () => undefined;

  /** Makes this thread the one of `slot`. Throws OutOfMemoryError if there is no frame for its lists. */
  constructor(
    readonly machine: MachineHandle,
    readonly slot: number,
  ) {
    const { memory, module } = machine;
    this.u8 = new Uint8Array(memory.buffer);
    this.i32 = new Int32Array(memory.buffer);
    this.u32 = new Uint32Array(memory.buffer);
    this.f64 = new Float64Array(memory.buffer);
    this.block = this.threadBlock(slot);
    this.swap = machine.swap && new SwapFile(machine.swap.descriptor, this.u8);
    const readTlb = this.control(L.CB_TLBS) + slot * 2 * L.TLB_SIZE;
    const env = {
      memory: memory as WebAssembly.Memory,
      now: () => performance.now(),
      wait: (at: number, expected: number, milliseconds: number) =>
        waited[Atomics.wait(this.i32, at >>> 2, expected | 0, milliseconds)],
      pageFault: (code: number) => this.pageFault(code),
      swapRead: (from: number, frame: number) => (this.swap?.read(from, frame) ? 0 : 1),
      swapWrite: (to: number, frame: number) => (this.swap?.write(to, frame) ? 0 : 1),
      lockAwaited: (lock: number) => this.lockAwaited(lock),
      traced: (at: number, words: number) =>
        appendTrace(traceFile() as string, this.u32.slice(at >>> 2, (at >>> 2) + words)),
      slot,
      stackLevels: STACK_LEVELS,
      block: this.block,
      readTlb,
      writeTlb: readTlb + L.TLB_SIZE,
      descriptors: this.control(L.CB_DESCRIPTORS),
      types: this.control(L.CB_TYPES),
    };
    this.exports = new WebAssembly.Instance(module as WebAssembly.Module, { env }).exports as unknown as Exports;
    this.outNumber = (this.block + L.TB_OUT_NUMBER) >>> 3;
    this.outRef = (this.block + L.TB_OUT_REF) >>> 2;
    this.outType = (this.block + L.TB_OUT_TYPE) >>> 2;
    this.outA = (this.block + L.TB_OUT_A) >>> 2;
    this.outB = (this.block + L.TB_OUT_B) >>> 2;
    this.scratch = this.block + L.TB_SCRATCH;
    // The system thread has no handles, no translations, and no frame of the heap's.
    if (slot !== this.systemSlot && this.exports.threadInit() !== 0)
      throw new OutOfMemoryError(`Starting thread ${slot}`);
  }

  get gil(): boolean {
    return this.machine.gil;
  }

  /** A word of the control block. */
  control(field: number): number {
    return this.u32[(L.CB + field) >>> 2] as number;
  }

  /** Slot of the system thread. */
  get systemSlot(): number {
    return this.control(L.CB_SLOTS) + L.VIEWS_MAX;
  }

  /** Slot in which the system thread collects cycles: the last one of those that threads are waited for in. */
  get collectorSlot(): number {
    return this.control(L.CB_SLOTS) - 1;
  }

  threadBlock(slot: number): number {
    return this.control(L.CB_THREADS) + slot * L.THREAD_BLOCK_SIZE;
  }

  /** A counter of the thread in `slot`; may be a step behind. */
  counter(slot: number, counter: number): number {
    const at = (this.threadBlock(slot) + L.TB_COUNTERS + counter * 8) >>> 2;
    return (this.u32[at] as number) + (this.u32[at + 1] as number) * 4294967296;
  }

  /** Physical address of a virtual one, without the TLB; 0 if it is not in memory. Nothing keeps it there. */
  walk(address: number): number {
    const page = address >>> L.PAGE_SHIFT;
    if (page >= this.control(L.CB_VIRTUAL_PAGES)) return 0;
    const pte = (this.control(L.CB_PAGE_TABLE) + page * 8) >>> 2;
    if (!((this.u32[pte] as number) & (L.PTE_PRESENT | L.PTE_LEAVING))) return 0;
    const frame = this.u32[pte + 1] as number;
    return this.control(L.CB_FRAME_BASE) + frame * L.PAGE_SIZE + (address & L.PAGE_MASK);
  }
}

/** Tells the kernel where internal objects keep their references. Once, by the thread that starts the machine. */
export function defineInternalTypes(exports: HeapExports): void {
  exports.typeDefine(L.TYPE_LIST, L.LIST_SIZE, 1 << (L.LIST_ITEMS >>> 2), 0);
  exports.typeDefine(L.TYPE_ARRAY, L.LIST_SIZE, 1 << (L.LIST_ITEMS >>> 2), 0);
  exports.typeDefine(L.TYPE_RECORD, L.LIST_SIZE, 1 << (L.LIST_ITEMS >>> 2), 0);
  exports.typeDefine(L.TYPE_BIGINT, L.LIST_SIZE, 1 << (L.LIST_ITEMS >>> 2), 0);
  const tables = (2 ** L.DICT_SHARDS - 1) << (L.DICT_TABLES >>> 2);
  exports.typeDefine(L.TYPE_DICT, L.DICT_SIZE, tables, 0);
  const held = [L.WEAK_COROUTINE, L.WEAK_ARGS, L.WEAK_OBJECT].reduce((mask, at) => mask | (1 << (at >>> 2)), 0);
  exports.typeDefine(L.TYPE_WEAK, L.WEAK_SIZE, held, 0);
  exports.typeDefine(L.TYPE_FINALIZER, L.WEAK_SIZE, held, 0);
}
