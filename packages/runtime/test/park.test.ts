// Parking, step by step: the kernels of three threads over one memory, all called from here, so that each can be stopped
// between any two calls.
import { createMachine, defineInternalTypes, Kernel, Layout as L, SyncLayout as S } from "@ungil/kernel";
import { describe, expect, it } from "vitest";
import type { SyncExports } from "../src/exports.js";

function team(gil: boolean) {
  const machine = createMachine({ heapBytes: 4 << 20, slots: 4, gil });
  const kernels = [1, 2, 3].map((slot) => new Kernel<SyncExports>(machine, slot));
  const [main, a, b] = kernels as [Kernel<SyncExports>, Kernel<SyncExports>, Kernel<SyncExports>];
  defineInternalTypes(main.exports);
  expect(main.exports.syncInit(5000, 2)).toBe(0);
  for (const { exports } of kernels) expect(exports.syncAttach(0)).toBe(0);
  const word = (kernel: Kernel<SyncExports>, field: number) => kernel.u32[(kernel.block + field) >>> 2] as number;
  return {
    a,
    b,
    parked: () => main.control(S.CB_PARKED),
    searching: () => main.control(S.CB_SEARCHING),
    isParked: (kernel: Kernel<SyncExports>) => word(kernel, S.TB_PARK) === 1,
    isSearching: (kernel: Kernel<SyncExports>) => word(kernel, S.TB_IS_SEARCHING) === 1,
    setParked: (bits: number) => {
      main.u32[(L.CB + S.CB_PARKED) >>> 2] = bits;
    },
    spawn(kernel: Kernel<SyncExports>) {
      kernel.exports.batchBegin();
      kernel.exports.taskCreate(0, 0, 0, 0);
      kernel.exports.batchEnd();
    },
  };
}

describe.each([
  ["gil", true],
  ["free", false],
])("parking (%s)", (_, gil) => {
  it("wakes one parked thread for a task, which counts as searching from then on", () => {
    const t = team(gil);
    expect(t.b.exports.parkBegin()).toBe(1);
    t.spawn(t.a);
    expect([t.isParked(t.b), t.isSearching(t.b), t.searching()]).toEqual([false, true, 1]);
    t.b.exports.parkEnd();
    expect(t.parked()).toBe(0);
  });

  it("does not begin when there is a task to start", () => {
    const t = team(gil);
    t.spawn(t.a);
    expect(t.b.exports.parkBegin()).toBe(0);
    expect([t.isParked(t.b), t.parked()]).toEqual([false, 0]);
  });

  it("is ended once by whoever wakes, and the thread itself says when it is up", () => {
    const t = team(gil);
    t.b.exports.parkBegin();
    expect(t.a.exports.unpark(3)).toBe(1);
    expect(t.a.exports.unpark(3)).toBe(0);
    expect(t.parked()).toBe(1 << 3);
    t.b.exports.parkEnd();
    expect(t.parked()).toBe(0);
  });

  // A waker may see a thread on its way to or from parking. Once it waited there for ever, for itself.
  it("passes over threads that are on their way, itself among them", () => {
    const t = team(gil);
    t.b.exports.parkBegin();
    t.setParked((1 << 2) | (1 << 3));
    t.spawn(t.a);
    expect([t.isParked(t.b), t.isSearching(t.b), t.isSearching(t.a), t.searching()]).toEqual([false, true, false, 1]);
  });

  it("wakes nobody if all are on their way: they look for themselves", () => {
    const t = team(gil);
    t.setParked((1 << 2) | (1 << 3));
    t.spawn(t.a);
    expect([t.isSearching(t.a), t.isSearching(t.b), t.searching()]).toEqual([false, false, 0]);
    expect(t.b.exports.parkBegin()).toBe(0);
  });
});
