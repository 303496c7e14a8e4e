// A full heap: what ends work, and so makes room again, needs none of it.
import { List, thread } from "@ungil/heap";
import { OutOfMemoryError } from "@ungil/kernel";
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

  // Rare by itself: the main thread's own batches need hardly any memory. So its n-th one finds none.
  it("results are told later when the main thread has no memory to take them", async () => {
    const rt = await start({ gil });
    await rt.run(c.add, 1, 1);
    const heap = rt.scope(() => thread.scope!.heap);
    for (let failing = 1; failing < 4; failing++) {
      const sums = Array.from({ length: 20 }, (_, n) => rt.run(c.add, n, 1));
      const whole = heap.batch;
      let batches = 0;
      heap.batch = (work) => {
        if (++batches === failing) throw new OutOfMemoryError("A batch");
        return whole.call(heap, work) as never;
      };
      const found = await within(10_000, Promise.all(sums));
      heap.batch = whole;
      expect(found).toEqual(sums.map((_, n) => n + 1));
      expect(batches).toBeGreaterThanOrEqual(1);
    }
    expect(rt.verify().violations).toEqual([]);
  });

  it("what a dead thread leaves cannot be taken over: the runtime ends, and says why", async () => {
    const rt = await start({ gil });
    const heap = rt.scope(() => thread.scope!.heap);
    const dies = failure(rt.run(c.exits, 7));
    const waits = failure(rt.run(c.sleeper, 60_000));
    heap.batch = () => {
      throw new OutOfMemoryError("A batch");
    };
    expect((await within(10_000, dies)).code).toBe("OUT_OF_MEMORY");
    expect((await within(10_000, waits)).code).toBe("OUT_OF_MEMORY");
    delete (heap as Partial<typeof heap>).batch;
    await within(5000, rt.close());
    expect(rt.closed).toBe(true);
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
