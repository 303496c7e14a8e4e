// A failure that nobody waits for reaches the hook, once; what was cancelled has not failed.
import { List } from "@ungil/heap";
import type { Task } from "@ungil/runtime";
import { expect, it } from "vitest";
import { o } from "./fixtures/orphans.mjs";
import { failure, fixture, inBothModes, type LooseRuntime, node, start, within } from "./helpers.js";

const until = async (condition: () => boolean) => {
  while (!condition()) await pause(1);
};
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

inBothModes("failures that nobody waits for", (gil) => {
  const hooked = async (): Promise<{ rt: LooseRuntime; seen: string[] }> => {
    const seen: string[] = [];
    const onUnhandled = (error: any, task: Task<unknown> | null) =>
      void seen.push(`${task?.name}: ${error.code ?? error.message}`);
    return { rt: await start({ gil, onUnhandled }), seen };
  };

  it("are told: of a child that fails in its cleanup, after its parent has ended", async () => {
    const { rt, seen } = await hooked();
    expect(await within(5000, rt.run(o.leavesCleaning, "cleanup"))).toBe("parent");
    await expect.poll(() => seen, { timeout: 3000 }).toEqual(["failsInCleanup: cleanup"]);
    const runs = rt.new(List);
    const task = rt.spawn(o.failsInCleanup, "main's", runs);
    await until(() => runs.length > 0);
    task.cancel();
    await expect.poll(() => seen, { timeout: 3000 }).toEqual(["failsInCleanup: cleanup", "failsInCleanup: main's"]);
    expect(rt.verify().violations).toEqual([]);
  });

  it("are told before the runtime has closed", async () => {
    const { rt, seen } = await hooked();
    const parent = rt.run(o.leavesCleaning, "cleanup");
    const runs = rt.new(List);
    rt.spawn(o.failsInCleanup, "main's", runs);
    await until(() => runs.length > 0);
    await parent;
    await within(5000, rt.close());
    expect(seen.sort()).toEqual(["failsInCleanup: cleanup", "failsInCleanup: main's"]);
  });

  it("are those of a task too that waited for one that was cancelled, and was not cancelled itself", async () => {
    const { rt, seen } = await hooked();
    expect(await within(5000, rt.run(o.leavesWaiting, false))).toBe("failed");
    await expect.poll(() => seen, { timeout: 3000 }).toEqual(["waitsFor: CANCELLED"]);
    const long = rt.spawn(o.long);
    const runs = rt.new(List);
    rt.spawn(o.waitsFor, long, runs);
    await until(() => runs.length > 0);
    long.cancel();
    await expect.poll(() => seen, { timeout: 3000 }).toEqual(["waitsFor: CANCELLED", "waitsFor: CANCELLED"]);
  });

  it("are none if both were cancelled, by whomever and in whatever order", async () => {
    const { rt, seen } = await hooked();
    for (let n = 0; n < 10; n++) {
      await within(5000, rt.run(o.leavesWaiting, true));
      const long = rt.spawn(o.long);
      const waiting = rt.spawn(o.waitsFor, long);
      await pause(5);
      long.cancel();
      waiting.cancel();
      await failure(long);
      await within(5000, rt.run(o.leavesLong));
      const tree = rt.spawn(o.tree, 3);
      await pause(10);
      tree.cancel();
      expect((await failure(within(5000, tree.then()))).code).toBe("CANCELLED");
    }
    const last = rt.spawn(o.long);
    for (let n = 0; n < 50; n++) rt.spawn(o.waitsFor, last);
    await pause(20);
    await within(5000, rt.close());
    expect(seen).toEqual([]);
  });

  it.each(["main", "coroutine"])("and what the hook throws is an uncaught exception: of %s", async (who) => {
    const ran = await node([fixture("orphans.mjs"), gil ? "gil" : "free", who]);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out.split("\n").sort()).toEqual([
      "",
      "0 parent",
      "uncaught the hook: again",
      `uncaught the hook: of ${who === "main" ? "main" : "a coroutine"}`,
    ]);
  });
});
