// CPython's Lib/test/test_weakset.py: what of it is applicable. See table.ts.
import { is, release, WeakSet as Weaks } from "ungil";
import { expect, it } from "vitest";
import { c, List, Obj } from "./fixtures/weak.mjs";
import { inBothModes, world } from "./support.js";

inBothModes("weak sets", (gil) => {
  const objects = (n: number, from = 0): any[] => Array.from({ length: n }, (_, k) => new Obj({ arg: from + k }));
  const args = (set: Iterable<any>) => [...set].map((o) => o.arg).sort();

  it("len and contains", async () => {
    const { rt, comes } = await world(gil);
    const holder = rt.new(List);
    const set = rt.new(Weaks);
    rt.scope(() => {
      for (const o of objects(3)) holder.push(o);
      for (const o of holder.toArray()) set.add(o);
      expect(set.size).toBe(3);
      expect(set.has(holder.get(1))).toBe(true);
      expect(set.has(new Obj({ arg: 1 }))).toBe(false);
    });
    rt.scope(() => void holder.pop());
    await comes(() => rt.scope(() => set.size), 2);
  });

  it("union, intersection, difference and symmetric difference", async () => {
    const { rt } = await world(gil);
    rt.scope(() => {
      const all = objects(4);
      const [a, b] = [new Weaks<any>(all.slice(0, 3)), new Weaks<any>(all.slice(2))];
      expect(args(a.union(b))).toEqual([0, 1, 2, 3]);
      expect(args(a.intersection(b))).toEqual([2]);
      expect(args(a.difference(b))).toEqual([0, 1]);
      expect(args(a.symmetricDifference(b))).toEqual([0, 1, 3]);
      expect(args(a.union([all[3]]))).toEqual([0, 1, 2, 3]);
    });
  });

  it("subsets, supersets and disjoint sets", async () => {
    const { rt } = await world(gil);
    rt.scope(() => {
      const all = objects(4);
      const [whole, part, other] = [
        new Weaks<any>(all),
        new Weaks<any>(all.slice(1, 3)),
        new Weaks<any>(objects(2, 9)),
      ];
      expect([part.isSubsetOf(whole), whole.isSubsetOf(part), part.isSubsetOf(part)]).toEqual([true, false, true]);
      expect([whole.isSupersetOf(part), part.isSupersetOf(whole)]).toEqual([true, false]);
      expect([whole.isDisjointFrom(other), whole.isDisjointFrom(part)]).toEqual([true, false]);
    });
  });

  it("garbage", async () => {
    const { rt, collect } = await world(gil);
    const set = rt.new(Weaks);
    rt.scope(() => {
      for (const o of objects(1000)) {
        o.cycle = o;
        set.add(o);
      }
    });
    expect(rt.scope(() => set.size)).toBe(1000);
    await collect();
    expect(rt.scope(() => set.size)).toBe(0);
  });

  it("made from items; items must be shared objects", async () => {
    const { rt } = await world(gil);
    rt.scope(() => {
      expect(new Weaks<any>().size).toBe(0);
      expect(() => new Weaks<any>([1 as never])).toThrow(expect.objectContaining({ code: "NOT_SHARED" }));
      const all = objects(3);
      expect(args(new Weaks<any>(new Weaks<any>(all)))).toEqual([0, 1, 2]);
    });
  });

  it("add, delete, pop and clear", async () => {
    const { rt } = await world(gil);
    rt.scope(() => {
      const [a, b] = objects(2);
      const set = new Weaks<any>();
      expect(set.add(a).add(a).size).toBe(1);
      set.add(b);
      expect([set.delete(a), set.delete(a), set.has(b)]).toEqual([true, false, true]);
      expect(is(set.pop(), b)).toBe(true);
      expect(set.pop()).toBe(undefined);
      set.add(a).clear();
      expect(set.size).toBe(0);
    });
  });

  it("destroy while iterating", async () => {
    const { rt, comes } = await world(gil);
    const holder = rt.new(List);
    const set = rt.new(Weaks);
    rt.scope(() => {
      for (const o of objects(20)) {
        holder.push(o);
        set.add(o);
      }
    });
    let n = 0;
    for (const o of set.values()) {
      release(o);
      if (n++ % 2) rt.scope(() => void holder.pop());
      set.has(rt.scope(() => holder.get(0)));
    }
    expect(n).toBe(20);
    await comes(() => rt.scope(() => set.size), 10);
  });

  it("sizes while cycles are collected", async () => {
    const { rt } = await world(gil);
    const set = rt.new(Weaks);
    rt.scope(() => {
      for (const o of objects(20)) {
        o.cycle = o;
        set.add(o);
      }
    });
    const collecting = rt.gc.collect();
    const first = rt.scope(() => set.size);
    await collecting;
    expect(rt.scope(() => set.size)).toBeLessThanOrEqual(first);
  });

  it("threads: copies while objects die", async () => {
    const { rt, collect } = await world(gil);
    const set = rt.new(Weaks);
    const holder = rt.new(
      List,
      Array.from({ length: 50 }, () => null),
    );
    expect(await Promise.all([1, 2].map(() => rt.run(c.copies, set, 600, holder)))).toEqual([0, 0]);
    await collect();
  });
});
