// A full heap: what ends work, and so makes room again, needs none of it.
import { List } from "@ungil/heap";
import { Runtime } from "@ungil/runtime";
import { expect, it } from "vitest";
import { Account, c, full } from "./fixtures/basic.mjs";
import { failure, inBothModes, type LooseRuntime, start, within } from "./helpers.js";

/** A runtime whose heap has no byte left, and a task that keeps it so. */
async function fullRuntime(gil: boolean): Promise<{ rt: LooseRuntime; filling: any }> {
  const rt = await start({ gil, memory: "2MiB" });
  const [list, ready] = [rt.new(List), rt.new(Account, {})];
  const filling = rt.spawn(full, list, ready);
  while (ready.balance === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const value of ["text", { a: 1 }, 1]) {
    try {
      for (let n = 0; ; n++) list.push(typeof value === "string" ? `${value}${n}` : value);
    } catch {}
  }
  return { rt, filling };
}

inBothModes("with the heap full", (gil) => {
  it("close() ends everything", async () => {
    const { rt, filling } = await fullRuntime(gil);
    const ended = failure(within(5000, filling.then()));
    await within(5000, rt.close());
    expect(rt.closed).toBe(true);
    expect(["CANCELLED", "RUNTIME_CLOSED"]).toContain((await ended).code);
    await within(1000, rt.close());
  });

  it("a task can be cancelled, with a reason or without", async () => {
    for (const reason of [new Error("x".repeat(5000)), undefined]) {
      const { rt, filling } = await fullRuntime(gil);
      filling.cancel(reason);
      expect((await failure(within(5000, filling.then()))).code).toBe("CANCELLED");
      await rt.close();
    }
  });

  it("an AbortSignal cancels", async () => {
    const rt = await start({ gil, memory: "2MiB" });
    const [list, ready] = [rt.new(List), rt.new(Account, {})];
    const controller = new AbortController();
    const ended = failure(within(8000, rt.run({ signal: controller.signal }, full, list, ready)));
    while (ready.balance === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort(new Error("x".repeat(5000)));
    expect((await ended).code).toBe("CANCELLED");
  });

  it("a thread that ends fails its coroutines, and another takes its place", async () => {
    const rt = await start({ gil, threads: 1, memory: "2MiB" });
    const [list, ready] = [rt.new(List), rt.new(Account, {})];
    const filling = rt.spawn(full, list, ready);
    const dying = rt.spawn(c.exitWhen, ready, 7);
    const errors = await Promise.all([filling, dying].map((task) => failure(within(10_000, task.then()))));
    for (const error of errors) expect(error.code).toBe("WORKER_CRASHED");
    list[Symbol.dispose]();
    expect(await within(5000, rt.run(c.add, 1, 2))).toBe(3);
  });
});

it("close() waits as long as it is told, also longer than a timer can", async () => {
  for (const timeout of [Number.POSITIVE_INFINITY, 2 ** 31, 1e12]) {
    const rt = await Runtime.start({ threads: 1 });
    const task = rt.run(c.sleeper, 200);
    await within(5000, rt.close({ timeout }));
    expect(await task).toBeGreaterThan(190);
  }
});
