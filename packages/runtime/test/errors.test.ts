import * as runtime from "@ungil/runtime";
import { Task } from "@ungil/runtime";
import { expect, it } from "vitest";
import { Account, AppError, c } from "./fixtures/basic.mjs";
import { broken, missing } from "./fixtures/elsewhere.mjs";
import { failure, inBothModes, type LooseRuntime, start, within } from "./helpers.js";

inBothModes("errors", (gil) => {
  const fails = async (rt: LooseRuntime, coroutine: any, ...args: unknown[]) =>
    failure(within(5000, rt.run(coroutine, ...args)));

  it("arrive whole: class, message, properties, cause, both stacks", async () => {
    const rt = await start({ gil });
    const range = await fails(rt, c.boom, "bad");
    expect(range).toBeInstanceOf(RangeError);
    expect(range.message).toBe("bad");
    expect(range.stack).toMatch(/^RangeError: bad\n\s+at .*boom.*basic\.mjs[\s\S]*awaited by[\s\S]*errors\.test\.ts/);
    runtime.registerErrors(AppError);
    const app = await fails(rt, c.appError);
    expect(app).toBeInstanceOf(AppError);
    expect([app.name, app.message, app.details.code, app.details.list]).toEqual(["AppError", "custom", 7, [1, 2]]);
    expect(app.details.fn).toContain("Function");
    const outer = await fails(rt, c.withCause);
    expect(outer).toBeInstanceOf(TypeError);
    expect(outer.cause).toBeInstanceOf(AppError);
    expect(outer.cause.details).toEqual({ x: 1 });
    const many = await fails(rt, c.aggregate);
    expect(many).toBeInstanceOf(AggregateError);
    expect(many.errors.map((error: Error) => `${error.name} ${error.message}`)).toEqual([
      "Error one",
      "RangeError two",
    ]);
  });

  it("of a class that is not loaded here are RemoteErrors under its name", async () => {
    const rt = await start({ gil });
    const error = await fails(rt, c.hiddenError);
    expect(error).toBeInstanceOf(runtime.RemoteError);
    expect([error.name, error.message, error.extra, error.code]).toEqual(["HiddenError", "hidden", "e", "REMOTE"]);
  });

  it("can be any thrown value", async () => {
    const rt = await start({ gil });
    for (const value of [5, "text", null, { a: 1 }]) expect(await fails(rt, c.throwValue, value)).toEqual(value);
  });

  it("have stacks of the program's frames only", async () => {
    const rt = await start({ gil });
    const frame = String.raw`\n\s+at .*`;
    expect(await rt.run(c.stacks, "joined")).toMatch(
      new RegExp(
        `^RangeError: joined${frame}boom.*basic\\.mjs.*\\n\\s+--- awaited by ---${frame}stacks.*basic\\.mjs.*$`,
      ),
    );
    const own = await fails(rt, c.stacks, "own");
    expect(own.stack).toMatch(new RegExp(`^Error: own${frame}stacks.*basic\\.mjs.*\\n\\s+--- awaited by ---\\n`));
  });

  it("reach the coroutine that joins, with its own stack", async () => {
    const rt = await start({ gil });
    expect(await rt.run(c.joinFailing)).toEqual([true, 7, true, true]);
  });

  it("of tasks that nobody awaits reach the hook", async () => {
    const seen: [any, Task<unknown> | null][] = [];
    const rt = await start({ gil, onUnhandled: (error, task) => seen.push([error, task]) });
    rt.spawn(c.boom, "nobody");
    expect(await rt.run(c.orphan)).toBe("done");
    await expect.poll(() => seen.length, { timeout: 3000 }).toBe(2);
    expect(seen.map(([error]) => error.message).sort()).toEqual(["nobody", "orphan"]);
    for (const [error, task] of seen) {
      expect(error).toBeInstanceOf(RangeError);
      expect(task).toBeInstanceOf(Task);
      expect(task?.name).toBe("boom");
    }
    const awaited = rt.spawn(c.boom, "later");
    await failure(awaited);
    expect(seen).toHaveLength(2);
  });

  it("tell of operations that nobody waited for", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, {});
    for (const [coroutine, name] of [
      [c.forgotten, "sleep(1)"],
      [c.forgottenAtEnd, "sleep(1)"],
      [c.noStar, "lock(Account)"],
      [c.noStarTask, "join(task)"],
    ] as const) {
      const error = await fails(rt, coroutine, account);
      expect(error).toBeInstanceOf(runtime.OperationNotAwaitedError);
      expect(error.code).toBe("OPERATION_NOT_AWAITED");
      expect(error.message).toContain(name);
    }
    const value = await fails(rt, c.yieldsValue);
    expect([value.code, value.message]).toEqual(["YIELDED_VALUE", expect.stringContaining("a value (number)")]);
    const promise = await fails(rt, c.yieldsPromise);
    expect([promise.code, promise.message]).toEqual(["YIELDED_VALUE", expect.stringContaining("until(promise)")]);
  });

  it("tell of operations that are made where no coroutine runs, and how it is done", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, {});
    const task = rt.spawn(c.add, 1, 2);
    const cases: [() => unknown, string][] = [
      [() => c.add(1, 2), "await rt.run(add, ...)"],
      [() => runtime.spawn(c.add, 1, 2), "await rt.run(add, ...)"],
      [() => runtime.lock(account), "yield*"],
      [() => runtime.sleep(1), "yield*"],
      [() => runtime.until(Promise.resolve(1)), "yield*"],
      [() => runtime.join(task), "yield*"],
      [() => runtime.all([task]), "yield*"],
    ];
    for (const [use, fix] of cases) {
      const error = await failure((async () => await use())());
      expect(error).toBeInstanceOf(runtime.NotInCoroutineError);
      expect([error.code, error.message]).toEqual(["NOT_IN_COROUTINE", expect.stringContaining(fix)]);
    }
    expect(await task).toBe(3);
    const guard = runtime.tryLock(account);
    expect(guard?.held).toBe(true);
    guard?.release();
  });

  it("refuse what cannot be shared, by path", async () => {
    const rt = await start({ gil });
    class Point {}
    const cases: [unknown[], string][] = [
      [[() => 1], "args[0]"],
      [[1, Symbol("s")], "args[1]"],
      [[1, { users: [0, 1, 2, { callback() {} }] }], "args[1].users[3].callback"],
      [[new Map()], "args[0]"],
      [[[new Set()]], "args[0][0]"],
      [[{ at: new Date() }], "args[0].at"],
      [[Promise.resolve()], "args[0]"],
      [[new Point()], "args[0]"],
      [[new Error("e")], "args[0]"],
      [[new Uint8Array(2)], "args[0]"],
    ];
    for (const [args, path] of cases) {
      const error = await fails(rt, c.count, ...args);
      expect([error.code, error.path, error.name]).toEqual(["NOT_SHAREABLE", path, "NotShareableError"]);
    }
    const error = await fails(rt, c.returnsFunction);
    expect([error.code, error.path]).toEqual(["NOT_SHAREABLE", "The result.users[0].callback"]);
    expect(error.constructor.name).toBe("NotShareableError");
    expect(await rt.run(c.add, 1, 1)).toBe(2);
  });

  it("refuse what is no registered coroutine", async () => {
    const rt = await start({ gil });
    for (const value of [function* inline() {}, () => 1, undefined, "add"]) {
      const error = await fails(rt, value);
      expect(error).toBeInstanceOf(runtime.CoroutineNotRegisteredError);
    }
    expect(() => rt.spawn(function* inline() {} as never)).toThrow("inline is not a registered coroutine");
    expect(() => runtime.coroutines({ url: "file:///x.mjs" }, { notOne: (() => 1) as never })).toThrow("notOne");
  });

  it("tell of modules that cannot be loaded and of coroutines that are not there", async () => {
    const rt = await start({ gil });
    const load = await fails(rt, broken.lost);
    expect(load).toBeInstanceOf(runtime.ModuleLoadError);
    expect([load.code, load.url]).toEqual(["MODULE_LOAD", "file:///nowhere/lost.mjs"]);
    expect(load.cause.message).toContain("lost.mjs");
    const notFound = await fails(rt, missing.onlyHere);
    expect(notFound).toBeInstanceOf(runtime.CoroutineNotFoundError);
    expect(notFound.message).toContain('"onlyHere"');
    expect(await rt.run(c.add, 1, 1)).toBe(2);
  });

  it("of memory leave the runtime usable", async () => {
    const rt = await start({ gil, memory: "8MiB" });
    const keep = rt.new(Account, {});
    const error = await failure(within(20_000, rt.run(c.fillAll, keep)));
    expect([error.name, error.code]).toEqual(["OutOfMemoryError", "OUT_OF_MEMORY"]);
    keep.next = null;
    for (let n = 0; n < 3; n++) expect(await rt.run(c.add, n, 1)).toBe(n + 1);
    expect((await rt.run(c.makeMany, 100)).items).toHaveLength(100);
    expect(rt.verify().violations).toEqual([]);
  });
});
