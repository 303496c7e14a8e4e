/** What eviction costs where pages cannot leave. */
import { List, scope } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { inBothModes, machine } from "./support.js";

inBothModes((gil) => {
  it("runs that wait for their end are not marked and rescued in each round", () => {
    const m = machine({ gil, mib: 4, slots: 4, swapMib: 64 });
    const { kernel } = m;
    const state = (page: number) =>
      kernel.u32[(kernel.control(L.CB_DESCRIPTORS) + page * L.PAGE_DESCRIPTOR_SIZE + L.PD_STATE) >>> 2];
    const lists = new List<List<number>>();
    for (let n = 0; n < 4; n++) scope(() => lists.push(new List(Array<number>(30_000).fill(n))));
    const runs = Array.from({ length: kernel.control(L.CB_VIRTUAL_PAGES) }, (_, page) => page).filter(
      (page) => state(page) === L.PAGE_RUN && kernel.walk(page * L.PAGE_SIZE) !== 0,
    );
    expect(runs.length).toBeGreaterThan(2);
    // As a thread leaves them that has parked: free, and not unmapped yet.
    const headers = runs.map((page) => kernel.walk(page * L.PAGE_SIZE) >>> 2);
    const before = headers.map((at) => kernel.u32[at] as number);
    for (const at of headers) kernel.u32[at] = 0;
    const [rescues, evictions] = [m.counter(L.COUNTER_RESCUES), m.counter(L.COUNTER_EVICTIONS)];
    const others = new List<List<number>>();
    for (let n = 0; n < 600; n++) scope(() => others.push(new List(Array<number>(1500).fill(n))));
    expect(m.counter(L.COUNTER_EVICTIONS) - evictions).toBeGreaterThan(300);
    expect(m.counter(L.COUNTER_RESCUES) - rescues).toBe(0);
    for (const [n, at] of headers.entries()) kernel.u32[at] = before[n] as number;
    for (let n = 0; n < 4; n++) expect(scope(() => lists.get(n)?.get(29_999))).toBe(n);
    m.objects();
  });

  it("a run finds room among runs that cannot leave and pages that can", () => {
    const m = machine({ gil, mib: 6, slots: 4, swapMib: 64 });
    const lists = new List<List<number>>();
    for (let n = 0; n < 24; n++) {
      scope(() => lists.push(new List(Array<number>(40_000).fill(n))));
      for (let k = 0; k < 40; k++) scope(() => lists.push(new List(Array<number>(1500).fill(n))));
    }
    for (let n = 0; n < 24; n++) expect(scope(() => lists.get(41 * n)?.get(39_999))).toBe(n);
    m.objects();
  });
});
