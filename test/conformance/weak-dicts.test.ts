// CPython's Lib/test/test_weakref.py, MappingTestCase: what of it is applicable. See table.ts.
import { is, release, WeakKeyDict, WeakValueDict } from "ungil";
import { expect, it } from "vitest";
import { c, List, Obj } from "./fixtures/weak.mjs";
import { inBothModes, world } from "./support.js";

inBothModes("mappings", (gil) => {
  const COUNT = 10;
  const values = (rt: any) => {
    const holder = rt.new(List);
    const dict = rt.new(WeakValueDict);
    rt.scope(() => {
      for (let n = 0; n < COUNT; n++) holder.push(new Obj({ arg: n }));
      holder.toArray().forEach((o: any) => dict.set(o.arg, o));
    });
    return { holder, dict };
  };
  const keys = (rt: any) => {
    const holder = rt.new(List);
    const dict = rt.new(WeakKeyDict);
    rt.scope(() => {
      for (let n = 0; n < COUNT; n++) holder.push(new Obj({ arg: n }));
      holder.toArray().forEach((o: any) => dict.set(o, o.arg));
    });
    return { holder, dict };
  };
  const size = (rt: any, dict: any) => rt.scope(() => dict.size);

  it("weak values", async () => {
    const { rt, comes } = await world(gil);
    const { holder, dict } = values(rt);
    rt.scope(() => holder.toArray().forEach((o: any) => expect(is(dict.get(o.arg), o)).toBe(true)));
    expect(size(rt, dict)).toBe(COUNT);
    rt.scope(() => holder.set(0, null));
    await comes(() => size(rt, dict), COUNT - 1);
    expect(rt.scope(() => dict.get(0))).toBe(undefined);
    rt.scope(() => {
      for (let n = 1; n < COUNT; n++) holder.set(n, null);
    });
    await comes(() => size(rt, dict), 0);
    expect(rt.scope(() => dict.cells.size)).toBe(0);
  });

  it("weak keys", async () => {
    const { rt, comes } = await world(gil);
    const { holder, dict } = keys(rt);
    rt.scope(() => holder.toArray().forEach((o: any) => expect(dict.get(o)).toBe(o.arg)));
    expect(rt.scope(() => dict.has(new Obj({ arg: 3 })))).toBe(false);
    rt.scope(() => holder.set(0, null));
    await comes(() => size(rt, dict), COUNT - 1);
    rt.scope(() => {
      for (let n = 1; n < COUNT; n++) holder.set(n, null);
    });
    await comes(() => size(rt, dict), 0);
    expect(rt.scope(() => dict.pairs.size)).toBe(0);
  });

  it("sizes with cycles", async () => {
    const { rt, collect } = await world(gil);
    const [byKey, byValue] = [rt.new(WeakKeyDict), rt.new(WeakValueDict)];
    rt.scope(() => {
      for (let n = 0; n < 20; n++) {
        const o = new Obj({ arg: n });
        o.cycle = o;
        byKey.set(o, n);
        byValue.set(n, o);
      }
    });
    expect([size(rt, byKey), size(rt, byValue)]).toEqual([20, 20]);
    await collect();
    expect([size(rt, byKey), size(rt, byValue)]).toEqual([0, 0]);
  });

  it("sizes while cycles are collected", async () => {
    const { rt } = await world(gil);
    for (let round = 0; round < 10; round++) {
      const dict = rt.new(WeakValueDict);
      rt.scope(() => {
        for (let n = 0; n < 20; n++) {
          const o = new Obj({ arg: n });
          o.cycle = o;
          dict.set(n, o);
        }
      });
      const collecting = rt.gc.collect();
      const first = size(rt, dict);
      await collecting;
      const second = size(rt, dict);
      expect(second).toBeLessThanOrEqual(first);
      expect(first).toBeLessThanOrEqual(20);
    }
  });

  it("iteration", async () => {
    const { rt } = await world(gil);
    const [byValue, byKey] = [values(rt), keys(rt)];
    rt.scope(() => {
      const { dict, holder } = byValue;
      expect(dict.keys().sort()).toEqual(Array.from({ length: COUNT }, (_, n) => n));
      expect(
        dict
          .values()
          .map((o: any) => o.arg)
          .sort(),
      ).toEqual(dict.keys().sort());
      for (const [key, value] of dict) expect(is(holder.get(key), value)).toBe(true);
      for (const [key, value] of byKey.dict) expect(key.arg).toBe(value);
      expect(byKey.dict.values().sort()).toEqual(dict.keys().sort());
    });
  });

  it("destroy while iterating", async () => {
    const { rt, comes } = await world(gil);
    const { holder, dict } = values(rt);
    let n = 0;
    for (const [key, value] of dict.entries()) {
      expect(value.arg).toBe(key);
      release(value);
      rt.scope(() => holder.set(key, null));
      n++;
    }
    expect(n).toBe(COUNT);
    await comes(() => size(rt, dict), 0);
  });

  it("made from entries, and from another one", async () => {
    const { rt } = await world(gil);
    const { holder, dict } = values(rt);
    rt.scope(() => {
      const copy = new WeakValueDict<number, any>(dict);
      expect(copy.size).toBe(COUNT);
      const pairs = new WeakKeyDict<any, number>(holder.toArray().map((o: any) => [o, o.arg]));
      expect(new WeakKeyDict(pairs).size).toBe(COUNT);
      expect(new WeakKeyDict<any, number>().size).toBe(0);
    });
  });

  it("setDefault", async () => {
    const { rt } = await world(gil);
    rt.scope(() => {
      const [a, b] = [new Obj({ arg: 1 }), new Obj({ arg: 2 })];
      const byValue = new WeakValueDict<string, any>();
      expect(is(byValue.setDefault("key", a), a)).toBe(true);
      expect(is(byValue.setDefault("key", b), a)).toBe(true);
      const byKey = new WeakKeyDict<any, string>();
      expect(byKey.setDefault(a, "one")).toBe("one");
      expect(byKey.setDefault(a, "two")).toBe("one");
      expect(byKey.get(a)).toBe("one");
    });
  });

  it("delete and clear", async () => {
    const { rt } = await world(gil);
    rt.scope(() => {
      const [a, b] = [new Obj({ arg: 1 }), new Obj({ arg: 2 })];
      const byKey = new WeakKeyDict<any, number>([
        [a, 1],
        [b, 2],
      ]);
      expect(byKey.delete(a)).toBe(true);
      expect(byKey.delete(a)).toBe(false);
      expect(byKey.keys().map((o: any) => o.arg)).toEqual([2]);
      const byValue = new WeakValueDict<string, any>([["a", a]]);
      expect(byValue.delete("b")).toBe(false);
      expect(byValue.delete("a")).toBe(true);
      expect(byValue.set("b", b).has("b")).toBe(true);
      byValue.clear();
      byKey.clear();
      expect([byValue.size, byKey.size]).toEqual([0, 0]);
    });
  });

  it("cascading deletes of keys", async () => {
    const { rt, comes } = await world(gil);
    const dict = rt.new(WeakKeyDict);
    const holder = rt.new(List);
    rt.scope(() => {
      let last = new Obj({ arg: 0 });
      holder.push(last);
      for (let n = 1; n < 50; n++) {
        const next = new Obj({ arg: n });
        dict.set(last, next); // each key's value is the next key
        last = next;
      }
    });
    rt.scope(() => void holder.pop());
    await comes(() => size(rt, dict), 0);
  });

  it("an address that is another object's now is another key", async () => {
    const { rt, comes } = await world(gil);
    const dict = rt.new(WeakKeyDict);
    for (let round = 0; round < 200; round++) {
      rt.scope(() => {
        const key = new Obj({ arg: round });
        expect(dict.has(key)).toBe(false);
        dict.set(key, round);
        expect(dict.get(key)).toBe(round);
      });
    }
    await comes(() => size(rt, dict), 0);
  });

  it("threads: setDefault and pop of weak values", async () => {
    const { rt, collect } = await world(gil);
    const dict = rt.new(WeakValueDict);
    expect(await Promise.all([rt.run(c.setDefaults, dict, 2000), rt.run(c.popAndSet, dict, 2000)])).toEqual([0, 0]);
    await collect();
  });

  it("threads: copies of weak dicts while their objects die", async () => {
    const { rt, collect } = await world(gil);
    for (const type of [WeakValueDict, WeakKeyDict]) {
      const dict = rt.new(type);
      const holder = rt.new(
        List,
        Array.from({ length: 50 }, () => null),
      );
      expect(await Promise.all([1, 2].map(() => rt.run(c.copies, dict, 600, holder)))).toEqual([0, 0]);
      await collect();
    }
  });
});
