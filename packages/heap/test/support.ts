/**
 * Machines for tests: memory, a kernel on slot 1 and its heap. Each is checked when its test ends: every count is exact,
 * and once everything that was kept is dropped, nothing is left but the names of the types.
 */
import { Heap, thread, type Verification, verifyHeap } from "@ungil/heap";
import {
  closeSwap,
  createMachine,
  defineInternalTypes,
  Kernel,
  Layout as L,
  type MachineHandle,
  openSwap,
} from "@ungil/kernel";
import { afterEach, describe, expect } from "vitest";

export const modes = [
  { mode: "free", gil: false },
  { mode: "gil", gil: true },
] as const;

/** Defines the same tests for the GIL-free build and the GIL build. */
export function inBothModes(define: (gil: boolean) => void): void {
  describe.each(modes)("$mode", ({ gil }) => define(gil));
}

/** A seed for a test that draws at random, printed so that a failure can be run again: UNGIL_TEST_SEED=... */
export function seed(name: string): number {
  const value = Number(process.env.UNGIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${name}: UNGIL_TEST_SEED=${value}`);
  return value;
}

/** Random integers below n, from a seed (mulberry32). */
export function random(from: number): (n: number) => number {
  let state = from | 0;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const open: TestMachine[] = [];

export class TestMachine {
  readonly handle: MachineHandle;
  readonly heap: Heap;
  /** Objects in cycles that the test drops, which nothing collects yet; NaN if it cannot say. */
  cyclic = 0;
  /** Heaps of other slots that live in this thread. */
  readonly #others: Heap[] = [];
  /** Addresses that other threads keep, set by the test. */
  held: number[] = [];

  constructor(options: { gil: boolean; mib?: number; slots?: number; swapMib?: number }) {
    const { gil, mib = 16, slots = 6, swapMib = 0 } = options;
    const swap = swapMib ? openSwap(swapMib * 2 ** 20) : null;
    this.handle = createMachine({ heapBytes: mib * 2 ** 20, slots, gil, swap });
    const kernel = new Kernel(this.handle, 1);
    defineInternalTypes(kernel.exports);
    this.heap = new Heap(kernel);
    thread.scope = this.heap.root;
    open.push(this);
  }

  get kernel(): Kernel {
    return this.heap.kernel;
  }

  /** Another slot of the machine, used from this thread. */
  slot(slot: number): Heap {
    const heap = new Heap(new Kernel(this.handle, slot));
    this.#others.push(heap);
    return heap;
  }

  /** Runs with the thread outside steps of another slot's heap. */
  on<T>(heap: Heap, work: () => T): T {
    const outer = thread.scope;
    thread.scope = heap.root;
    try {
      return work();
    } finally {
      thread.scope = outer;
    }
  }

  /** This machine is damaged on purpose: it is not checked when the test ends. */
  forget(): void {
    open.splice(open.indexOf(this), 1);
    this.heap.close();
    this.closeSwap();
  }

  closeSwap(): void {
    if (this.handle.swap) closeSwap(this.handle.swap);
  }

  /** Everything that is counted from outside the shared heap. */
  kept(): number[] {
    return [this.heap, ...this.#others].flatMap((heap) => [...heap.kept()]).concat(this.held);
  }

  verify(): Verification {
    return verifyHeap(this.kernel, this.kept());
  }

  /** Objects now; fails if any count is not exact. */
  objects(): number {
    const { violations, objects } = this.verify();
    expect(violations).toEqual([]);
    return objects;
  }

  /** Safepoints of every slot used here, until nothing waits for a grace period. */
  settle(): void {
    const heaps = [this.heap, ...this.#others];
    for (const heap of heaps) heap.strings.clear();
    for (let n = 0; n < 20_000; n++) {
      for (const heap of heaps) this.step(heap);
      if (n > 8 && heaps.every((heap) => this.limbo(heap) === 0 && !this.isDestroying(heap))) break;
    }
    for (let n = 0; n < 8; n++) for (const heap of heaps) this.step(heap);
  }

  /** An empty batch, past the heap, which may be closed. */
  step(heap: Heap): void {
    heap.x.batchBegin();
    heap.x.batchEnd();
  }

  limbo(heap: Heap = this.heap): number {
    return heap.kernel.u32[(heap.kernel.block + L.TB_LIMBO_COUNT) >>> 2] as number;
  }

  /** True if something is left on a destroy stack. */
  isDestroying({ kernel }: Heap): boolean {
    const [top, first] = [L.TB_DESTROY_TOP, L.TB_DESTROY_FIRST].map(
      (field) => kernel.u32[(kernel.block + field) >>> 2],
    );
    return top !== (first as number) + L.CHUNK_HEADER;
  }

  counter(counter: number, slot = 1): number {
    return this.kernel.counter(slot, counter);
  }

  /** Frames that nobody uses. */
  framesFree(): number {
    return this.kernel.control(L.CB_FRAMES_FREE);
  }

  /** Drops every kept handle and whatever the string caches hold; only the type table's strings may be left. */
  dropAll(): void {
    const { x } = this.heap;
    for (const heap of [this.heap, ...this.#others]) {
      const kept = [...heap.kept()];
      heap.close(); // from here on a finaliser of a dropped handle does nothing
      heap.x.batchBegin();
      for (const address of kept) heap.x.countDecrement(address);
      heap.x.batchEnd();
    }
    x.batchBegin();
    for (const address of this.held) x.countDecrement(address);
    x.batchEnd();
    this.held = [];
    this.settle();
  }

  /** Strings that the type table refers to. */
  typeStrings(): number {
    const { kernel } = this;
    const strings = new Set<number>();
    for (let type: number = L.TYPE_FIRST_USER; type < kernel.control(L.CB_TYPE_COUNT); type++) {
      const entry = kernel.control(L.CB_TYPES) + type * L.TYPE_ENTRY_SIZE;
      for (const field of [L.TYPE_NAME, L.TYPE_URL, L.TYPE_SCHEMA]) {
        strings.add(kernel.u32[(entry + field) >>> 2] as number);
      }
    }
    return strings.size;
  }

  end(): void {
    expect(verifyHeap(this.kernel, this.kept()).violations, "at the end of the test").toEqual([]);
    this.dropAll();
    const { objects, violations } = verifyHeap(this.kernel, []);
    expect(violations, "after dropping everything").toEqual([]);
    const left = objects - this.typeStrings();
    if (Number.isNaN(this.cyclic)) expect(left, "after dropping everything").toBeGreaterThanOrEqual(0);
    else expect(left, "after dropping everything").toBe(this.cyclic);
    expect(this.kernel.control(L.CB_PANIC)).toBe(0);
    this.closeSwap();
  }
}

afterEach(({ task }) => {
  const machines = open.splice(0);
  thread.scope = null;
  // A test that failed has said why already.
  if (task.result?.state === "fail") for (const machine of machines) machine.heap.close();
  else for (const machine of machines) machine.end();
});

export function machine(options: { gil: boolean; mib?: number; slots?: number; swapMib?: number }): TestMachine {
  return new TestMachine(options);
}

/** What `work` throws, as "code: message". */
export function failure(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code ?? (error as Error).name}: ${message}`;
  }
  return "nothing was thrown";
}
