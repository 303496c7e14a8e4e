// Callbacks of weak references, finalizers and destructors: when they run, how often, in which order, and what becomes of their errors.
import { Dict, is, List, release, scope, Weak } from "@ungil/heap";
import { destructor, finalize, weak } from "@ungil/runtime";
import { expect, it } from "vitest";
import { Node, w } from "./fixtures/weak.mjs";
import { inBothModes, type LooseRuntime, start, within } from "./helpers.js";

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function hooked(gil: boolean): Promise<{ rt: LooseRuntime; seen: string[] }> {
  const seen: string[] = [];
  const onUnhandled = (error: any) => void seen.push(error.message);
  return { rt: await start({ gil, onUnhandled }), seen };
}

const texts = (rt: LooseRuntime, log: any) => rt.scope(() => log.toArray());

inBothModes("weak references", (gil) => {
  it("travel between threads, and their object dies for all of them", async () => {
    const rt = await start({ gil, threads: 3 });
    const [cells, objects] = [0, 1].map(() =>
      rt.new(
        List<any>,
        Array.from({ length: 16 }, () => null),
      ),
    );
    const found = await within(
      30_000,
      Promise.all([1, 2, 3].map((seed) => rt.run(w.churn, cells, objects, 20_000, seed * 7919))),
    );
    expect(Math.min(...found)).toBeGreaterThan(1000);
    expect(rt.verify().violations).toEqual([]);
    rt.scope(() => {
      for (let n = 0; n < 16; n++) objects.set(n, null);
    });
    const left = () =>
      rt.scope(() => cells.toArray().filter((cell: any) => cell?.get() !== undefined && !cell.get().next.next).length);
    await expect.poll(left, { timeout: 5000 }).toBe(0);
    await rt.gc.collect();
    await expect
      .poll(() => rt.scope(() => cells.toArray().filter((cell: any) => cell?.get()).length), { timeout: 5000 })
      .toBe(0);
    expect(rt.verify().violations).toEqual([]);
  });

  it("while cycles are collected: what an upgrade has reached stays whole", async () => {
    const rt = await start({ gil, threads: 2, memory: "128MiB" });
    const [cells, objects] = [0, 1].map(() =>
      rt.new(
        List<any>,
        Array.from({ length: 64 }, () => null),
      ),
    );
    let ended = false;
    const work = Promise.all([1, 2].map((seed) => rt.run(w.churn, cells, objects, 200_000, seed * 104729)));
    const end = () => {
      ended = true;
    };
    work.then(end, end);
    let [collections, collected] = [0, 0];
    while (!ended) {
      const report = await within(20_000, rt.gc.collect());
      collections += Number(report !== null);
      collected += report?.collected ?? 0;
      expect(rt.verify().violations).toEqual([]);
    }
    await within(30_000, work);
    expect(collections).toBeGreaterThan(0);
    expect(collected).toBeGreaterThan(100);
  });

  it("run their callbacks when the object has died, newest first, one after the other", async () => {
    const { rt, seen } = await hooked(gil);
    const holder = rt.new(Dict<string, any>);
    await rt.run(w.makeRefs, holder, ["first", "second", "third"]);
    await pause(30);
    expect(seen).toEqual([]);
    rt.scope(() => holder.delete("node"));
    await expect.poll(() => seen, { timeout: 5000 }).toEqual(["third true", "second true", "first true"]);
    await pause(30);
    expect(seen.length).toBe(3);
    expect(rt.verify().violations).toEqual([]);
  });

  it("run no callback if they have died before their object", async () => {
    const { rt, seen } = await hooked(gil);
    const holder = rt.new(Dict<string, any>);
    await rt.run(w.makeRefs, holder, ["first", "third", "second"]);
    rt.scope(() => holder.delete("third"));
    rt.scope(() => holder.delete("node"));
    await expect.poll(() => seen, { timeout: 5000 }).toEqual(["second true", "first true"]);
    await pause(30);
    expect(seen.length).toBe(2);
  });

  it("a callback's failure ends nothing, and the others run", async () => {
    const { rt, seen } = await hooked(gil);
    const log = rt.new(List<string>);
    const node = rt.new(Node, { n: 1 });
    rt.scope(() => void finalize(node, w.note, log, "before"));
    rt.scope(() => void finalize(node, w.fails, "middle"));
    rt.scope(() => void finalize(node, w.note, log, "after"));
    release(node);
    await expect.poll(() => texts(rt, log), { timeout: 5000 }).toEqual(["after", "before"]);
    await expect.poll(() => seen, { timeout: 5000 }).toEqual(["middle"]);
  });

  it("those with callbacks are references of their own", async () => {
    const rt = await start({ gil });
    const node = rt.new(Node, { n: 1 });
    rt.scope(() => {
      const [a, b, c, d] = [weak(node), weak(node), weak(node, w.third), weak(node, w.third)];
      expect(is(a, b)).toBe(true);
      expect(is(a, c)).toBe(false);
      expect(is(c, d)).toBe(false);
      expect(is(c.get()!, node)).toBe(true);
      expect(is(new Weak(node), a)).toBe(true);
    });
    expect(rt.verify().violations).toEqual([]);
  });
});

inBothModes("finalizers", (gil) => {
  it("run once, with their arguments, whatever becomes of their handles", async () => {
    const rt = await start({ gil });
    const log = rt.new(List<string>);
    const node = rt.new(Node, { n: 1 });
    const kept = finalize(node as any, w.note, log, "gone");
    expect(kept.alive).toBe(true);
    const { object, coroutine, args } = kept.peek()! as any;
    expect(is(object, node)).toBe(true);
    expect(coroutine).toBe(w.note);
    expect(args[1]).toBe("gone");
    expect(is(args[0], log)).toBe(true);
    release(object);
    release(node);
    await expect.poll(() => texts(rt, log), { timeout: 5000 }).toEqual(["gone"]);
    expect(kept.alive).toBe(false);
    expect(kept.peek()).toBe(undefined);
    expect(kept.detach()).toBe(undefined);
    expect(await rt.run(w.callIt, kept)).toBe(undefined);
    await pause(30);
    expect(texts(rt, log)).toEqual(["gone"]);
    expect(rt.verify().violations).toEqual([]);
  });

  it("do not run if they were detached, or called before", async () => {
    const rt = await start({ gil });
    const log = rt.new(List<string>);
    const node = rt.new(Node, { n: 1 });
    const [a, b] = [finalize(node as any, w.note, log, "a"), finalize(node as any, w.returns, 21)];
    const detached = a.detach() as any;
    expect(is(detached.object, node)).toBe(true);
    expect(a.detach()).toBe(undefined);
    expect(a.alive).toBe(false);
    expect(await rt.run(w.callIt, b)).toBe(42);
    expect(await rt.run(w.callIt, b)).toBe(undefined);
    release(detached.object);
    for (const arg of detached.args) if (typeof arg === "object") release(arg);
    release(node);
    await pause(50);
    expect(texts(rt, log)).toEqual([]);
    expect(rt.verify().violations).toEqual([]);
  });

  it("of what the runtime still holds when it closes do not run; those that are due do", async () => {
    const { rt, seen } = await hooked(gil);
    const node = rt.new(Node, { n: 1 });
    const other = rt.new(Node, { n: 2 });
    rt.scope(() => void finalize(node, w.fails, "due"));
    rt.scope(() => void finalize(other, w.fails, "held"));
    release(node);
    await pause(20);
    await rt.close({ timeout: 5000 });
    expect(seen).toEqual(["due"]);
  });
});

inBothModes("destructors", (gil) => {
  it("touch their object before it dies", async () => {
    const rt = await start({ gil });
    const log = rt.new(List<number>);
    const node = rt.new(Node, { n: 5 });
    const cell = rt.scope(() => {
      destructor(node as any, w.touch, log);
      return weak(node);
    });
    await pause(20);
    expect(texts(rt, log)).toEqual([]);
    release(node);
    await expect.poll(() => texts(rt, log), { timeout: 5000 }).toEqual([5]);
    await expect.poll(() => rt.scope(() => cell.get() === undefined), { timeout: 5000 }).toBe(true);
    expect(rt.verify().violations).toEqual([]);
  });

  it("resurrect it, once", async () => {
    const rt = await start({ gil });
    const place = rt.new(List<any>);
    const node = rt.new(Node, { n: 5 });
    const cell = rt.scope(() => {
      destructor(node as any, w.resurrect, place);
      return weak(node);
    });
    release(node);
    await expect.poll(() => place.length, { timeout: 5000 }).toBe(1);
    expect(rt.scope(() => place.get(0).n)).toBe(105);
    expect(rt.scope(() => is(cell.get()!, place.get(0)))).toBe(true);
    rt.scope(() => void place.pop());
    await expect.poll(() => rt.scope(() => cell.get() === undefined), { timeout: 5000 }).toBe(true);
    expect(place.length).toBe(0);
    expect(rt.verify().violations).toEqual([]);
  });

  it("of garbage in cycles: they run, and the next collection judges it again", async () => {
    const rt = await start({ gil });
    const log = rt.new(List<number>);
    const cell = rt.scope(() => {
      const [a, b] = [new Node({ n: 1 }), new Node({ n: 2 })];
      [a.next, b.next, a.log, b.log] = [b, a, log, log];
      destructor(a, w.alone);
      destructor(b, w.alone);
      finalize(a, w.note, log, 3 as never);
      return weak(a);
    });
    const before = rt.verify().objects;
    expect((await rt.gc.collect())?.collected).toBe(0);
    await expect.poll(() => texts(rt, log).sort(), { timeout: 5000 }).toEqual([1, 2, 3]);
    expect(rt.scope(() => cell.get())).toBe(undefined);
    await expect.poll(async () => (await rt.gc.collect())?.collected, { timeout: 5000 }).toBe(2);
    await expect.poll(() => rt.verify().objects, { timeout: 5000 }).toBeLessThan(before);
    expect(texts(rt, log).length).toBe(3);
    expect(rt.verify().violations).toEqual([]);
  });

  it("callbacks of references that are garbage themselves do not run", async () => {
    const { rt, seen } = await hooked(gil);
    const held = rt.scope(() => {
      const [a, b] = [new Node({ n: 1 }), new Node({ n: 2 })];
      [a.next, b.next] = [b, a];
      a.weak = weak(b, w.third);
      return weak(b, w.second);
    });
    expect((await rt.gc.collect())?.collected).toBeGreaterThanOrEqual(2);
    await expect.poll(() => seen, { timeout: 5000 }).toEqual(["second true"]);
    expect(scope(() => held.get())).toBe(undefined);
    await pause(30);
    expect(seen.length).toBe(1);
    expect(rt.verify().violations).toEqual([]);
  });
});
