import { inspect } from "node:util";
import { Worker } from "node:worker_threads";
import { Dict, keep, List } from "@ungil/heap";
import { Runtime, tryLock } from "@ungil/runtime";
import { expect, it } from "vitest";
import { Account, c } from "./fixtures/basic.mjs";
import { failure, inBothModes, start } from "./helpers.js";

it("checks its options", async () => {
  const cases: [object, string, RegExp][] = [
    [{ thread: 2 }, "UNKNOWN_OPTION", /no option "thread".*threads/],
    [{ threads: 0 }, "THREAD_COUNT", /from 1 to \d+, not 0/],
    [{ threads: 10_000 }, "THREAD_COUNT", /not 10000/],
    [{ threads: 1.5 }, "THREAD_COUNT", /not 1.5/],
    [{ threads: "2" }, "THREAD_COUNT", /not 2/],
    [{ memory: 1000 }, "MEMORY_SIZE", /1 MiB/],
    [{ memory: "5GiB" }, "MEMORY_SIZE", /4 GiB/],
    [{ memory: "lots" }, "MEMORY_SIZE", /"lots"/],
    [{ memory: -1 }, "MEMORY_SIZE", /-1/],
    [{ memory: null }, "MEMORY_SIZE", /null/],
    [{ memory: "1MiB", threads: 8 }, "MEMORY_SIZE", /with 8 threads 2359296 is the least/],
    [{ memory: "2MiB", threads: 16 }, "MEMORY_SIZE", /with 16 threads/],
    [{ gil: 1 }, "OPTION", /gil must be true or false/],
    [{ switchInterval: 0 }, "OPTION", /switchInterval/],
    [{ onUnhandled: 1 }, "OPTION", /onUnhandled/],
    [{ preload: "x" }, "OPTION", /preload/],
    [{ swap: { size: "8MiB", policy: "opt" } }, "OPTION", /swap\.policy must be one of .*"lru".*, not opt$/],
    [{ swap: { size: "8MiB", policy: "LRU" } }, "OPTION", /swap\.policy must be one of .*"w-tinylfu".*, not LRU$/],
    [{ swap: { size: "8MiB", policy: 5 } }, "OPTION", /swap\.policy .*, not 5$/],
    [{ swap: { size: "8MiB", policies: "lru" } }, "UNKNOWN_OPTION", /no option "policies".*policy/],
  ];
  class Options {
    threads = 1;
  }
  for (const options of [[], new Map(), new Options(), () => 1, 5, null]) {
    const error = await failure(Runtime.start(options as never));
    expect([error.code, error.message]).toEqual(["OPTION", expect.stringContaining("an object of options")]);
  }
  for (const [options, code, message] of cases) {
    const error = await failure(Runtime.start(options as never));
    expect([JSON.stringify(options), error.code]).toEqual([JSON.stringify(options), code]);
    expect(error.message).toMatch(message);
  }
});

inBothModes("what is no class, no array", (gil) => {
  it("is refused", async () => {
    const rt = await start({ gil });
    for (const wrong of [Map, class X {}, 5, null, undefined, () => 1, {}])
      expect(() => rt.new(wrong)).toThrow(
        expect.objectContaining({
          code: "OPTION",
          message: expect.stringMatching(/^rt\.new\(\): its first argument must be a struct class, List or Dict, not /),
        }),
      );
    for (const what of ["nothing", "number", "operations", "task", "call"]) {
      const error = await failure(rt.run(c.wrongAll, what));
      expect([what, error.code]).toEqual([what, "OPTION"]);
      expect(error.message).toMatch(/^all\(\): its argument must be an array .*, not /);
    }
  });
});

it("reports a preload that fails", async () => {
  const error = await failure(Runtime.start({ threads: 1, preload: ["file:///nowhere/preload.mjs"] }));
  expect([error.code, error.url]).toEqual(["MODULE_LOAD", "file:///nowhere/preload.mjs"]);
});

it("starts on the main thread only, and says how", async () => {
  const worker = new Worker(new URL("./fixtures/in-worker.mjs", import.meta.url));
  const [code, message] = await new Promise<[string, string]>((resolve, reject) =>
    worker.once("message", resolve).once("error", reject),
  );
  await worker.terminate();
  expect(code).toBe("RUNTIME_IN_WORKER");
  expect(message).toContain("if (isMainThread)");
});

inBothModes("runtime", (gil) => {
  it("says what it is", async () => {
    const shown = await start({ gil, threads: 1 });
    expect(inspect(shown)).toBe(`Runtime { mode: '${gil ? "gil" : "free"}', threads: 1, closed: false }`);
    await shown.close();
    expect(inspect(shown, { colors: false })).toContain("closed: true");
    const rt = await start({ gil, threads: 1, memory: 4 << 20 });
    expect([rt.mode, rt.threads, rt.closed]).toEqual([gil ? "gil" : "free", 1, false]);
    const stats = rt.stats();
    expect([stats.mode, stats.threads.map(({ id }) => id)]).toEqual([gil ? "gil" : "free", [0, 1]]);
  });

  it("refuses everything after close", async () => {
    const rt = await start({ gil });
    const account = rt.new(Account, { balance: 1 });
    const task = rt.spawn(c.add, 1, 2);
    expect(await task).toBe(3);
    await rt.close();
    await rt.close();
    expect(rt.closed).toBe(true);
    expect((await failure(rt.run(c.add, 1, 2))).code).toBe("RUNTIME_CLOSED");
    for (const use of [
      () => rt.spawn(c.add, 1, 2),
      () => rt.new(Account, {}),
      () => rt.scope(() => 1),
      () => rt.verify(),
      () => rt.stats(),
      () => account.balance,
      () => (account.balance = 1),
      () => keep(account),
      () => tryLock(account),
      () => task.state,
      () => task.cancel(),
    ]) {
      expect(use).toThrow(expect.objectContaining({ code: "RUNTIME_CLOSED" }));
    }
    expect(inspect([account, task])).toBe("[ Account (closed), Task (closed) ]");
    expect(await task).toBe(3);
    expect([rt.mode, rt.threads]).toEqual([gil ? "gil" : "free", 2]);
    account[Symbol.dispose]();
  });

  it("that is the newest closes: what is made then belongs to the one that is still open", async () => {
    const [one, two, three] = [
      await start({ gil, threads: 1 }),
      await start({ gil, threads: 1 }),
      await start({ gil }),
    ];
    await two.close();
    await three.close();
    const account = new Account({ balance: 5 });
    expect(await one.run(c.echo, account)).toMatchObject({ balance: 5 });
    await one.close();
    expect(() => new Account({})).toThrow(expect.objectContaining({ code: "NO_RUNTIME" }));
  });

  it("has scopes whose handles live on where they are returned, and that are synchronous", async () => {
    const rt = await start({ gil });
    expect(await rt.run(c.nestedScope)).toEqual([1, "ASYNC_SCOPE"]);
    const [account] = rt.scope(() => rt.scope(() => [new Account({ balance: 2 })]));
    expect(account?.balance).toBe(2);
    expect(() => rt.scope(async () => 1)).toThrow(expect.objectContaining({ code: "ASYNC_SCOPE" }));
    expect(rt.verify().violations).toEqual([]);
  });

  it("runs two at once, which share nothing", async () => {
    const [one, two] = [await start({ gil, threads: 1 }), await start({ gil, threads: 1 })];
    const account = one.new(Account, { owner: "one" });
    expect(await Promise.all([one.run(c.add, 1, 1), two.run(c.add, 2, 2)])).toEqual([2, 4]);
    expect((await failure(two.run(c.echo, account))).code).toBe("FOREIGN_OBJECT");
  });

  it("reads each heap as itself while the scopes of two nest", async () => {
    const [one, two] = [await start({ gil, threads: 1 }), await start({ gil, threads: 1 })];
    const make = (rt: typeof one, name: string) =>
      rt.new(Account, {
        owner: name,
        next: rt.new(Account, { owner: `${name} 2`, next: rt.new(Account, { owner: `${name} 3` }) }),
      });
    const [a, b] = [make(one, "one"), make(two, "two")];
    one.scope(() => {
      const list = one.new(List, [a.next]);
      two.scope(() => {
        const third = a.next.next;
        expect([third.owner, list.get(0).next.owner, b.next.next.owner]).toEqual(["one 3", "one 3", "two 3"]);
        expect(() => (b.next = third)).toThrow(expect.objectContaining({ code: "FOREIGN_OBJECT" }));
        // And once more around: what is read there belongs to the scope of `one` that is still open.
        const again = one.scope(() => two.scope(() => a.next.next));
        expect([again.owner, b.next.owner]).toEqual(["one 3", "two 2"]);
      });
      expect(list.get(0).owner).toBe("one 2");
    });
    for (const rt of [one, two]) expect(rt.verify().violations).toEqual([]);
  });

  it("leaves what a scope returns as it is, but for its handles", async () => {
    const rt = await start({ gil, threads: 1 });
    const account = rt.new(Account, { owner: "kept", next: rt.new(Account, { owner: "next" }) });
    let reads = 0;
    const returned = rt.scope(() => ({
      frozen: Object.freeze([1, account.next]),
      get counted() {
        return ++reads;
      },
      plain: { next: account.next },
    }));
    expect(reads).toBe(0);
    expect([returned.frozen[1].owner, returned.plain.next.owner, returned.counted]).toEqual(["next", "next", 1]);
    const dict = rt.new(Dict<string, object>);
    expect(dict.update("frozen", () => Object.freeze({ a: 1 }))).toEqual({ a: 1 });
    expect(rt.verify().violations).toEqual([]);
  });
});
