/** Several threads on the same objects, at the same time. */
import { Dict, List, scope } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { Node } from "./fixtures/objects.mjs";
import { inBothModes, machine, seed } from "./support.js";
import { Team } from "./team.js";

inBothModes((gil) => {
  it("add to one dict: the sum is exact", async () => {
    const m = machine({ gil, slots: 5 });
    const dict = new Dict<string | number, number>();
    const team = await new Team(m, 3).ready();
    await team.run("add", [dict], { n: 10_000, seed: seed("add") });
    expect(dict.values().reduce((sum, n) => sum + n, 0)).toBe(60_000);
    expect(dict.size).toBe(600);
    m.objects();
    await team.end();
  });

  it("count with update, numbers and objects: none is lost", async () => {
    const m = machine({ gil, slots: 5 });
    const dict = new Dict<string, unknown>();
    const team = await new Team(m, 3).ready();
    const runs = (await team.run("update", [dict], { n: 5000 })) as number[];
    expect(dict.get("counter")).toBe(15_000);
    expect(runs.reduce((sum, n) => sum + n)).toBeGreaterThanOrEqual(15_000);
    await team.run("updateNode", [dict], { n: 2000 });
    expect((dict.get("node") as Node).value).toBe(6000);
    m.objects();
    await team.end();
  });

  it("push to one list: each element is there once, in its thread's order", async () => {
    const m = machine({ gil, slots: 5 });
    const list = new List<string | Node>();
    const team = await new Team(m, 3).ready();
    await team.run("push", [list], { n: 6000 });
    const all = scope(() => list.toArray().map((value) => (typeof value === "string" ? value : value.text)));
    expect(all.length).toBe(18_000);
    for (const rank of [0, 1, 2]) {
      const mine = all.filter((text) => text.startsWith(`${rank}:`));
      expect(mine).toEqual(Array.from({ length: 6000 }, (_, k) => `${rank}:${k}`));
    }
    m.objects();
    // And pop it empty: each element comes out once.
    const popped = (await team.run("pop", [list], { n: 8000 })) as string[][];
    expect(popped.flat().sort()).toEqual(all.sort());
    expect(list.length).toBe(0);
    await team.end();
  });

  it("set and delete the same keys, with objects, copies and long texts as values", async () => {
    const m = machine({ gil, slots: 5 });
    const dict = new Dict<string | number, unknown>();
    const team = await new Team(m, 3).ready();
    for (let round = 0; round < 3; round++) {
      await team.run("churn", [dict], { n: 3000, seed: seed("churn") });
      m.objects();
    }
    expect(dict.size).toBeLessThanOrEqual(60);
    await team.end();
  });

  it("link and unlink, store and walk shared objects", async () => {
    const m = machine({ gil, slots: 5, mib: 64 });
    const [root, counts] = scope(() => {
      const nodes = Array.from({ length: 40 }, (_, value) => new Node({ value, list: new List(), dict: new Dict() }));
      return [new List(nodes), new Dict<string, number>()] as const;
    });
    const team = await new Team(m, 3).ready();
    for (let round = 1; round <= 4; round++) {
      await team.run("graph", [root, counts], { n: 4000, seed: seed("graph") });
      m.objects();
      expect(counts.values().reduce((sum, n) => sum + n, 0)).toBe(round * 12_000);
    }
    const sum = (counter: number) => [1, 2, 3, 4].reduce((total, slot) => total + m.counter(counter, slot), 0);
    expect(sum(L.COUNTER_REMOTE_FREES)).toBeGreaterThan(100);
    expect(sum(L.COUNTER_LIMBO)).toBeGreaterThan(1000);
    await team.end();
    m.cyclic = Number.NaN; // some
  });

  it("build and drop trees: no thread frees another's newborns", async () => {
    const m = machine({ gil, slots: 5, mib: 32 });
    const team = await new Team(m, 3).ready();
    expect(await team.run("trees", [], { n: 400 })).toEqual([0, 0, 0]);
    m.objects();
    await team.end();
  });

  it("an object that another thread made has its class, and type ids are the same everywhere", async () => {
    const m = machine({ gil, slots: 5 });
    const list = scope(() => new List([new Node({ value: 4, next: new Node({ text: "last" }) })]));
    const team = await new Team(m, 2).ready();
    expect(await team.run("methods", [list])).toEqual(Array(2).fill([true, 8, 2, true, "last"]));
    await team.end();

    const other = machine({ gil, slots: 5 });
    const others = await new Team(other, 2).ready();
    const [one, two] = others.members;
    one?.start("types", [], { order: ["Node", "Tree"] });
    const ids = await one?.finish();
    two?.start("types", [], { order: ["Tree", "Node"] });
    expect(await two?.finish()).toEqual(ids);
    expect(Object.keys(ids as object)).toEqual(["Node", "Tree"]);
    await others.end();
  });
});
