// A wake-up is for one wait: a wait that was given up must not end the one that comes after it.
import { List } from "@ungil/heap";
import { expect, it } from "vitest";
import { Thing, w } from "./fixtures/waits.mjs";
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
    const holder = rt.spawn(w.hold, thing, 320);
    while (thing.n === 0) await pause(1);
    return { thing, holder };
  };

  it.each(Object.keys(gives))("by a cancelled coroutine does not end the next one: %s", async (kind) => {
    const rt = await start({ gil });
    const log = rt.new(List);
    const { thing, holder } = await held(rt, kind);
    const task = rt.spawn(w.cancelled, kind, log, thing);
    await pause(50);
    task.cancel();
    expect((await failure(within(5000, task.then()))).code).toBe("CANCELLED");
    expect(log.toArray()).toEqual([...(gives[kind] as unknown[]), true]);
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

  it("may begin again", async () => {
    const rt = await start({ gil, threads: 1 });
    const log = rt.new(List);
    const task = rt.spawn(w.again, log);
    await pause(50);
    task.cancel();
    await within(5000, task.then());
    expect(log.toArray()).toEqual(["CANCELLED", true]);
  });
});
