import { getEventListeners } from "node:events";
import { CancelledError } from "@ungil/runtime";
import { expect, it } from "vitest";
import { Account, c } from "./fixtures/basic.mjs";
import { failure, inBothModes, start, within } from "./helpers.js";

inBothModes("cancellation", (gil) => {
  it("throws where the coroutine waits, runs its finally blocks, and the thread lives on", async () => {
    const rt = await start({ gil, threads: 1 });
    const account = rt.new(Account, {});
    const task = rt.spawn(c.cancellable, account);
    while (account.balance === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    task.cancel(new Error("because"));
    const error = await failure(within(5000, task.then()));
    expect(error).toBeInstanceOf(CancelledError);
    expect([error.code, error.cause.message, task.state]).toEqual(["CANCELLED", "because", "cancelled"]);
    expect([account.balance, account.owner]).toEqual([2, "CancelledError: because"]);
    expect(await rt.run(c.add, 1, 1)).toBe(2);
    expect(rt.verify().violations).toEqual([]);
  });

  it("works through an AbortSignal, before and after the start", async () => {
    const rt = await start({ gil });
    const aborted = await failure(rt.run({ signal: AbortSignal.abort("early") }, c.sleeper, 60_000));
    expect([aborted.code, aborted.cause]).toEqual(["CANCELLED", "early"]);
    const controller = new AbortController();
    const running = rt.run({ signal: controller.signal }, c.sleeper, 60_000);
    setTimeout(() => controller.abort(new TypeError("enough")), 30);
    const error = await failure(within(5000, running));
    expect([error.code, error.cause.name, error.cause.message]).toEqual(["CANCELLED", "TypeError", "enough"]);
    const timeout = await failure(within(5000, rt.run({ signal: AbortSignal.timeout(20) }, c.spin)));
    expect([timeout.code, timeout.cause.name]).toEqual(["CANCELLED", "TimeoutError"]);
    const late = new AbortController();
    expect(await rt.run({ signal: late.signal }, c.add, 1, 2)).toBe(3);
    late.abort();
    const bad = await failure(rt.run({ sginal: late.signal } as never, c.add as never));
    expect(bad.code).toBe("UNKNOWN_OPTION");
  });

  it("through one AbortSignal for many tasks, without a warning of node's", async () => {
    const rt = await start({ gil });
    const warnings: unknown[] = [];
    const warned = (warning: unknown) => warnings.push(warning);
    process.on("warning", warned);
    const controller = new AbortController();
    const { signal } = controller;
    const short = Array.from({ length: 20 }, () => rt.run({ signal }, c.add, 1, 2));
    const long = Array.from({ length: 20 }, () => failure(rt.run({ signal }, c.sleeper, 60_000)));
    expect(new Set(await within(5000, Promise.all(short)))).toEqual(new Set([3]));
    setTimeout(() => controller.abort("all"), 20);
    for (const error of await within(5000, Promise.all(long))) expect(error.cause).toBe("all");
    const inside = await within(5000, rt.run(c.withSignals, 15));
    expect(inside.codes).toEqual(Array.from({ length: 15 }, () => "CANCELLED"));
    expect([warnings, inside.warnings]).toEqual([[], 0]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    process.off("warning", warned);
  });

  it("ends a task that has not started", async () => {
    const rt = await start({ gil, threads: 1 });
    const busy = rt.run(c.busy, 100);
    const waiting = rt.spawn(c.add, 1, 2);
    waiting.cancel("no need");
    const error = await failure(within(5000, waiting.then()));
    expect([error.code, error.cause, waiting.state]).toEqual(["CANCELLED", "no need", "cancelled"]);
    expect(await busy).toBe("busy");
  });

  it("reaches a coroutine that only yields", async () => {
    const rt = await start({ gil });
    const spins = [rt.spawn(c.spin), rt.spawn(c.spin), rt.spawn(c.spin)];
    await rt.run(c.sleeper, 20);
    for (const spin of spins) spin.cancel();
    for (const spin of spins) expect((await failure(within(5000, spin.then()))).code).toBe("CANCELLED");
  });

  it("reaches a coroutine that waits for a lock, and the lock goes to the next", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, {});
    const holder = rt.spawn(c.holdForever, account);
    while (await rt.run(c.tryIt, account)) await new Promise((resolve) => setTimeout(resolve, 2));
    const waiters = Array.from({ length: 10 }, () => rt.spawn(c.increments, account, 1));
    await rt.run(c.sleeper, 20);
    for (const waiter of waiters.slice(0, 9)) waiter.cancel();
    for (const waiter of waiters.slice(0, 9))
      expect((await failure(within(5000, waiter.then()))).code).toBe("CANCELLED");
    holder.cancel();
    await failure(within(5000, holder.then()));
    await within(5000, waiters[9]!.then());
    expect(account.balance).toBe(1);
    expect(await rt.run(c.tryIt, account)).toBe(true);
    expect(rt.verify().violations).toEqual([]);
  });

  it("of a parent's end reaches its children, which it waits for", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, {});
    expect(await within(5000, rt.run(c.parentOf, account))).toBe("running");
    expect(account.balance).toBe(2); // the child's finally block has run
    expect(rt.stats().tasksOutstanding).toBe(0);
    expect(rt.verify().violations).toEqual([]);
  });
});
