import { is } from "@ungil/heap";
import { clearPoison, LockPoisonedError, registerErrors, tryLock, WorkerCrashedError } from "@ungil/runtime";
import { expect, it } from "vitest";
import { Account, AppError, c } from "./fixtures/basic.mjs";
import { failure, fixture, inBothModes, node, start, within } from "./helpers.js";

inBothModes("a thread that ends", (gil) => {
  it("fails its coroutines; another takes its place", async () => {
    const rt = await start({ gil });
    const sleepers = Promise.allSettled(Array.from({ length: 6 }, () => rt.run(c.sleeper, 200)));
    await rt.run(c.sleeper, 20);
    const error = await failure(within(10_000, rt.run(c.exits, 7)));
    expect(error).toBeInstanceOf(WorkerCrashedError);
    expect([error.code, error.exitCode, [1, 2].includes(error.thread)]).toEqual(["WORKER_CRASHED", 7, true]);
    const rest = await within(10_000, sleepers);
    for (const result of rest) if (result.status === "rejected") expect(result.reason.code).toBe("WORKER_CRASHED");
    expect(await within(10_000, Promise.all(Array.from({ length: 50 }, (_, n) => rt.run(c.add, n, 1))))).toHaveLength(
      50,
    );
    expect(rt.verify().violations).toEqual([]);
    expect(rt.stats().adoptions).toBeGreaterThan(0);
  });

  it("by an uncaught exception: that is the cause", async () => {
    registerErrors(AppError);
    const rt = await start({ gil });
    const error = await failure(within(10_000, rt.run(c.throwsOutside)));
    expect(error).toBeInstanceOf(WorkerCrashedError);
    expect(error.cause.message).toBe("outside");
    expect(await within(10_000, rt.run(c.add, 1, 1))).toBe(2);
  });

  it("poisons the locks it held, and those who wait for them are told", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, { balance: 5 });
    const dying = failure(rt.run(c.dieHolding, account));
    while (account.balance !== -1) await new Promise((resolve) => setTimeout(resolve, 1));
    const waiters = Array.from({ length: 4 }, () => failure(rt.run(c.increments, account, 1)));
    expect((await within(10_000, dying)).code).toBe("WORKER_CRASHED");
    for (const waiter of waiters) {
      // Some may have stood on the thread that died.
      const error = await within(10_000, waiter);
      expect(["LOCK_POISONED", "WORKER_CRASHED"]).toContain(error.code);
    }
    expect((await failure(rt.run(c.increments, account, 1))).constructor).toBe(LockPoisonedError);
    expect(() => tryLock(account)).toThrow(LockPoisonedError);
    account.balance = 5;
    clearPoison(account);
    await within(10_000, rt.run(c.increments, account, 2));
    expect(account.balance).toBe(7);
    expect(is(await rt.run(c.echo, account), account)).toBe(true);
    expect(rt.verify().violations).toEqual([]);
  });

  it("again and again", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, {});
    for (let n = 0; n < 5; n++) {
      const work = Array.from({ length: 4 }, () => rt.run(c.increments, account, 50).catch((error) => error.code));
      expect((await failure(within(10_000, rt.run(c.exits, 1)))).code).toBe("WORKER_CRASHED");
      for (const result of await within(10_000, Promise.all(work)))
        expect([undefined, "WORKER_CRASHED", "LOCK_POISONED"]).toContain(result);
      clearPoison(account);
    }
    expect(rt.verify().violations).toEqual([]);
    expect(await within(10_000, rt.run(c.fib, 12))).toBe(144);
  });

  it("just before the runtime closes, or while it does", async () => {
    for (let n = 0; n < 12; n++) {
      const rt = await start({ gil });
      await Promise.all([rt.run(c.add, 1, 1), rt.run(c.add, 1, 1)]);
      const dying = failure(rt.run(c.exits, 1));
      if (n % 2) await new Promise((resolve) => setTimeout(resolve, n / 2));
      await within(5000, rt.close());
      expect(["WORKER_CRASHED", "RUNTIME_CLOSED", "CANCELLED"]).toContain((await dying).code);
    }
    // What is to have its time has it, also if that takes another thread.
    const rt = await start({ gil, threads: 1 });
    const dying = failure(rt.run(c.exits, 1));
    const rest = rt.run(c.sleeper, 100).catch((error) => error.code);
    await within(5000, rt.close({ timeout: 4000 }));
    expect((await dying).code).toBe("WORKER_CRASHED");
    const outcome = await rest;
    expect(outcome === "WORKER_CRASHED" || outcome > 90).toBe(true);
  });

  // With 2 MiB pages are on their way to the swap file and back all the time.
  it.each(["64MiB", "2MiB"])(
    "at any moment, killed from outside, in %s of memory",
    async (memory) => {
      const ran = await node([fixture("kill.mjs"), gil ? "gil" : "free", "12", memory], { timeout: 60_000 });
      expect([ran.code, ran.err]).toEqual([0, ""]);
      const { done, crashed, other, evictions } = JSON.parse(ran.out);
      expect(other).toEqual([]);
      expect(done + crashed).toBe(12 * 7);
      expect(evictions > 200).toBe(memory === "2MiB");
    },
    70_000,
  );

  // Its exit is an event, and the main thread waits in the middle of a call: for a stop of the world, for a kernel lock.
  it.each([
    ["compute", 5],
    ["fill", 40],
  ])(
    "before its exit can be known, in a coroutine that does nothing but %s",
    async (what, kills) => {
      const ran = await node([fixture("gone.mjs"), what, gil ? "gil" : "free", String(kills)], { timeout: 60_000 });
      expect([ran.code, ran.err]).toEqual([0, ""]);
      const { longest, violations } = JSON.parse(ran.out);
      expect(violations).toEqual([]);
      expect(longest.verify).toBeLessThan(2000);
      expect(longest.set).toBeLessThan(2000);
    },
    70_000,
  );
});
