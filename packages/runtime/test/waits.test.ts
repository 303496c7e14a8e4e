// A wake-up is for one wait: a wait that was given up must not end the one that comes after it. And a wait holds what it is for.
import { List } from "@ungil/heap";
import { tryLock } from "@ungil/runtime";
import { expect, it } from "vitest";
import { r, Thing, w } from "./fixtures/waits.mjs";
import { failure, inBothModes, type LooseRuntime, start, within } from "./helpers.js";

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const gives: Record<string, unknown[]> = {
  sleep: [],
  until: ["value"],
  join: ["result"],
  lock: [],
  all: ["one", "two"],
};

inBothModes("a wait that was given up", (gil) => {
  /** A thing whose lock is held for as long as the second waits take, if they are for the lock. */
  const held = async (rt: LooseRuntime, kind: string) => {
    const thing = rt.new(Thing);
    if (kind !== "lock") return { thing, holder: null };
    const holder = rt.spawn(w.hold, thing);
    while (thing.n === 0) await pause(1);
    return { thing, holder };
  };

  it.each(Object.keys(gives))("by a cancelled coroutine does not end the next one: %s", async (kind) => {
    const rt = await start({ gil });
    const log = rt.new(List);
    const { thing, holder } = await held(rt, kind);
    const task = rt.spawn(w.cancelled, kind, log, thing);
    while (log.length === 0) await pause(1);
    task.cancel();
    expect((await failure(within(5000, task.then()))).code).toBe("CANCELLED");
    expect(log.toArray()).toEqual(["begins", ...(gives[kind] as unknown[]), true]);
    await holder;
    expect(rt.verify().violations).toEqual([]);
  });

  it.each(["sleep", "until", "join", "all"])("by a branch of all() does not end the next one: %s", async (kind) => {
    const rt = await start({ gil, threads: 1 });
    const log = rt.new(List);
    await within(5000, rt.run(w.nested, kind, log, rt.new(Thing)));
    const step = [...(gives[kind] as unknown[]), true];
    expect(log.toArray()).toEqual([...step, "failed", ...step]);
    expect(rt.verify().violations).toEqual([]);
  });

  it("leaves nothing behind: no lock, no wake-up, whatever is given up when", async () => {
    const rt = await start({ gil, onUnhandled: () => undefined });
    let seed = 1;
    for (const end = performance.now() + 2000; performance.now() < end; ) {
      const things = rt.scope(() => new List(Array.from({ length: 5 }, () => new Thing())));
      const tasks = Array.from({ length: 6 }, () => rt.spawn(w.fuzz, seed++, things));
      for (const task of tasks) setTimeout(() => task.cancel(), (seed * 7) % 30);
      for (const result of await within(8000, Promise.allSettled(tasks)))
        if (result.status === "rejected")
          expect(["CANCELLED", "DEADLOCK"], String(result.reason)).toContain(result.reason.code);
      for (const thing of things) {
        const guard = tryLock(thing);
        expect(guard).not.toBe(null);
        guard?.release();
      }
      expect(rt.verify().violations).toEqual([]);
    }
  });

  it("may begin again", async () => {
    const rt = await start({ gil, threads: 1 });
    const log = rt.new(List);
    const task = rt.spawn(w.again, log);
    while (log.length === 0) await pause(1);
    await pause(5);
    task.cancel();
    await within(5000, task.then());
    expect(log.toArray()).toEqual(["begins", "CANCELLED", true]);
  });
});

inBothModes("a handle that was released", (gil) => {
  it.each([1, 2, 3])("before the wait for its lock: an error (%i objects)", async (objects) => {
    const rt = await start({ gil });
    expect((await failure(within(5000, rt.run(r.lockReleased, objects)))).code).toBe("RELEASED_HANDLE");
    expect(rt.verify().violations).toEqual([]);
  });

  it.each(["join", "all"])("before the wait for its task: an error (%s)", async (how) => {
    const rt = await start({ gil });
    const box = rt.new(List<unknown>, [rt.spawn(w.slow, 1, "one"), rt.spawn(w.slow, 1, "two")]);
    expect((await failure(within(5000, rt.run(r.joinReleased, box, how)))).code).toBe("RELEASED_HANDLE");
    await Promise.all([box.get(0), box.get(1)]);
    expect(rt.verify().violations).toEqual([]);
  });

  it("during the wait for its lock: the wait holds the object", async () => {
    const rt = await start({ gil });
    const log = rt.new(List<string>);
    const box = rt.scope(() => new List<unknown>([new Thing()]));
    const holder = rt.spawn(r.holdBoxed, box, log, 200);
    while (log.length === 0) await pause(1);
    const waiter = rt.spawn(r.lockKept, box, log);
    while (log.length === 1) await pause(1);
    rt.scope(() => void box.pop());
    await within(5000, Promise.all([holder, waiter, rt.run(r.litter, 100, 100)]));
    expect(log.toArray()).toEqual(["holds", "waits", "locked"]);
    expect(rt.verify().violations).toEqual([]);
  });

  it.each(["join", "all"])("during the wait for its task: the wait holds the task (%s)", async (how) => {
    const rt = await start({ gil, threads: 2 });
    const [box, log] = [rt.new(List<unknown>), rt.new(List<string>)];
    const parent = rt.spawn(r.spawnInto, box, 200, "value");
    while (box.length === 0) await pause(1);
    const waiter = rt.spawn(r.joinKept, box, log, how);
    while (log.length === 0) await pause(1);
    rt.scope(() => void box.pop());
    await within(5000, Promise.all([parent, waiter, rt.run(r.litter, 100, 100)]));
    expect(log.toArray()).toEqual(["waits", "value"]);
    expect(rt.verify().violations).toEqual([]);
  });

  it("during the wait of the main thread: the wait holds the task", async () => {
    const rt = await start({ gil });
    const box = rt.new(List<unknown>);
    const parent = rt.spawn(r.spawnInto, box, 100, "value");
    while (box.length === 0) await pause(1);
    const task = box.get(0) as any;
    const value = task.then();
    task[Symbol.dispose]();
    rt.scope(() => void box.pop());
    const litter = Array.from({ length: 4 }, () => rt.spawn(r.litter, 100, 150));
    // It ends, and its memory is used again, before the main thread gets to look.
    for (const end = performance.now() + 500; performance.now() < end; );
    await within(5000, Promise.all([parent, ...litter]));
    expect(await within(5000, value)).toBe("value");
    expect(rt.verify().violations).toEqual([]);
  });
});

inBothModes("a handle of a coroutine", (gil) => {
  it("works during its steps; what runs while it waits needs keep(), and is told so", async () => {
    const rt = await start({ gil, threads: 1 });
    const thing = rt.new(Thing);
    const [shown, code, message] = await within(5000, rt.run(r.meanwhile, thing, "own"));
    expect([shown, code]).toEqual(["Thing (its coroutine waits)", "RELEASED_HANDLE"]);
    expect(message).toMatch(/^This Waits.Thing cannot be used now: its coroutine is between two steps.*keep\(object\)/);
    expect(thing.n).toBe(1);
    expect(await within(5000, rt.run(r.meanwhile, thing, "kept"))).toEqual(["Thing { n: 1 }", 2]);
    expect(thing.n).toBe(3);
    expect(rt.verify().violations).toEqual([]);
  });

  it("ends with it", async () => {
    const rt = await start({ gil, threads: 1 });
    await rt.run(r.givesHandle, rt.new(Thing));
    const error = await failure(rt.run(r.usesHandle));
    expect([error.code, error.message]).toEqual(["RELEASED_HANDLE", expect.stringContaining("its scope has closed")]);
  });
});
