// Cycles are collected while coroutines make, change and drop them.
import { List, scope } from "@ungil/heap";
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

  it("by itself when the heap has grown, while a program makes more and more", async () => {
    const rt = await start({ gil, threads: 1, memory: "512MiB" });
    rt.gc.enable();
    for (let n = 0; n < 40 && rt.gc.stats().automatic === 0; n++) await within(60_000, rt.run(churn, 10_000, 10));
    await expect.poll(() => rt.gc.stats().automatic, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(rt.verify().violations).toEqual([]);
  }, 90_000);
});
