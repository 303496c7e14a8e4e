import { List } from "@ungil/heap";
import { DeadlockError, tryLock } from "@ungil/runtime";
import { expect, it } from "vitest";
import { Account, c } from "./fixtures/basic.mjs";
import { failure, inBothModes, start, within } from "./helpers.js";

inBothModes("deadlocks", (gil) => {
  it("of locks are found soon, name the coroutines, and run their finally blocks", async () => {
    const rt = await start({ gil });
    const [a, b, log] = [rt.new(Account, {}), rt.new(Account, {}), rt.new(List<string>)];
    const begin = performance.now();
    const both = [rt.spawn(c.holdThenLock, a, b, log), rt.spawn(c.holdThenLock, b, a, log)];
    const results = await within(5000, Promise.allSettled(both.map((task) => task.then())));
    // Breaking one can be enough for the other.
    const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(errors.length).toBeGreaterThan(0);
    expect(performance.now() - begin).toBeLessThan(3000);
    for (const error of errors) {
      expect(error).toBeInstanceOf(DeadlockError);
      expect(error.coroutines).toHaveLength(2);
      expect(error.message).toMatch(/basic\.mjs#holdThenLock \(task \d+, thread \d\) waits for the lock of Account 0x/);
    }
    expect(log.toArray()).toEqual(["locked", "locked", "cleaned", "cleaned"]);
    expect([await rt.run(c.tryIt, a), await rt.run(c.tryIt, b)]).toEqual([true, true]);
    expect(rt.verify().violations).toEqual([]);
  });

  it("of joins are found too", async () => {
    const rt = await start({ gil });
    const [one, two] = [rt.new(List<unknown>), rt.new(List<unknown>)];
    const [x, y] = [rt.spawn(c.joinBox, one), rt.spawn(c.joinBox, two)];
    one.push(y);
    two.push(x);
    for (const error of await Promise.all([x, y].map((task) => failure(within(5000, task.then()))))) {
      expect([error.code, error.message]).toEqual(["DEADLOCK", expect.stringContaining("joinBox")]);
    }
    expect(await rt.run(c.add, 1, 1)).toBe(2);
  });

  it("of branches of all() are found", async () => {
    const rt = await start({ gil });
    const [a, b] = [rt.new(Account, {}), rt.new(Account, {})];
    const error = await failure(within(5000, rt.run(c.branchesCrossed, a, b)));
    expect([error.code, error.coroutines.length]).toEqual(["DEADLOCK", 2]);
    expect([await rt.run(c.tryIt, a), await rt.run(c.tryIt, b)]).toEqual([true, true]);
  });

  it("are none where JavaScript outside coroutines holds the lock", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, {});
    const guard = tryLock(account);
    const waiting = [rt.run(c.increments, account, 3), rt.run(c.branches, account, 2)];
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(account.balance).toBe(0);
    guard?.release();
    await within(5000, Promise.all(waiting));
    expect(account.balance).toBe(5);
  });

  it("are none where a timer of a worker ends the wait, or could", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, {});
    await within(5000, rt.run(c.releasedByTimer, account, 400));
    expect(account.balance).toBe(1);
    const error = await failure(within(5000, rt.run(c.releasedByTimer, account)));
    expect([error.code, account.balance]).toEqual(["DEADLOCK", 1]);
  });

  it("fail nobody who only waits beside them, or behind them", async () => {
    const rt = await start({ gil });
    const [a, b, d, log] = [rt.new(Account, {}), rt.new(Account, {}), rt.new(Account, {}), rt.new(List<string>)];
    const guard = tryLock(d);
    const beside = rt.spawn(c.increments, d, 1);
    const both = [rt.spawn(c.holdThenLock, a, b, log), rt.spawn(c.holdThenLock, b, a, log)];
    while (log.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    const behind = rt.spawn(c.increments, a, 2);
    const joined = rt.spawn(c.waitsForTask, behind);
    const results = await within(5000, Promise.allSettled(both.map((task) => task.then())));
    const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) expect(error.coroutines).toHaveLength(2);
    await within(5000, joined.then());
    expect([a.balance, beside.state]).toEqual([2, "running"]);
    guard?.release();
    await within(5000, beside.then());
    expect(d.balance).toBe(1);
  });

  it("are not seen where there is a timer, a promise or a computation", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, {});
    const holder = rt.spawn(c.holdForever, account);
    while (await rt.run(c.tryIt, account)) await new Promise((resolve) => setTimeout(resolve, 2));
    const waiter = rt.spawn(c.increments, account, 1);
    await rt.run(c.busy, 300);
    await rt.run(c.sleeper, 300);
    expect([holder.state, waiter.state]).toEqual(["running", "running"]);
    holder.cancel();
    await within(5000, waiter.then());
    await failure(holder);
  });
});
