// rt.vm: figures that agree with each other, and with rt.stats().
import { Dict, List } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { mutate, Part } from "./fixtures/swap.mjs";
import { inBothModes, start, within } from "./helpers.js";

inBothModes("rt.vm", (gil) => {
  it("says where pages are, and who evicted them", async () => {
    const rt = await start({ gil, threads: 1, memory: "4MiB", swap: "32MiB" });
    const part = rt.scope(() => rt.new(Part, { cells: new List(), index: new Dict() }));
    await within(20_000, rt.run(mutate, part, 1, 40_000, rt.new(Dict)));
    rt.verify(); // all stands still, and then nothing is left to do
    await new Promise((resolve) => setTimeout(resolve, 20));
    // The pager may still be at it: figures of one moment.
    let [all, vm] = [rt.stats(), rt.vm.stats()];
    for (let tries = 0; tries < 1000 && rt.stats().framesFree !== all.framesFree; tries++)
      [all, vm] = [rt.stats(), rt.vm.stats()];
    const { pageSize, frames, watermarks } = vm;
    expect([pageSize, frames]).toEqual([L.PAGE_SIZE, (4 << 20) / L.PAGE_SIZE]);
    const levels = [0, vm.framesReserved, watermarks.low, watermarks.high, frames / 4];
    expect(levels).toEqual(levels.toSorted((a, b) => a - b));
    expect(new Set(levels).size).toBe(5);
    expect(vm.framesFree).toBe(all.framesFree);
    const { pages } = rt.verify();
    // Pages that were never touched, and free ones, are in neither.
    expect(vm.pagesResident + vm.pagesSwapped).toBeLessThanOrEqual(pages + 1);
    expect(vm.pagesResident + vm.framesFree).toBeLessThanOrEqual(vm.frames);
    expect(vm.pagesSwapped).toBeLessThanOrEqual(vm.swap.slots - vm.swap.free);
    expect(vm.swap.slots).toBe((32 << 20) / L.PAGE_SIZE);
    expect([vm.evictions.pager + vm.evictions.direct, vm.swapIns, vm.swapOuts, vm.rescues, vm.tlbMisses]).toEqual([
      all.evictions,
      all.swapIns,
      all.swapOuts,
      all.rescues,
      all.tlbMisses,
    ]);
    expect(vm.evictions.pager).toBeGreaterThan(0);
    expect(vm.tlbFlushes).toBeGreaterThan(0);
    expect(vm.faults.demandZero).toBeGreaterThan(vm.pagesSwapped);
    expect([vm.faults.refused, rt.vm.policy]).toEqual([0, "clock"]);
    expect(rt.vm.dump()).toContain(`heap: ${frames} frames of ${pageSize} bytes`);
    expect(rt.vm.dump()).toContain(`${gil ? "GIL" : "free"} build; swap: ${vm.swap.slots} slots`);
    expect(all.threads.map(({ id }) => id)).toEqual([0, 1]);
  });

  it("has no pager without a swap file, and nothing to say when the runtime is closed", async () => {
    const rt = await start({ gil, threads: 1, memory: "4MiB" });
    const { evictions, swap, pagesSwapped } = rt.vm.stats();
    expect([rt.vm.policy, evictions, swap, pagesSwapped]).toEqual([
      null,
      { pager: 0, direct: 0 },
      { slots: 0, free: 0 },
      0,
    ]);
    await rt.close();
    for (const use of [() => rt.vm.stats(), () => rt.vm.dump()])
      expect(use).toThrow(expect.objectContaining({ code: "RUNTIME_CLOSED" }));
  });
});
