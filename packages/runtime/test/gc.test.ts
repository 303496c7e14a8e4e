// Cycles are collected while coroutines make, change and drop them.
import { Dict, id, List, scope } from "@ungil/heap";
import type { CollectorCallback } from "@ungil/runtime";
import { expect, it } from "vitest";
import { churn, keepers, Link } from "./fixtures/rings.mjs";
import { fixture, inBothModes, node, start, within } from "./helpers.js";

inBothModes("cycles", (gil) => {
  it("that nothing leads to are gone, those that something does are not", async () => {
    const rt = await start({ gil, threads: 2 });
    const kept = rt.new(Link, { n: 1 });
    rt.scope(() => {
      kept.next = new Link({ n: 2 });
      kept.next.next = kept;
    });
    await rt.gc.collect();
    const before = rt.verify().objects;
    await within(20_000, rt.run(churn, 100, 10));
    const report = await within(10_000, rt.gc.collect());
    expect(report?.collected).toBeGreaterThanOrEqual(100 * 10);
    expect(rt.gc.stats()).toMatchObject({ collections: 2, automatic: 0, last: report });
    const { objects, violations } = rt.verify();
    expect(violations).toEqual([]);
    expect(objects - before).toBeLessThan(50); // names, and tasks
    expect(rt.scope(() => kept.next.next.n)).toBe(1);
    expect((await rt.gc.collect())?.collected).toBe(0);
  });

  it("while threads change rings that are kept: all of those stay whole", async () => {
    const seed = Number(process.env.UNGIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`gc ${gil}: UNGIL_TEST_SEED=${seed}`);
    const rt = await start({ gil, threads: 3, memory: "256MiB" });
    const lists = Array.from({ length: 3 }, () =>
      rt.new(
        List<any>,
        Array.from({ length: 100 }, () => null),
      ),
    );
    let ended = false;
    const work = Promise.all(lists.map((list, n) => rt.run(keepers, list, 60_000, 8, seed + n)));
    const end = () => {
      ended = true;
    };
    work.then(end, end);
    let [collected, collections] = [0, 0];
    while (!ended) {
      const report = await within(20_000, rt.gc.collect());
      if (!report) continue;
      collections++;
      collected += report.collected;
      expect(rt.verify().violations).toEqual([]);
    }
    expect(await within(60_000, work)).toEqual([0, 0, 0]);
    expect(collections).toBeGreaterThan(0);
    expect(collected).toBeGreaterThan(1000);
    for (const list of lists)
      rt.scope(() => scope(() => list.toArray().forEach((_: unknown, n: number) => list.set(n, null))));
    await rt.gc.collect();
    expect((await rt.gc.collect())?.collected).toBe(0);
    const { objects, violations } = rt.verify();
    expect(violations).toEqual([]);
    expect(objects).toBeLessThan(1000);
    console.log(JSON.stringify({ collections, collected, last: rt.gc.stats().last }));
  }, 120_000);

  it("that fill memory do not end a program: who finds it full waits for a collection", async () => {
    const rt = await start({ gil, threads: 2, memory: "24MiB" });
    await within(60_000, Promise.all([rt.run(churn, 60_000, 10), rt.run(churn, 60_000, 10)]));
    await rt.gc.collect(); // one may be under way, which holds what it breaks
    expect(rt.verify().violations).toEqual([]);
  }, 90_000);

  it("keep a program alive that waits for nothing but a collection", async () => {
    const ran = await node([fixture("gc-alone.mjs"), gil ? "gil" : "free"], { timeout: 20_000 });
    expect([ran.code, ran.err, ran.out]).toEqual([0, "", "true\n"]);
  }, 30_000);
});

inBothModes("rt.gc", (gil) => {
  it("tells which objects there are, who refers to one, and to whom one refers, while threads change others", async () => {
    const rt = await start({ gil, threads: 2 });
    const root = rt.new(Link, { n: 1 });
    const list = rt.new(List<any>, [root, { deep: [root] }]);
    const dict = rt.new(Dict, [["here", root]]);
    const other = rt.new(Link, { n: 2, next: root });
    const work = rt.run(churn, 3000, 10);
    for (let n = 0; n < 5; n++) {
      const referrers = rt.gc.getReferrers(root);
      expect(referrers.map(id).sort()).toEqual([list, dict, other].map(id).sort());
      expect(rt.gc.getReferrers(other)).toEqual([]);
      expect(rt.gc.getReferrers(root, other)).toHaveLength(3);
      for (const object of referrers) object[Symbol.dispose]();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(rt.gc.getReferents(list).map(id)).toEqual([id(root), id(root)]);
    expect(rt.gc.getReferents(other, dict).map(id)).toEqual([id(root), id(root)]);
    expect(rt.gc.getReferents(root)).toEqual([]);
    await within(20_000, work);
    await rt.gc.collect();
    expect(rt.gc.getObjects(Link).map(id).sort()).toEqual([root, other].map(id).sort());
    expect(rt.gc.getObjects(Dict).map(id)).toEqual([id(dict)]);
    expect(rt.gc.getObjects().map(id)).toEqual(expect.arrayContaining([root, list, dict, other].map(id)));
    expect(rt.verify().violations).toEqual([]);
  });

  it("tells of each collection when it begins and when it has ended", async () => {
    const rt = await start({ gil, threads: 1 });
    const told: unknown[] = [];
    const listen: CollectorCallback = (phase, { reason, report }) => told.push([phase, reason, report?.collected]);
    rt.gc.callbacks.push(listen);
    await rt.run(churn, 100, 10);
    await rt.gc.collect();
    rt.gc.callbacks.splice(rt.gc.callbacks.indexOf(listen), 1);
    await rt.gc.collect();
    expect(told).toEqual([
      ["start", "asked", undefined],
      ["stop", "asked", rt.gc.stats().collected],
    ]);
  });

  it("counts collections for want of memory too", async () => {
    const rt = await start({ gil, threads: 1, memory: "8MiB" });
    await within(60_000, rt.run(churn, 30_000, 10));
    await expect.poll(() => rt.gc.stats().forMemory, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(rt.gc.stats().automatic).toBe(0);
  }, 90_000);

  it("begins by itself at the threshold, and refuses one that is none", async () => {
    const rt = await start({ gil, threads: 1, memory: "64MiB" });
    rt.gc.setThreshold({ bytes: 1 << 20 });
    expect(rt.gc.getThreshold()).toEqual({ bytes: 1 << 20, growth: 0.5 });
    rt.gc.enable();
    for (let n = 0; n < 40 && rt.gc.stats().automatic === 0; n++) await within(60_000, rt.run(churn, 2000, 10));
    await expect.poll(() => rt.gc.stats().automatic, { timeout: 20_000 }).toBeGreaterThan(0);
    rt.gc.disable();
    expect(rt.verify().violations).toEqual([]);
    for (const growth of [0, -1, Number.NaN, "much" as never])
      expect(() => rt.gc.setThreshold({ growth })).toThrow(expect.objectContaining({ code: "OPTION" }));
    expect(() => rt.gc.setThreshold({ bytes: -1 })).toThrow(expect.objectContaining({ code: "OPTION" }));
  }, 90_000);

  it("answers nothing when the runtime is closed", async () => {
    const rt = await start({ gil, threads: 1 });
    await rt.close();
    await expect(rt.gc.collect()).rejects.toMatchObject({ code: "RUNTIME_CLOSED" });
    expect(() => rt.gc.getObjects()).toThrow(expect.objectContaining({ code: "RUNTIME_CLOSED" }));
    expect(() => rt.gc.getCount()).toThrow(expect.objectContaining({ code: "RUNTIME_CLOSED" }));
  });
});
