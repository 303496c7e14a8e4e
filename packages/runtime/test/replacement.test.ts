// The pager by hand: a machine of which both threads, that of the heap and that of the system, stand here, so that each round of
// the pager comes when it is called.
import { Heap, List, scope, thread } from "@ungil/heap";
import { closeSwap, createMachine, defineInternalTypes, Kernel, Layout as L, openSwap } from "@ungil/kernel";
import { afterEach, expect, it } from "vitest";
import { Pager } from "../src/pager.js";
import { Replacement } from "../src/replacement.js";
import { inBothModes } from "./helpers.js";

const unexpected = (error: unknown) => {
  throw error;
};

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const LISTS = 320;
const text = (n: number) => `${n} ${"x".repeat(290)}`;

/** A heap of lists of a page or two each, in 256 frames. */
function machine(gil: boolean) {
  const swap = openSwap(32 << 20);
  const handle = createMachine({ heapBytes: 256 * L.PAGE_SIZE, slots: 3, gil, swap });
  const kernel = new Kernel(handle, 1);
  defineInternalTypes(kernel.exports);
  const heap = new Heap(kernel);
  thread.scope = heap.root;
  const system = new Kernel(handle, kernel.systemSlot);
  const lists = new List<List<string>>();
  for (let n = 0; n < LISTS; n++)
    scope(() => lists.push(new List<string>(Array.from({ length: 100 }, (_, k) => text(100 * n + k)))));
  ends.push(() => {
    thread.scope = null;
    heap.close();
    closeSwap(swap);
  });
  const flags = (page: number) => kernel.u32[(kernel.control(L.CB_PAGE_TABLE) >>> 2) + 2 * page] as number;
  const pages = (flag: number) =>
    Array.from({ length: kernel.control(L.CB_VIRTUAL_PAGES) }, (_, page) => page).filter((page) => flags(page) & flag);
  return {
    kernel,
    system,
    read: (n: number) => scope(() => expect(lists.get(n)?.get(7)).toBe(text(100 * n + 7))),
    inMemory: () => pages(L.PTE_PRESENT),
    inFile: () => pages(L.PTE_SWAPPED),
    free: () => kernel.control(L.CB_FRAMES_FREE),
    direct: () => kernel.counter(1, L.COUNTER_EVICTIONS),
    swapIns: () => kernel.counter(1, L.COUNTER_SWAP_INS),
    high: kernel.exports.watermarkHigh(),
  };
}

inBothModes("the pager's policy", (gil) => {
  it("names the pages that leave", () => {
    const m = machine(gil);
    const replacement = new Replacement(m.system, "lru");
    expect(replacement.evict(0)).toBe(0);
    for (let n = 0; n < 20; n++) m.read(n);
    const before = new Set(m.inMemory());
    const evicted = replacement.evict(12);
    expect(evicted).toBe(12);
    const left = new Set(m.inMemory());
    const gone = [...before].filter((page) => !left.has(page));
    // All victims of before the first that is still in memory, and no other page.
    const { victims } = replacement;
    const first = victims.findIndex((page) => left.has(page));
    expect(gone.sort()).toEqual(victims.slice(0, first).sort());
    expect(gone.length).toBe(12);
    // What is left of the list is for whoever needs a frame before the pager comes again.
    const direct = m.direct();
    for (let n = 0; m.direct() === direct; n = (n + 1) % LISTS) m.read(n);
    const next = victims.slice(first, first + 3);
    expect(next.length).toBe(3);
    for (const page of next) expect(m.inFile()).toContain(page);
  });

  it("knows after each harvest what is in memory, whoever has evicted meanwhile", () => {
    const m = machine(gil);
    const replacement = new Replacement(m.system, "arc");
    for (let round = 0; round < 40; round++) {
      for (let n = 0; n < 30; n++) m.read((7 * n + 13 * round) % LISTS);
      replacement.evict(round % 3 === 0 ? 10 : 0);
      replacement.evict(0);
      const known = [...replacement.policy.pages(), ...replacement.victims];
      expect(known.sort((a, b) => a - b)).toEqual(m.inMemory());
      expect(replacement.policy.verify()).toEqual([]);
    }
    expect(m.direct()).toBeGreaterThan(100);
  });

  // A loop over more than memory holds: whatever LRU keeps has left before its turn comes again.
  it("decides: lirs and w-tinylfu keep a part of a loop in memory, lru nothing", () => {
    const ins = Object.fromEntries(
      ["lru", "lirs", "w-tinylfu"].map((policy) => {
        const m = machine(gil);
        const pager = new Pager(m.system, policy, unexpected);
        const pass = () => {
          for (let n = 0; n < LISTS; n++) {
            m.read(n);
            while (m.free() < m.high && pager.round() === 0);
          }
        };
        for (let n = 0; n < 4; n++) pass();
        const [direct, before] = [m.direct(), m.swapIns()];
        for (let n = 0; n < 4; n++) pass();
        expect(m.direct()).toBe(direct);
        return [policy, m.swapIns() - before];
      }),
    );
    console.log(JSON.stringify(ins));
    expect(ins.lru).toBeGreaterThan(0.9 * 4 * LISTS);
    for (const swapIns of [ins.lirs, ins["w-tinylfu"]]) expect(swapIns).toBeLessThan(0.7 * (ins.lru as number));
  });

  it("gives a policy up that fails again and again, and goes on without it", () => {
    const m = machine(gil);
    const told: unknown[] = [];
    const pager = new Pager(m.system, "lru", (error) => told.push(error));
    const { evict } = Replacement.prototype;
    let asked = 0;
    Replacement.prototype.evict = () => {
      throw new Error(`failure ${++asked}`);
    };
    try {
      for (let n = 0; n < 10; n++) {
        while (pager.round() === 0);
        expect(m.free()).toBeGreaterThanOrEqual(m.high);
        for (let k = 0; m.free() >= m.kernel.exports.watermarkLow(); k = (k + 1) % LISTS) m.read(k);
      }
    } finally {
      Replacement.prototype.evict = evict;
    }
    expect([asked, told]).toEqual([3, [new Error("failure 3")]]);
  });

  it("rests while the world stands still, which waits for a round that has begun", () => {
    const m = machine(gil);
    const { exports: x } = m.kernel;
    const lock = (L.CB + L.CB_EVICT_LOCK) >>> 2;
    const pager = new Pager(m.system, "clock", unexpected);
    const replacement = new Replacement(m.system, "sieve");
    x.batchBegin();
    expect([x.worldStop(L.STOP_NOW), x.worldIsStopped()]).toEqual([1, 1]);
    const before = m.inMemory();
    expect([replacement.evict(4), pager.round()]).toEqual([0, 1]);
    expect([m.inMemory(), m.kernel.u32[lock]]).toEqual([before, 0]);
    // A system thread that died in a round is in the way until that is known.
    m.kernel.u32[lock] = m.system.slot;
    expect(x.worldIsStopped()).toBe(0);
    x.residenceRecover(m.system.slot);
    expect(x.worldIsStopped()).toBe(1);
    x.worldResume();
    x.batchEnd();
    expect(replacement.evict(4)).toBe(4);
  });

  it("wakes when frames get short, and not before", () => {
    const m = machine(gil);
    const park = (L.CB + L.CB_SYSTEM_PARK) >>> 2;
    const pager = new Pager(m.system, "clock", unexpected);
    while (pager.round() === 0);
    expect(m.free()).toBeGreaterThanOrEqual(m.high);
    expect([m.system.exports.systemPark(), m.kernel.u32[park]]).toEqual([1, 1]);
    for (let n = 0; m.free() >= m.kernel.exports.watermarkLow(); n = (n + 1) % LISTS) {
      expect(m.kernel.u32[park]).toBe(1);
      m.read(n);
    }
    for (let n = 0; n < LISTS; n++) m.read(n);
    expect(m.kernel.u32[park]).toBe(0);
    // It does not park if it has not been up to it yet.
    while (m.free() >= m.kernel.exports.watermarkLow()) for (let n = 0; n < LISTS; n++) m.read(n);
    expect([m.system.exports.systemPark(), m.kernel.u32[park]]).toEqual([0, 0]);
  });
});
