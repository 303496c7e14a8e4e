// Snapshots: what the heap was at one moment, between two steps of every coroutine, whatever happens to it later.
import { inspect } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Dict, List, refcount, type Shared, sizeof } from "@ungil/heap";
import { type Snapshot, tryLock } from "@ungil/runtime";
import { expect, it } from "vitest";
import { busy, move, Pair, twins } from "./fixtures/snapshots.mjs";
import { failure, inBothModes, start, within } from "./helpers.js";

function random(from: number): (n: number) => number {
  let state = from;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** What a function returns, or null if it throws. */
function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

inBothModes("a snapshot", (gil) => {
  it("keeps fields, strings, lists, dicts and what they lead to", async () => {
    const rt = await start({ gil });
    const pair = rt.new(Pair, { left: 1, text: "one", log: new List([1]) });
    const list = rt.new(List, [1, "two", pair, [3, { four: 4n }]]);
    const long = "x".repeat(500);
    const dict = rt.new(Dict, [
      ["a", 1],
      [2, "b"],
      [long, pair],
      ["ä€", null],
    ]);
    const snapshot: Snapshot = await rt.snapshot();
    pair.left = 2;
    pair.text = "two";
    pair.log.push(2);
    list.set(0, -1);
    list.pop();
    dict.set("a", -1);
    dict.delete(2);
    dict.set("new", 1);
    const then = snapshot.see(pair);
    expect([then.left, then.text, then.log.toArray()]).toEqual([1, "one", [1]]);
    const old = snapshot.see(list) as List<any>;
    expect([old.length, old.get(0), old.get(1), old.get(2).left, old.get(3)]).toEqual([
      4,
      1,
      "two",
      1,
      [3, { four: 4n }],
    ]);
    const table = snapshot.see(dict) as Dict<string | number, any>;
    expect([table.size, table.get("a"), table.get(2), table.get(long).text, table.has("new")]).toEqual([
      4,
      1,
      "b",
      "one",
      false,
    ]);
    expect(table.get("ä€")).toBeNull();
    expect(new Set(table.keys())).toEqual(new Set(["a", 2, long, "ä€"]));
    expect(snapshot.scope(() => [...old].length)).toBe(4);
    expect([pair.left, list.length, dict.size]).toEqual([2, 3, 4]);
    expect(rt.verify().violations).toEqual([]);
  });

  it("keeps arrays of many pages, wherever they change", async () => {
    const rt = await start({ gil });
    const list = rt.new(
      List,
      Array.from({ length: 20_000 }, (_, n) => n),
    );
    const dict = rt.new(
      Dict,
      Array.from({ length: 20_000 }, (_, n) => [n, n] as const),
    );
    const snapshot = await rt.snapshot();
    rt.scope(() => {
      for (let n = 0; n < 20_000; n += 37) list.set(n, -1);
      for (let n = 0; n < 20_000; n += 41) dict.set(n, -1);
      for (let n = 0; n < 20_000; n += 83) dict.delete(n);
      for (let n = 0; n < 20_000; n++) list.push(n);
      for (let n = 20_000; n < 60_000; n++) dict.set(n, n);
    });
    const [oldList, oldDict] = [snapshot.see(list) as List<number>, snapshot.see(dict) as Dict<number, number>];
    snapshot.scope(() => {
      expect(oldList.toArray()).toEqual(Array.from({ length: 20_000 }, (_, n) => n));
      expect(oldDict.size).toBe(20_000);
      for (let n = 0; n < 20_000; n++) if (oldDict.get(n) !== n) throw new Error(`${n}: ${oldDict.get(n)}`);
    });
    expect(rt.verify().violations).toEqual([]);
  });

  it("is read-only, ends when it is disposed of, and says so", async () => {
    const rt = await start({ gil });
    const pair = rt.new(Pair, { left: 1 });
    const snapshot = await rt.snapshot();
    const then = snapshot.see(pair);
    const changes: (() => unknown)[] = [
      () => (then.left = 2),
      () => (then.text = "text"),
      () => (then.next = null),
      () => snapshot.scope(() => new Pair()),
      () => snapshot.scope(() => new List([1])),
    ];
    for (const change of changes)
      expect(() => change()).toThrow(expect.objectContaining({ code: "SNAPSHOT_READ_ONLY" }));
    const later = rt.new(Pair);
    expect(() => snapshot.see(later)).toThrow(expect.objectContaining({ code: "NOT_IN_SNAPSHOT" }));
    expect(() => snapshot.see({} as Shared)).toThrow(expect.objectContaining({ code: "NOT_SHARED" }));
    const foreign = expect.objectContaining({ code: "FOREIGN_OBJECT" });
    expect(() => (pair.next = then)).toThrow(foreign);
    expect((await failure(rt.run(busy, then))).code).toBe("FOREIGN_OBJECT");
    const other = await start({ gil, threads: 1 });
    expect(() => snapshot.see(other.new(Pair))).toThrow(foreign);
    await other.close();
    expect(() => tryLock(then)).toThrow(expect.objectContaining({ code: "SNAPSHOT_READ_ONLY" }));
    expect(inspect(then)).toMatch(/^Pair \{\s+left: 1/);
    expect(JSON.parse(JSON.stringify(then))).toMatchObject({ left: 1, next: null });
    pair.left = 5;
    expect(rt.stats().pagesKept).toBeGreaterThan(0);
    snapshot.dispose();
    snapshot.dispose();
    expect(rt.stats().pagesKept).toBe(0);
    expect(() => then.left).toThrow(expect.objectContaining({ code: "SNAPSHOT_CLOSED" }));
    expect(() => snapshot.see(pair)).toThrow(expect.objectContaining({ code: "SNAPSHOT_CLOSED" }));
    expect(pair.left).toBe(5);
    expect(rt.verify().violations).toEqual([]);
  });

  it("knows what is dead, and sizes and counts of its moment", async () => {
    const rt = await start({ gil });
    rt.scope(() => new Pair({ left: 42, text: "a ghost" }));
    const list = rt.new(List, [1, 2]) as List<number>;
    const [size, count] = [sizeof(list), refcount(list)];
    const snapshot = await rt.snapshot();
    const then = snapshot.see(list);
    const later = rt.new(Pair); // where the ghost lies
    expect(() => snapshot.see(later)).toThrow(expect.objectContaining({ code: "NOT_IN_SNAPSHOT" }));
    for (let n = 0; n < 1000; n++) list.push(n);
    const another = rt.new(List, [list]);
    expect(sizeof(list)).toBeGreaterThan(size);
    expect(refcount(list)).toBe(count + 1);
    expect([sizeof(then), refcount(then), another.length]).toEqual([size, count, 1]);
  });

  it("shows tasks as they were", async () => {
    const rt = await start({ gil });
    const task = rt.spawn(busy, 1);
    const list = rt.new(List, [task]);
    await task;
    const snapshot = await rt.snapshot();
    expect(inspect(snapshot.see(list), { depth: 3 })).toMatch(/busy.*done/s);
    const shown = snapshot.see(list).get(0);
    expect(shown.state).toBe("done");
    expect(() => shown.cancel()).toThrow(expect.objectContaining({ code: "SNAPSHOT_READ_ONLY" }));
  });

  it("is disposed of in the middle of its own scope when that is over", async () => {
    const rt = await start({ gil });
    const pair = rt.new(Pair, { left: 1 });
    const snapshot = await rt.snapshot();
    const then = snapshot.see(pair);
    pair.left = 2;
    const seen = snapshot.scope(() => {
      snapshot.dispose();
      return then.left;
    });
    expect(seen).toBe(1);
    expect(() => then.left).toThrow(expect.objectContaining({ code: "SNAPSHOT_CLOSED" }));
    expect(rt.stats().pagesKept).toBe(0);
    const again = await rt.snapshot();
    expect(() => again.scope(async () => 1)).toThrow(expect.objectContaining({ code: "ASYNC_SCOPE" }));
    expect((await failure(rt.snapshot(null as never))).code).toBe("OPTION");
  });

  it("and its handles say so when the runtime has closed, and are forgotten without a word", async () => {
    const rt = await start({ gil });
    const pair = rt.new(Pair, { left: 1 });
    const snapshot = await rt.snapshot();
    const then = snapshot.see(pair);
    let forgotten: unknown[] | null = Array.from({ length: 1000 }, () => snapshot.see(pair));
    expect(forgotten.length).toBe(1000);
    forgotten = null;
    await rt.close();
    expect(() => then.left).toThrow(expect.objectContaining({ code: "RUNTIME_CLOSED" }));
    expect(() => snapshot.see(pair)).toThrow(expect.objectContaining({ code: "RUNTIME_CLOSED" }));
    expect((await failure(rt.snapshot())).code).toBe("RUNTIME_CLOSED");
    snapshot.dispose();
    setFlagsFromString("--expose-gc");
    runInNewContext("gc")(); // their finalisers run in a turn to come: what they throw would fail the suite
    await new Promise((resolve) => setTimeout(resolve, 20));
  });

  it("waits for the end of steps, but not for ever", async () => {
    const rt = await start({ gil });
    const task = rt.run(busy, 400);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await failure(rt.snapshot({ timeout: 50 }))).code).toBe("SNAPSHOT_TIMEOUT");
    expect((await failure(rt.snapshot({ timeout: -1 }))).code).toBe("OPTION");
    (await within(5000, rt.snapshot())).dispose();
    await task;
  });

  it("is one of 32 at most, of which 8 are read", async () => {
    const rt = await start({ gil });
    const pair = rt.new(Pair, { left: 0 });
    const all: Snapshot[] = [];
    for (let n = 1; n <= 32; n++) {
      pair.left = n;
      all.push(await rt.snapshot());
    }
    expect((await failure(rt.snapshot())).code).toBe("SNAPSHOT_LIMIT");
    for (const n of [0, 31, 7, 13, 30, 1, 2, 3]) expect(all[n]!.see(pair).left).toBe(n + 1);
    expect(() => all[4]!.see(pair)).toThrow(expect.objectContaining({ code: "SNAPSHOT_LIMIT" }));
    all[0]!.dispose();
    expect(all[4]!.see(pair).left).toBe(5);
    for (const snapshot of all) snapshot.dispose();
    expect(rt.stats().pagesKept).toBe(0);
    expect(rt.verify().violations).toEqual([]);
  });

  it("is lost when there is no memory for what pages were, and the writes are not", async () => {
    const rt = await start({ gil, memory: "2MiB" });
    const list = rt.new(
      List,
      Array.from({ length: 60_000 }, (_, n) => n),
    ); // 480,000 bytes, and half as much again
    const small = rt.new(Pair, { left: 1 });
    const snapshots = [await rt.snapshot()];
    const fill = (value: number) => {
      for (let n = 0; n < 60_000; n += 100) list.set(n, value);
    };
    for (let round = 1; round < 6; round++) {
      fill(round);
      small.left = round;
      snapshots.push(await rt.snapshot());
    }
    fill(9);
    const lost = snapshots.filter((snapshot) => {
      try {
        snapshot.scope(() => (snapshot.see(list) as List<number>).toArray());
        return false;
      } catch (error) {
        if ((error as { code: string }).code === "OUT_OF_MEMORY") return false; // whole, but not to be read now
        expect(error).toMatchObject({ code: "SNAPSHOT_LOST" });
        return true;
      }
    });
    expect(lost.length).toBeGreaterThan(0);
    for (const one of lost) for (let n = 0; n < 100; n++) attempt(() => one.see(small));
    setFlagsFromString("--expose-gc");
    runInNewContext("gc")(); // what finalisers of their handles throw would fail the suite
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([list.get(100), list.get(101), list.length]).toEqual([9, 101, 60_000]);
    expect(rt.verify().violations).toEqual([]);
    for (const snapshot of snapshots) snapshot.dispose();
    expect(rt.stats().pagesKept).toBe(0);
    // There is room again.
    const again = await rt.snapshot();
    list.set(0, -1);
    expect((again.see(list) as List<number>).get(0)).toBe(9);
    expect(rt.verify().violations).toEqual([]);
  });

  it("divides no step, while coroutines on all threads write", async () => {
    const rt = await start({ gil, threads: 3 });
    const pairs = rt.scope(
      () => new List(Array.from({ length: 200 }, () => new Pair({ left: 100, right: 100, log: new List() }))),
    );
    const equal = rt.scope(
      () => new List(Array.from({ length: 30 }, () => new Pair({ log: new List(), text: "at 0" }))),
    );
    const running = [rt.run(move, pairs, 3000, 1), rt.run(move, pairs, 3000, 2), rt.run(twins, equal, 150)];
    const open: { snapshot: Snapshot; round: number }[] = [];
    let seen = 0;
    let finished = false;
    const end = Promise.all(running).then(() => {
      finished = true;
    });
    const check = ({ snapshot }: { snapshot: Snapshot }) => {
      const [a, b] = [snapshot.see(pairs) as List<any>, snapshot.see(equal) as List<any>];
      snapshot.scope(() => {
        let sum = 0;
        for (let n = 0; n < 200; n++) sum += a.get(n).left;
        expect(sum).toBe(20_000);
        const step = b.get(0).left;
        for (let n = 0; n < 30; n++) {
          const pair = b.get(n);
          expect([pair.left, pair.right, pair.text, pair.log.length, pair.next?.left ?? 0]).toEqual([
            step,
            step,
            `at ${step}`,
            step,
            step,
          ]);
        }
      });
      seen++;
    };
    for (let round = 0; !finished && round < 400; round++) {
      // A few are open at a time, and read more than once, and late.
      open.push({ snapshot: await within(20_000, rt.snapshot()), round });
      check(open[round % open.length]!);
      if (open.length > 4) {
        const [oldest] = open.splice(round % 3, 1);
        check(oldest!);
        oldest!.snapshot.dispose();
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await within(60_000, end);
    for (const each of open) {
      check(each);
      each.snapshot.dispose();
    }
    expect(seen).toBeGreaterThan(5);
    expect(rt.stats().pagesKept).toBe(0);
    expect(rt.verify().violations).toEqual([]);
  });

  it("holds what a plain copy holds, whatever is changed, made and dropped", async () => {
    const seed = Number(process.env.UNGIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`snapshots: UNGIL_TEST_SEED=${seed}`);
    const next = random(seed);
    const rt = await start({ gil, memory: "32MiB" });
    const dict = rt.new(Dict) as Dict<number, any>;
    const list = rt.new(List) as List<any>;
    const [keys, items] = [new Map<number, any>(), [] as any[]];
    const open: { snapshot: Snapshot; keys: Map<number, any>; items: any[] }[] = [];
    const value = () =>
      [next(1000), "text".repeat(next(30)), null, next(2) === 0, "long".repeat(60 + next(9)), [next(9), "in"]][next(6)];
    const compare = ({ snapshot, keys, items }: (typeof open)[number]) => {
      const [d, l] = [snapshot.see(dict) as Dict<number, any>, snapshot.see(list) as List<any>];
      snapshot.scope(() => {
        expect(l.toArray()).toEqual(items);
        expect(new Map(d.entries())).toEqual(keys);
        for (let n = 0; n < 20; n++) {
          const key = next(3000);
          expect(d.get(key)).toEqual(keys.get(key));
        }
      });
    };
    for (let round = 0; round < 60; round++) {
      rt.scope(() => {
        for (let n = next(400); n > 0; n--) {
          const [what, v] = [next(10), value()];
          if (what < 4) {
            const key = next(3000);
            dict.set(key, v);
            keys.set(key, v);
          } else if (what < 6) {
            const key = next(3000);
            expect(dict.delete(key)).toBe(keys.delete(key));
          } else if (what < 8) {
            list.push(v);
            items.push(v);
          } else if (what === 8 && items.length > 0) {
            const at = next(items.length);
            list.set(at, v);
            items[at] = v;
          } else if (items.length > 0) {
            list.pop();
            items.pop();
          }
        }
      });
      if (next(3) > 0) open.push({ snapshot: await rt.snapshot(), keys: new Map(keys), items: [...items] });
      if (open.length > 0) compare(open[next(open.length)]!);
      while (open.length > 6) {
        const [one] = open.splice(next(open.length), 1);
        compare(one!);
        one!.snapshot.dispose();
      }
    }
    for (const one of open) {
      compare(one);
      one.snapshot.dispose();
    }
    expect(rt.stats().pagesKept).toBe(0);
    expect(rt.verify().violations).toEqual([]);
  });
});
