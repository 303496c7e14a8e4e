import { is, List } from "@ungil/heap";
import { Task } from "@ungil/runtime";
import { expect, it } from "vitest";
import { Account, c } from "./fixtures/basic.mjs";
import { inBothModes, start, within } from "./helpers.js";

inBothModes("coroutines", (gil) => {
  it("pass arguments and results of every kind", async () => {
    const rt = await start({ gil });
    const values = [
      1,
      -0,
      Number.NaN,
      1e300,
      "",
      "text",
      "é€😀",
      "x".repeat(5000),
      true,
      false,
      null,
      undefined,
      0n,
      -(2n ** 70n),
      [],
      [1, [2, ["3"]]],
      {},
      { a: 1, b: { c: [null, undefined, true] }, "odd key": "é" },
    ];
    for (const value of values) expect(await rt.run(c.echo, value)).toStrictEqual(value);
    expect(await rt.run(c.echo, values)).toStrictEqual(values);
    expect(await rt.run(c.count, ...Array.from({ length: 200 }, (_, n) => n))).toBe(200);
    expect(await rt.run(c.count)).toBe(0);
  });

  it("share objects by reference", async () => {
    const rt = await start({ gil });
    const ada = rt.new(Account, { owner: "Ada", balance: 10 });
    const bob = rt.new(Account, { owner: "Bob" });
    expect(await rt.run(c.transfer, ada, bob, 3)).toBe(7);
    expect([ada.balance, bob.balance, bob.empty]).toEqual([7, 3, false]);
    const back = await rt.run(c.echo, ada);
    expect(is(back, ada)).toBe(true);
    const made = await rt.run(c.makeAccount, "Eve");
    expect([made.owner, made.log.toArray(), made instanceof Account]).toEqual(["Eve", [1, "two"], true]);
    const { items } = await rt.run(c.makeMany, 10);
    expect(items.map((account: any) => account.owner).join()).toBe("a0,a1,a2,a3,a4,a5,a6,a7,a8,a9");
    expect(rt.verify().violations).toEqual([]);
  });

  it("spawn, join and recurse over all threads", async () => {
    const rt = await start({ gil });
    expect(await within(20_000, rt.run(c.fib, 16))).toBe(987);
    expect(await within(20_000, Promise.all(Array.from({ length: 500 }, (_, n) => rt.run(c.add, n, 1))))).toHaveLength(
      500,
    );
    const stats = rt.stats();
    expect(stats.tasksOutstanding).toBe(0);
    expect(stats.maxRunning).toBe(gil ? 1 : stats.maxRunning);
    expect(rt.verify().violations).toEqual([]);
  });

  it("give tasks: awaited outside, waited for inside, passed around", async () => {
    const rt = await start({ gil });
    const task = rt.spawn(c.add, 20, 22);
    expect(task).toBeInstanceOf(Task);
    expect(await task).toBe(42);
    expect(await task).toBe(42);
    expect([task.state, task.name, typeof task.id]).toEqual(["done", "add", "number"]);
    const slow = rt.spawn(c.sleeper, 30);
    expect(await rt.run(c.waitsForTask, slow)).toBeGreaterThan(20);
    // A promise cannot resolve to a thenable: a task as a result is awaited.
    expect(await rt.run(c.echo, task)).toBe(42);
    const { held } = await rt.run(c.echo, { held: task });
    expect(held).toBeInstanceOf(Task);
    expect(is(held, task)).toBe(true);
    expect(await held).toBe(42);
  });

  it("sleep and wait for promises, the thread going on meanwhile", async () => {
    const rt = await start({ gil, threads: 1 });
    const begin = performance.now();
    const slept = await Promise.all([rt.run(c.sleeper, 100), rt.run(c.sleeper, 100), rt.run(c.sleeper, 50)]);
    expect(performance.now() - begin).toBeLessThan(1000);
    for (const ms of slept) expect(ms).toBeGreaterThan(45);
    expect(await rt.run(c.untilValue)).toEqual({ answer: 42 });
    expect(await rt.run(c.untilError)).toBe("TypeError: no");
    expect(await within(5000, rt.run(c.untilTask))).toEqual([true, 3, "in vain"]);
    // A coroutine that only yields does not keep timers from firing.
    const spin = rt.spawn(c.spin);
    expect(await within(5000, rt.run(c.sleeper, 10))).toBeGreaterThan(5);
    spin.cancel();
    await expect(spin).rejects.toThrow("cancelled");
  });

  it("run operations side by side with all", async () => {
    const rt = await start({ gil });
    expect(await rt.run(c.allOf)).toEqual([3, undefined, 3, "p", 3]);
    expect(await within(5000, rt.run(c.allFails))).toEqual(["x", "cancelled"]);
  });

  it("yield* deeply", async () => {
    const rt = await start({ gil });
    expect(await rt.run(c.deep, 200)).toBe(200);
  });

  it("distribute started coroutines over the threads", async () => {
    const rt = await start({ gil });
    await within(20_000, Promise.all(Array.from({ length: 8 }, () => rt.run(c.yields, 200_000))));
    const steps = rt
      .stats()
      .threads.slice(1)
      .map((thread) => thread.steps);
    expect(Math.min(...steps) / Math.max(...steps)).toBeGreaterThan(0.2);
  });

  it("spawn more than the queues hold", async () => {
    const rt = await start({ gil });
    const all = await within(
      25_000,
      Promise.all(rt.scope(() => Array.from({ length: 6000 }, (_, n) => rt.run(c.add, n, 1)))),
    );
    expect(all.reduce((sum, n) => sum + n, 0)).toBe((6000 * 6001) / 2);
    expect(rt.verify().violations).toEqual([]);
  });

  it("see a List that others change", async () => {
    const rt = await start({ gil });
    const list = rt.new(List<number>);
    list.push(1);
    const same = (await rt.run(c.echo, list)) as List<number>;
    same.push(2);
    expect(list.toArray()).toEqual([1, 2]);
  });
});
