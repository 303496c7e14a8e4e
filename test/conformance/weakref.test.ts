// CPython's Lib/test/test_weakref.py, test_free_threading/test_weakref.py: what of it is applicable. See table.ts.
import { inspect } from "node:util";
import { destructor, finalize, is, release, Weak, weak } from "ungil";
import { expect, it } from "vitest";
import { c, Dict, List, Obj } from "./fixtures/weak.mjs";
import { inBothModes, world } from "./support.js";

inBothModes("references", (gil) => {
  it("basic ref", async () => {
    const { rt, comes } = await world(gil);
    const o = rt.new(Obj, { arg: 1 });
    const reference = new Weak<any>(o);
    expect(rt.scope(() => is(reference.get(), o))).toBe(true);
    expect(rt.scope(() => inspect(reference))).toContain("Weak");
    release(o);
    await comes(() => rt.scope(() => reference.get() === undefined), true);
    expect(inspect(reference)).toContain("undefined");
  });

  it("basic callback", async () => {
    const { rt, seen, comes } = await world(gil);
    const o = rt.new(Obj, { arg: 1 });
    const reference = weak<any>(o, c.callback);
    release(o);
    await comes(() => seen, ["callback dead"]);
    expect(rt.scope(() => reference.get())).toBe(undefined);
  });

  it("multiple callbacks, and all references are cleared before any of them runs", async () => {
    const { rt, seen, comes } = await world(gil);
    const o = rt.new(Obj, { arg: 1 });
    const references = [c.callback, c.late, c.callback].map((callback) => weak<any>(o, callback));
    release(o);
    await comes(() => seen, ["callback dead", "late dead", "callback dead"]);
    expect(rt.scope(() => references.map((reference) => reference.get()))).toEqual([undefined, undefined, undefined]);
  });

  it("reuse without callback, not with one", async () => {
    const { rt } = await world(gil);
    const o = rt.new(Obj, { arg: 1 });
    rt.scope(() => {
      const first = weak<any>(o);
      const between = weak<any>(o, c.quiet);
      expect(is(first, weak<any>(o))).toBe(true);
      expect(is(first, new Weak<any>(o))).toBe(true);
      expect(is(first, between)).toBe(false);
      expect(is(between, weak<any>(o, c.quiet))).toBe(false);
    });
  });

  it("equality and identity are those of the objects that references lead to, or of the references", async () => {
    const { rt } = await world(gil);
    const [x, y] = [rt.new(Obj, { arg: 1 }), rt.new(Obj, { arg: 1 })];
    rt.scope(() => {
      const [a, b] = [weak<any>(x), weak<any>(y)];
      expect(is(a.get(), b.get())).toBe(false);
      expect(is(a, b)).toBe(false);
      expect(is(a.get(), x)).toBe(true);
    });
  });

  it("a callback that throws disturbs nobody", async () => {
    const { rt, seen, comes, list, texts } = await world(gil);
    const log = list();
    const o = rt.new(Obj, { arg: 1 });
    const reference = weak<any>(o, c.callback);
    rt.scope(() => void finalize<any, any, any>(o, c.note, log, 1));
    release(o);
    await comes(() => texts(log), [1]);
    await comes(() => seen, ["callback dead"]);
    expect(rt.scope(() => reference.get())).toBe(undefined);
  });

  it("a callback in a cycle with its object does not run", async () => {
    const { rt, seen, collect } = await world(gil);
    rt.scope(() => {
      const [a, b] = [new Obj({ arg: 1 }), new Obj({ arg: 2 })];
      [a.cycle, b.cycle] = [b, a];
      a.weak = weak<any>(b, c.callback);
      b.weak = weak<any>(a, c.callback);
    });
    await collect();
    expect(seen).toEqual([]);
  });

  it("a reference that is reachable from its object only does not run its callback", async () => {
    const { rt, seen, collect } = await world(gil);
    rt.scope(() => {
      const a = new Obj({ arg: 1 });
      a.weak = weak<any>(a, c.callback);
      a.cycle = a;
    });
    await collect();
    expect(seen).toEqual([]);
  });

  it("a reference outside of the cycle runs its callback, once", async () => {
    const { rt, seen, collect, comes } = await world(gil);
    const reference = rt.scope(() => {
      const [a, b] = [new Obj({ arg: 1 }), new Obj({ arg: 2 })];
      [a.cycle, b.cycle] = [b, a];
      return weak<any>(a, c.callback);
    });
    await collect();
    await comes(() => seen, ["callback dead"]);
    await collect();
    expect(seen.length).toBe(1);
    expect(rt.scope(() => reference.get())).toBe(undefined);
  });

  it("a callback on a reference", async () => {
    const { rt, seen, comes } = await world(gil);
    const o = rt.new(Obj, { arg: 1 });
    const inner = weak<any>(o, c.callback);
    const outer = weak<any>(inner as never, c.late);
    release(inner);
    await comes(() => seen, ["late dead"]);
    release(o);
    await comes(() => rt.scope(() => outer.get() === undefined), true);
    expect(seen).toEqual(["late dead"]);
  });

  it("collecting while references are made", async () => {
    const { rt, collect } = await world(gil);
    for (let n = 0; n < 20; n++) {
      const made = rt.scope(() => {
        const a = new Obj({ arg: n });
        a.cycle = a;
        return weak<any>(a);
      });
      const collecting = rt.gc.collect();
      rt.scope(() => weak<any>(made.get() ?? new Obj({ arg: -1 })));
      await collecting;
    }
    await collect();
  });

  it("a reference made by a destructor is cleared when the object dies", async () => {
    const { rt, list, comes } = await world(gil);
    const place = list();
    rt.scope(() => void destructor<any, any, any>(new Obj({ arg: 1 }), c.refersToItself, place));
    await comes(() => place.length, 1);
    await comes(() => rt.scope(() => place.get(0).get() === undefined), true);
  });

  it("the only strong reference hangs on the weak one: no callback", async () => {
    const { rt, seen, collect } = await world(gil);
    const holder = rt.scope(() => {
      const o = new Obj({ arg: 1 });
      return new Obj({ arg: 2, cycle: o, weak: weak<any>(o, c.callback) });
    });
    // The reference goes first, then what it leads to.
    rt.scope(() => {
      holder.weak = null;
      holder.cycle = null;
    });
    await collect();
    expect(seen).toEqual([]);
  });

  it("a long chain whose links have references with callbacks dies at once", async () => {
    const { rt, collect } = await world(gil);
    const cells = rt.new(List);
    rt.scope(() => {
      let last: any = null;
      for (let n = 0; n < 3000; n++) {
        last = new Obj({ arg: n, left: last });
        cells.push(weak<any>(last, c.quiet));
      }
    });
    await expect
      .poll(() => rt.scope(() => cells.toArray().filter((cell: any) => cell.get()).length), { timeout: 10_000 })
      .toBe(0);
    await collect();
  });
});

inBothModes("finalize", (gil) => {
  it("finalize", async () => {
    const { rt, list, texts, comes } = await world(gil);
    const log = list();
    const a = rt.new(Obj, { arg: 1 });
    const f = finalize<any, any, any>(a, c.add, 67, 89);
    expect(f.alive).toBe(true);
    const peeked = rt.scope(() => {
      const { object, coroutine, args } = f.peek() as any;
      return [is(object, a), coroutine === c.add, args];
    });
    expect(peeked).toEqual([true, true, [67, 89]]);
    expect(await rt.run(c.callIt, f)).toBe(156);
    expect([f.alive, f.peek(), f.detach(), await rt.run(c.callIt, f)]).toEqual([
      false,
      undefined,
      undefined,
      undefined,
    ]);
    const g = finalize<any, any, any>(a, c.note, log, "g");
    rt.scope(() => expect(is((g.detach() as any).object, a)).toBe(true));
    expect([g.alive, g.peek(), g.detach()]).toEqual([false, undefined, undefined]);
    const h = finalize<any, any, any>(a, c.note, log, "h");
    release(a);
    await comes(() => texts(log), ["h"]);
    expect([h.alive, h.peek(), h.detach()]).toEqual([false, undefined, undefined]);
  });

  it("newest first", async () => {
    const { rt, list, texts, comes } = await world(gil);
    const log = list();
    const a = rt.new(Obj, { arg: 1 });
    rt.scope(() => {
      for (const n of [1, 2, 3, 4]) finalize<any, any, any>(a, c.note, log, n);
    });
    release(a);
    await comes(() => texts(log), [4, 3, 2, 1]);
  });

  it("all of it is freed", async () => {
    const { rt, list, comes, texts, collect } = await world(gil);
    const log = list();
    const a = rt.new(Obj, { arg: 1 });
    const argument = rt.new(Obj, { arg: 2 });
    const cell = weak<any>(argument);
    rt.scope(() => {
      const f = finalize<any, any, any>(a, c.note, log, "done");
      finalize<any, any, any>(a, c.note, log, argument).detach();
      expect(f.alive).toBe(true);
    });
    release(argument);
    await comes(() => rt.scope(() => cell.get() === undefined), true); // detached: its arguments are let go
    release(a);
    await comes(() => texts(log), ["done"]);
    await collect();
  });
});

inBothModes("references and threads", (gil) => {
  it("references made and dropped by several threads lead to the object", async () => {
    const { rt, collect } = await world(gil);
    const o = rt.new(Obj, { arg: 5 });
    expect(await Promise.all([1, 2, 3, 4].map(() => rt.run(c.references, o, 1500)))).toEqual([0, 0, 0, 0]);
    await collect();
    const before = rt.verify().objects;
    rt.scope(() => {
      for (let n = 0; n < 1000; n++) new Weak<any>(o);
    });
    await collect();
    expect(rt.verify().objects).toBeLessThanOrEqual(before);
    expect(new Dict().size).toBe(0);
  });
});
