import { Dict, List } from "@ungil/heap";
import { tryLock } from "@ungil/runtime";
import { expect, it } from "vitest";
import { Account, c } from "./fixtures/basic.mjs";
import { failure, inBothModes, start, within } from "./helpers.js";

inBothModes("locks", (gil) => {
  it("exclude each other, across yields and threads", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, {});
    await within(20_000, Promise.all(Array.from({ length: 6 }, () => rt.run(c.increments, account, 2000))));
    expect(account.balance).toBe(12_000);
    expect(rt.verify().violations).toEqual([]);
  });

  it("that a thread's coroutines wait for do not keep it from starting others", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, {});
    const notes = rt.new(Dict<string, number>);
    expect(await within(10_000, rt.run(c.holdsWhileOthersWork, account, notes, 10))).toBe(10);
  });

  it("of two objects keep the total, in whatever order they are named", async () => {
    const rt = await start({ gil });
    const accounts = rt.scope(
      () => new List(Array.from({ length: 10 }, (_, n) => new Account({ owner: `${n}`, balance: 100 }))),
    );
    await within(25_000, Promise.all(Array.from({ length: 4 }, (_, n) => rt.run(c.transfers, accounts, 5000, n + 1))));
    const total = rt.scope(() => accounts.toArray().reduce((sum: number, account: any) => sum + account.balance, 0));
    expect(total).toBe(1000);
    expect(rt.verify().violations).toEqual([]);
  });

  it("of several objects are taken and released together", async () => {
    const rt = await start({ gil });
    const [a, b, d] = [rt.new(Account, {}), rt.new(Account, {}), rt.new(Account, {})];
    expect(await rt.run(c.three, a, b, d)).toBe(true);
    const guard = tryLock(a, b, d);
    expect(guard?.held).toBe(true);
    expect(await rt.run(c.tryIt, b)).toBe(false);
    guard?.release();
    guard?.release();
    expect(await rt.run(c.tryIt, b)).toBe(true);
  });

  it("end with their coroutine at the latest", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, {});
    expect(await rt.run(c.leaveLocked, account)).toBe(1);
    expect(await rt.run(c.tryIt, account)).toBe(true);
  });

  it("that a timer releases, or a timer's scope, wake who waits on the timer's own thread", async () => {
    const rt = await start({ gil, threads: 1 });
    const account = rt.new(Account, {});
    for (const how of ["plain", "scope"]) await within(5000, rt.run(c.releasedByTimer, account, 50, how));
    expect(account.balance).toBe(2);
  });

  it("taken twice by one coroutine are an error, not a wait for ever", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, {});
    const error = await failure(within(5000, rt.run(c.lockTwice, account)));
    expect([error.code, error.message]).toEqual(["DEADLOCK", expect.stringContaining("Account")]);
    expect(await rt.run(c.tryIt, account)).toBe(true);
  });

  it("exclude the branches of all() from each other", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, {});
    expect(await within(5000, rt.run(c.branches, account, 5))).toEqual([1, 2, 3, 4, 5]);
    expect(await rt.run(c.tryIt, account)).toBe(true);
    const error = await failure(within(5000, rt.run(c.branchesAgain, account)));
    expect([error.code, error.message]).toEqual(["DEADLOCK", expect.stringContaining("already")]);
    expect(await rt.run(c.tryIt, account)).toBe(true);
    expect(rt.verify().violations).toEqual([]);
  });

  it("are waited for by one operation each", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, {});
    const twice = await failure(within(5000, rt.run(c.sameTwice, account)));
    expect([twice.code, twice.message]).toEqual(["OPTION", expect.stringMatching(/item 2 .* item 0/)]);
    const shared = await failure(within(5000, rt.run(c.sharedByTwo)));
    expect([shared.code, shared.message]).toEqual(["OPTION", expect.stringContaining("sleep(10)")]);
    expect(await rt.run(c.tryIt, account)).toBe(true);
  });

  it("want shared objects", async () => {
    const rt = await start({ gil });
    expect(() => tryLock({} as never)).toThrow(expect.objectContaining({ code: "OPTION" }));
    expect(() => tryLock()).toThrow(expect.objectContaining({ code: "OPTION" }));
    expect((await failure(rt.run(c.increments, { balance: 1 } as never, 1))).code).toBe("OPTION");
  });
});
