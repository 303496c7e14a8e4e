// rt.heap.stats(): every byte and every frame is accounted for, in quiet and while threads go on.
import { inspect } from "node:util";
import { Dict, type HeapStats, List } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { churn, Link } from "./fixtures/rings.mjs";
import { mutate, Part } from "./fixtures/swap.mjs";
import { inBothModes, type LooseRuntime, start, within } from "./helpers.js";

const sum = <T>(all: readonly T[], of: (one: T) => number) => all.reduce((total, one) => total + of(one), 0);

/** The equations of stats/shape.ts. */
function expectExact(rt: LooseRuntime): HeapStats {
  const stats: HeapStats = rt.heap.stats({ exact: true, types: true });
  const { classes, runs, bytes, pages, arenas, frames, threads, types } = stats;
  expect([stats.exact, stats.pageSize]).toEqual([true, L.PAGE_SIZE]);
  for (const { size, capacity, inUse, remote, available, fresh, pages, fragmentation } of classes) {
    expect([size, inUse + remote + available + fresh]).toEqual([size, capacity]);
    expect([size, capacity]).toEqual([size, pages * Math.floor(L.PAGE_SIZE / size)]);
    expect(Math.min(inUse, remote, available, fresh)).toBeGreaterThanOrEqual(0);
    expect(fragmentation).toBeCloseTo(1 - (inUse * size) / (pages * L.PAGE_SIZE));
  }
  expect(sum(Object.values(bytes), (n) => n)).toBe(pages.total * L.PAGE_SIZE);
  expect(bytes.allocated).toBe(runs.bytes + sum(classes, ({ inUse, size }) => inUse * size));
  expect(pages.small).toBe(sum(classes, ({ pages }) => pages));
  expect(pages.small + pages.runs + pages.retired).toBe(pages.total);
  expect(pages.total + pages.free + pages.padding).toBe(arenas.total * L.ARENA_PAGES);
  expect(arenas.small + arenas.runs).toBe(arenas.total);
  expect(frames.inUse + frames.free).toBe(frames.total);
  expect({ by: frames.by, unaccounted: frames.unaccounted }).toEqual({ by: frames.by, unaccounted: 0 });
  expect(sum(Object.values(frames.by), (n) => n)).toBe(frames.inUse);
  const { smallPages, runs: runFrames, retired, emptyPages } = frames.by;
  expect(smallPages + runFrames + retired + emptyPages).toBe(pages.resident);
  const blocks = sum(classes, ({ inUse }) => inUse);
  expect(sum(threads, (thread) => thread.blocks)).toBe(blocks);
  expect(sum(threads, (thread) => thread.bytes) + runs.bytes).toBe(bytes.allocated);
  expect(sum(threads, (thread) => thread.pages)).toBe(pages.small);
  expect(sum(threads, (thread) => thread.runs)).toBe(runs.objects);
  expect(sum(types ?? [], ({ objects }) => objects)).toBe(blocks + runs.objects);
  expect(sum(types ?? [], ({ bytes }) => bytes)).toBe(bytes.allocated);
  return stats;
}

/** The verifier counts by itself. Between the two looks threads may have given something back; but not for ever. */
async function expectAsVerified(rt: LooseRuntime): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { classes, runs, bytes } = expectExact(rt);
    const { objects, bytes: verified, violations } = rt.verify();
    expect(violations).toEqual([]);
    const mine = [runs.objects + sum(classes, ({ inUse }) => inUse), bytes.allocated];
    if (tries === 200) expect(mine).toEqual([objects, verified]);
    if (mine[0] === objects && mine[1] === verified) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

inBothModes("rt.heap.stats()", (gil) => {
  it("accounts for everything that is there", async () => {
    const rt = await start({ gil, threads: 2, memory: "32MiB" });
    expectExact(rt);
    const dict = rt.new(Dict);
    const list = rt.new(List);
    rt.scope(() => {
      for (let n = 0; n < 3000; n++) {
        dict.set(`key ${n}`, n);
        list.push(new Link({ n }));
      }
    });
    await within(20_000, rt.run(churn, 50, 10));
    const stats = expectExact(rt);
    const links = stats.types?.find(({ name }) => name === "rings.Link");
    expect(links?.objects).toBeGreaterThanOrEqual(3000 + 500);
    expect(stats.types?.find(({ name }) => name === "string")?.objects).toBeGreaterThanOrEqual(3000);
    expect(stats.runs.objects).toBeGreaterThan(0); // the items of the list
    expect(stats.threads.map(({ id }) => id)).toEqual(expect.arrayContaining([0, 1, 2]));
    await rt.gc.collect();
    await expectAsVerified(rt);
  });

  it("accounts for what snapshots keep, and what reading them takes", async () => {
    const rt = await start({ gil, threads: 1, memory: "16MiB" });
    const list = rt.new(List);
    rt.scope(() => {
      for (let n = 0; n < 20_000; n++) list.push(n);
    });
    const snapshot = await rt.snapshot();
    rt.scope(() => {
      for (let n = 0; n < 20_000; n++) list.set(n, -n);
    });
    const kept = expectExact(rt);
    expect(kept.versions).toMatchObject({ snapshots: 1, swapped: 0 });
    expect(kept.frames.by.versions).toBe(kept.versions.pages);
    expect(kept.versions.pages).toBeGreaterThanOrEqual(10);
    expect((snapshot.see(list) as List<number>).get(19_999)).toBe(19_999);
    expect(expectExact(rt).frames.by.views).toBeGreaterThanOrEqual(10);
    snapshot.dispose();
    const after = expectExact(rt);
    expect([after.versions, after.frames.by.versions, after.frames.by.views]).toEqual([
      { pages: 0, swapped: 0, snapshots: 0 },
      0,
      0,
    ]);
  });

  it("accounts for pages in the swap file", async () => {
    const rt = await start({ gil, threads: 1, memory: "4MiB", swap: "32MiB" });
    const part = rt.scope(() => rt.new(Part, { cells: new List(), index: new Dict() }));
    await within(20_000, rt.run(mutate, part, 1, 40_000, rt.new(Dict)));
    const { pages } = expectExact(rt);
    expect(pages.swapped).toBeGreaterThan(0);
    await expectAsVerified(rt);
  });

  it("answers while threads run, and says that it is approximate", async () => {
    const rt = await start({ gil, threads: 2, memory: "64MiB" });
    let ended = false;
    const work = Promise.all([rt.run(churn, 3000, 10), rt.run(churn, 3000, 10)]).finally(() => {
      ended = true;
    });
    let answers = 0;
    while (!ended || answers === 0) {
      const { exact, frames, pages, types } = rt.heap.stats({ types: true });
      expect(exact).toBe(false);
      expect(frames.inUse + frames.free).toBe(frames.total);
      // Threads take and give back pages meanwhile: not more than there are.
      expect(Math.abs(frames.unaccounted)).toBeLessThan(frames.total);
      expect(pages.small).toBeGreaterThan(0);
      expect(types?.length).toBeGreaterThan(0);
      answers++;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await within(60_000, work);
    await expectAsVerified(rt);
  });

  it("reads like sys._debugmallocstats()", async () => {
    const rt = await start({ gil, threads: 1 });
    const link = rt.new(Link, { n: 1 });
    const stats = rt.heap.stats({ exact: true, types: true });
    const text = String(stats);
    expect(inspect(stats)).toBe(text);
    expect(text).toMatch(/^Heap, while no thread ran: exact\.\n\n *size +pages +blocks in use +avail blocks/m);
    expect(text).toMatch(/# bytes lost to quantization += +[\d,]+\nTotal += +[\d,]+\n/);
    expect(text).toMatch(/\nmain +\d/);
    expect(text).toMatch(/\ntype +objects +bytes\n-+ +-+ +-+\n/);
    expect(String(rt.heap.stats())).toMatch(/^Heap, while threads go on: figures of several moments\./);
    expect(rt.scope(() => link.n)).toBe(1);
  });

  it("refuses what it does not know, and has nothing to say when the runtime is closed", async () => {
    const rt = await start({ gil, threads: 1 });
    expect(() => rt.heap.stats({ exact: 1 as never })).toThrow(expect.objectContaining({ code: "OPTION" }));
    expect(() => rt.heap.stats({ type: true } as never)).toThrow(expect.objectContaining({ code: "UNKNOWN_OPTION" }));
    await rt.close();
    expect(() => rt.heap.stats()).toThrow(expect.objectContaining({ code: "RUNTIME_CLOSED" }));
  });
});
