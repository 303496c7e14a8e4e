// CPython's Lib/test/test_finalization.py (PEP 442): what of it is applicable. See table.ts.
import { destructor, weak } from "ungil";
import { expect, it } from "vitest";
import { c, Obj } from "./fixtures/weak.mjs";
import { inBothModes, world } from "./support.js";

type Kind = "simple" | "resurrector" | "suicidal";

inBothModes("finalization", (gil) => {
  /** Objects of these kinds, each linked to the next one in a ring; `ring` false: one alone. Then nothing leads to them. */
  const drop = async (kinds: Kind[], ring: "none" | "self" | "chain") => {
    const w = await world(gil);
    const [log, survivors] = [w.list(), w.list()];
    const cells = w.rt.scope(() => {
      const all = kinds.map((_, n) => new Obj({ arg: n, log }));
      all.forEach((o, n) => {
        if (ring === "self") o.cycle = o;
        if (ring === "chain") {
          const left = all[(n + all.length - 1) % all.length];
          o.left = left;
          left.right = o;
        }
        const kind = kinds[n] as Kind;
        if (kind === "resurrector") destructor<any, any, any>(o, c.resurrector, survivors);
        else destructor<any, any, any>(o, c[kind]);
      });
      return all.map((o) => weak<any>(o));
    });
    await w.collect();
    const dels = () => w.texts(log).sort();
    await w.comes(
      dels,
      kinds.map((_, n) => n),
    );
    await w.collect();
    const living = () => w.rt.scope(() => cells.filter((cell: any) => cell.get()).length);
    const survived = () =>
      w.rt.scope(() =>
        survivors
          .toArray()
          .map((o: any) => o.arg)
          .sort(),
      );
    const bury = async () => {
      w.rt.scope(() => {
        while (survivors.pop()) {}
      });
      await w.collect();
      await w.collect();
    };
    return { ...w, dels, living, survived, bury };
  };

  it("simple", async () => {
    const { living, dels, collect, survived } = await drop(["simple"], "none");
    expect(living()).toBe(0);
    await collect();
    expect([dels(), survived()]).toEqual([[0], []]);
  });

  it("simple resurrect", async () => {
    const { living, dels, survived, bury } = await drop(["resurrector"], "none");
    expect([living(), survived()]).toEqual([1, [0]]);
    await bury();
    expect([living(), dels(), survived()]).toEqual([0, [0], []]);
  });

  it.each<[string, Kind]>([
    ["self cycle: simple", "simple"],
    ["self cycle: suicide", "suicidal"],
  ])("%s", async (_, kind) => {
    const { living, dels, survived, collect } = await drop([kind], "self");
    expect([living(), survived()]).toEqual([0, []]);
    await collect();
    expect(dels()).toEqual([0]);
  });

  it("self cycle: resurrect", async () => {
    const { living, dels, survived, bury } = await drop(["resurrector"], "self");
    expect([living(), survived()]).toEqual([0, [0]]); // its references were cleared, as in CPython
    await bury();
    expect([living(), dels(), survived()]).toEqual([0, [0], []]);
  });

  const [s, r, k] = ["simple", "resurrector", "suicidal"] as const;
  it.each<[string, Kind[]]>([
    ["chain: homogenous", [s, s, s]],
    ["chain: homogenous resurrect", [r, r, r]],
    ["chain: homogenous suicidal", [k, k, k]],
    ["chain: heterogenous suicidal one", [k, s, k, s]],
    ["chain: heterogenous suicidal two", [k, k, s, s]],
    ["chain: heterogenous resurrect one", [r, s, r, s]],
    ["chain: heterogenous resurrect two", [r, s, k, r, s, k]],
    ["chain: heterogenous resurrect three", [r, r, s, s, k, k]],
  ])("%s", async (_, kinds) => {
    const { living, dels, survived, bury, rt } = await drop(kinds, "chain");
    expect(living()).toBe(0);
    expect(survived()).toEqual(kinds.flatMap((kind, n) => (kind === r ? [n] : [])));
    const before = rt.verify().objects;
    await bury();
    expect(dels()).toEqual(kinds.map((_, n) => n));
    expect(survived()).toEqual([]);
    if (kinds.includes(r)) expect(rt.verify().objects).toBeLessThan(before);
  });
});
