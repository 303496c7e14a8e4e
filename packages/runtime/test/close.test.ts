import { Runtime } from "@ungil/runtime";
import { expect, it } from "vitest";
import { Account, c } from "./fixtures/basic.mjs";
import { failure, fixture, inBothModes, node, start, within } from "./helpers.js";

inBothModes("close() while a thread ends", (gil) => {
  it("resolves", async () => {
    for (let round = 0; round < 10; round++) {
      const rt = await start({ gil });
      await rt.run(c.add, 1, 2);
      rt.run(c.exits, 1).catch(() => undefined);
      if (round % 2) await new Promise((resolve) => setTimeout(resolve, round / 2));
      await within(3000, rt.close());
    }
  });
});

inBothModes("close", (gil) => {
  it("gives running work its time", async () => {
    const rt = await start({ gil });
    const task = rt.run(c.sleeper, 100);
    await within(5000, rt.close({ timeout: 3000 }));
    expect(await task).toBeGreaterThan(90);
  });

  it("gives it less if it is called again and told so", async () => {
    const rt = await start({ gil });
    const begin = performance.now();
    const task = failure(rt.run(c.sleeper, 60_000));
    const closing = [rt.close({ timeout: 60_000 }), rt.close(), rt.close({ timeout: 70_000 })];
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(rt.closed).toBe(false);
    closing.push(rt.close({ timeout: 50 }));
    await within(5000, Promise.all(closing));
    expect(performance.now() - begin).toBeLessThan(3000);
    const error = await task;
    expect([error.code, error.cause.code]).toEqual(["CANCELLED", "RUNTIME_CLOSED"]);
  });

  it("then cancels it, and its finally blocks run", async () => {
    const rt = await start({ gil });
    const begin = performance.now();
    const account = rt.new(Account, {});
    const task = rt.run(c.cancellable, account);
    while (account.balance === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    const closing = rt.close();
    const error = await failure(within(5000, task));
    expect([error.code, error.cause.code]).toEqual(["CANCELLED", "RUNTIME_CLOSED"]);
    await within(5000, closing);
    expect(performance.now() - begin).toBeLessThan(4000);
  });

  it("then ends threads that never yield", async () => {
    const rt = await start({ gil });
    // In one step: whoever runs first keeps the GIL.
    const tasks = rt.scope(() => Array.from({ length: 3 }, () => failure(rt.run(c.busy, 60_000))));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const begin = performance.now();
    await within(5000, rt.close({ timeout: 50 }));
    expect(performance.now() - begin).toBeLessThan(3000);
    // One that had not started yet could be cancelled.
    for (const error of await Promise.all(tasks)) expect(["RUNTIME_CLOSED", "CANCELLED"]).toContain(error.code);
  });

  it("checks its options", async () => {
    const rt = await start({ gil });
    await expect((async () => rt.close({ timeuot: 1 } as never))()).rejects.toMatchObject({ code: "UNKNOWN_OPTION" });
    await expect((async () => rt.close({ timeout: -1 }))()).rejects.toMatchObject({ code: "OPTION" });
    expect(await rt.run(c.add, 1, 1)).toBe(2);
  });

  it("works through Symbol.asyncDispose", async () => {
    const rt = await Runtime.start({ gil, threads: 1 });
    await rt[Symbol.asyncDispose]();
    expect(rt.closed).toBe(true);
  });

  it("lets the process end by itself, within a second", async () => {
    const ran = await node([fixture("program.mjs"), gil ? "gil" : "free"]);
    expect([ran.code, ran.err, ran.out]).toEqual([0, "", expect.stringContaining("closed")]);
    const closed = ran.times.find(([, text]) => text.includes("closed"))![0];
    expect(ran.ms - closed).toBeLessThan(1000);
  });

  it("leaves memory flat over many cycles", async () => {
    const ran = await node(["--expose-gc", fixture("cycles.mjs"), gil ? "gil" : "free", "30"], { timeout: 60_000 });
    expect([ran.code, ran.err]).toEqual([0, ""]);
    const [early, late] = JSON.parse(ran.out) as [number, number];
    expect(late - early).toBeLessThan(30);
  }, 70_000);
});

inBothModes("verify()", (gil) => {
  it("gives up on a thread that computes on and on, and close() ends it", async () => {
    const rt = await start({ gil, threads: 1 });
    const busy = failure(rt.run(c.busy, 15_000));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const begin = performance.now();
    expect(() => rt.verify()).toThrow(expect.objectContaining({ name: "WorldStopError", code: "WORLD_STOP" }));
    expect(performance.now() - begin).toBeLessThan(7000);
    await within(5000, rt.close());
    expect((await busy).code).toBe("RUNTIME_CLOSED");
  });
});
