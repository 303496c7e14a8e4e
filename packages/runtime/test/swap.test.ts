// A heap that is larger than memory: pages leave for the swap file and come back, and nobody can tell.
import { Dict, List } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { breaks, changePlain, draw, mutate, Part, suffers } from "./fixtures/swap.mjs";
import { inBothModes, start, within } from "./helpers.js";
import { differences, Oracle, type Plain, seedOf } from "./parts.js";

inBothModes("a heap with a swap file", (gil) => {
  it.each(["9MiB", "20MiB", "96MiB"])(
    "is the same with %s of memory, and its snapshots",
    async (memory) => {
      const seed = seedOf(`swap ${gil ? "gil" : "free"} ${memory}`);
      const rt = await start({ gil, threads: 4, memory, swap: "64MiB" });
      const [parts, operations] = [6, 60_000];
      const counters = rt.new(Dict);
      const all = Array.from({ length: parts }, () =>
        rt.scope(() => rt.new(Part, { cells: new List(), index: new Dict() })),
      );
      let ended = false;
      const work = Promise.all(all.map((part, n) => rt.run(mutate, part, seed + n, operations, counters)));
      work
        .finally(() => {
          ended = true;
        })
        .catch(() => undefined);
      let snapshots = 0;
      const oracles = all.map((_, n) => new Oracle(seed + n));
      while (!ended && snapshots < 12) {
        const snapshot = await rt.snapshot();
        const n = snapshots++ % parts;
        const seen = snapshot.see(all[n]);
        expect(differences((read) => snapshot.scope(read), seen, oracles[n]!.to(seen.steps))).toEqual([]);
        snapshot.dispose();
      }
      expect(await within(60_000, work)).toEqual(all.map(() => operations));
      for (const [n, part] of all.entries())
        expect(differences((read) => rt.scope(read), part, oracles[n]!.to(operations))).toEqual([]);
      for (let n = 0; n < 7; n++)
        expect(counters.get(`op ${n}`)).toBeGreaterThanOrEqual(Math.floor(operations / 7) * parts);
      const { pages, violations } = rt.verify();
      expect(violations).toEqual([]);
      const { evictions, swapIns, swapOuts, rescues } = rt.stats();
      console.log(JSON.stringify({ memory, pages, snapshots, evictions, swapIns, swapOuts, rescues }));
      if (memory === "9MiB") expect(evictions).toBeGreaterThan(1000);
      if (memory === "96MiB") expect([evictions, swapIns]).toEqual([0, 0]);
    },
    90_000,
  );

  // Rounds of work; between them the heap goes back to what it was after one of the rounds, with all that is in the swap file.
  it("and goes back to what it was", async () => {
    const seed = seedOf(`restore ${gil ? "gil" : "free"}`);
    const next = draw(seed);
    const rt = await start({ gil, threads: 4, memory: "5MiB", swap: "256MiB" });
    const counters = rt.new(Dict);
    const all = Array.from({ length: 6 }, () => rt.scope(() => rt.new(Part, { cells: new List(), index: new Dict() })));
    // What each part is: the runs of `mutate` that it has been through, by seed and length.
    let runs: [seed: number, operations: number][][] = all.map(() => []);
    const plainOf = (done: [number, number][]): Plain => {
      const plain: Plain = { steps: 0, cells: [], index: new Map(), chain: [] };
      for (const [from, operations] of done) {
        const draws = draw(from);
        for (let n = 0; n < operations; n++) changePlain(plain, draws);
      }
      return plain;
    };
    const taken: { snapshot: Awaited<ReturnType<typeof rt.snapshot>>; runs: typeof runs }[] = [];
    for (let round = 0; round < 8; round++) {
      const work = all.map((part, n) => {
        const run: [number, number] = [seed + 100 * round + n, 5000 + next(5000)];
        runs = runs.map((done, k) => (k === n ? [...done, run] : done));
        return rt.run(mutate, part, ...run, counters);
      });
      await within(60_000, Promise.all(work));
      taken.push({ snapshot: await rt.snapshot(), runs });
      if (round % 2 === 0) continue;
      const back = taken[next(taken.length)]!;
      await within(60_000, back.snapshot.restore());
      runs = back.runs;
      expect(rt.verify().violations).toEqual([]);
      const n = next(all.length);
      expect(differences((read) => rt.scope(read), all[n], plainOf(runs[n]!))).toEqual([]);
      const other = taken[next(taken.length)]!;
      const seen = other.snapshot.see(all[n]);
      expect(differences((read) => other.snapshot.scope(read), seen, plainOf(other.runs[n]!))).toEqual([]);
      if (taken.length > 4) taken.splice(next(taken.length), 1)[0]!.snapshot.dispose();
    }
    for (const [n, part] of all.entries())
      expect(differences((read) => rt.scope(read), part, plainOf(runs[n]!))).toEqual([]);
    const { evictions, swapIns } = rt.stats();
    console.log(JSON.stringify({ pages: rt.verify().pages, evictions, swapIns }));
    expect(evictions).toBeGreaterThan(1000);
  }, 120_000);

  it("a disk that fails now and then fails those only whom it fails", async () => {
    const seed = seedOf(`disk ${gil ? "gil" : "free"}`);
    const rt = await start({ gil, threads: 2, memory: 256 * L.PAGE_SIZE, swap: "64MiB" });
    const make = () => rt.scope(() => rt.new(Part, { cells: new List(), index: new Dict() }));
    const counters = rt.new(Dict);
    const parts = Array.from({ length: 3 }, make);
    // The first one comes first, and leaves for the others: what is read of it then is in the file.
    await within(60_000, rt.run(mutate, parts[0], seed, 12_000, counters));
    await within(60_000, Promise.all([1, 2].map((n) => rt.run(mutate, parts[n], seed + n, 12_000, counters))));
    const areRight = () => {
      for (const [n, part] of parts.entries())
        expect(differences((read) => rt.scope(read), part, new Oracle(seed + n).to(12_000))).toEqual([]);
    };
    const found = await within(60_000, rt.run(suffers, parts[0], 4, seed));
    expect(found.lost).toBeGreaterThan(0);
    expect(found.right).toBeGreaterThan(5000); // what was changed by one only (`n += 1`) has another text
    areRight();

    // In the middle of anything, safepoints among it.
    const more = Array.from({ length: 4 }, make);
    const breaking = Array.from({ length: 4 }, (_, n) => rt.run(breaks, 300, seed + n));
    const outcomes = await within(
      60_000,
      Promise.allSettled(more.map((part, n) => rt.run(mutate, part, seed + 10 + n, 12_000, rt.new(Dict)))),
    );
    await within(60_000, Promise.allSettled(breaking));
    for (const [n, outcome] of outcomes.entries()) {
      // A thread that cannot read what it needs itself, a task it has to start, ends, and another takes its place.
      if (outcome.status === "rejected") expect(["STORAGE", "WORKER_CRASHED"]).toContain(outcome.reason.code);
      else expect(differences((read) => rt.scope(read), more[n], new Oracle(seed + 10 + n).to(12_000))).toEqual([]);
    }
    areRight();
    const last = make();
    expect(await within(60_000, rt.run(mutate, last, seed, 3000, counters))).toBe(3000);
    expect(differences((read) => rt.scope(read), last, new Oracle(seed).to(3000))).toEqual([]);
    console.log(JSON.stringify({ found, failed: outcomes.filter(({ status }) => status === "rejected").length }));
  }, 120_000);
});
