// The heap becomes again what it was when a snapshot was taken.
import { Dict, List } from "@ungil/heap";
import { type Snapshot, tryLock } from "@ungil/runtime";
import { expect, it } from "vitest";
import { change, churn, clear, exit, fail, guarded, hold, Late, late, Node, wait } from "./fixtures/restores.mjs";
import { failure, inBothModes, restore, start, within } from "./helpers.js";

inBothModes("restoring a snapshot", (gil) => {
  it("brings back fields, strings, lists, dicts and what they led to", async () => {
    const rt = await start({ gil });
    const node = rt.new(Node, { value: 1, text: "one", items: new List([1, "two"]), table: new Dict([["a", 1]]) });
    rt.scope(() => (node.next = new Node({ value: 11, text: "eleven" })));
    const snapshot: Snapshot = await rt.snapshot();
    node.value = 2;
    node.text = "two";
    node.items.push(3);
    node.table.set("b", 2);
    node.table.delete("a");
    node.next = null;
    await restore(rt, snapshot);
    expect([node.value, node.text, node.items.toArray(), [...node.table.entries()]]).toEqual([
      1,
      "one",
      [1, "two"],
      [["a", 1]],
    ]);
    expect([node.next.value, node.next.text]).toEqual([11, "eleven"]);
    await rt.run(change, node, 5);
    await restore(rt, snapshot);
    expect([node.value, node.items.length, node.table.size, node.next.value, node.next.next]).toEqual([
      1,
      2,
      1,
      11,
      null,
    ]);
    snapshot.dispose();
    expect(rt.stats().pagesKept).toBe(0);
    expect(rt.verify().violations).toEqual([]);
  });

  it("brings back arrays of many pages, grown, shrunk and given back meanwhile", async () => {
    const rt = await start({ gil });
    const numbers = Array.from({ length: 20_000 }, (_, n) => n);
    const list = rt.new(List, numbers) as List<number>;
    const dict = rt.new(
      Dict,
      numbers.map((n) => [n, n] as const),
    ) as Dict<number, number>;
    const holder = rt.new(List, [rt.new(List, numbers)]) as List<any>;
    const snapshot = await rt.snapshot();
    const same = () =>
      rt.scope(() => {
        expect(list.toArray()).toEqual(numbers);
        expect(holder.get(0).toArray()).toEqual(numbers);
        expect(dict.size).toBe(20_000);
        for (let n = 0; n < 20_000; n++) if (dict.get(n) !== n) throw new Error(`${n}: ${dict.get(n)}`);
      });
    for (let round = 0; round < 3; round++) {
      rt.scope(() => {
        for (let n = 0; n < 20_000; n += 37) list.set(n, -1);
        for (let n = 0; n < 40_000; n++) list.push(n);
        for (let n = 0; n < 20_000; n += 83) dict.delete(n);
        for (let n = 20_000; n < 60_000; n++) dict.set(n, n);
        holder.pop();
        holder.push(new List(numbers.map(() => "other")));
      });
      await restore(rt, snapshot);
      same();
    }
    // What is written a little.
    list.set(10_000, -5);
    dict.set(7, -5);
    await restore(rt, snapshot);
    same();
  });

  it("brings back arrays that are larger than an arena", async () => {
    const rt = await start({ gil });
    const numbers = Array.from({ length: 300_000 }, (_, n) => n); // 147 pages
    const holder = rt.scope(() => new List([new List(numbers)])) as List<any>;
    const snapshot = await rt.snapshot();
    for (let round = 0; round < 3; round++) {
      rt.scope(() => {
        if (round === 1) for (let n = 0; n < 300_000; n += 5000) holder.get(0).set(n, -1);
        holder.pop();
        for (let n = 0; n < 2000; n++) holder.push(new Node({ value: n, text: `text ${n}` }));
      });
      await new Promise((resolve) => setTimeout(resolve, 20)); // its pages are given back
      rt.scope(() => holder.push(new List(Array.from({ length: 20_000 }, () => "in its place"))));
      await restore(rt, snapshot);
      rt.scope(() => expect([holder.length, holder.get(0).toArray()]).toEqual([1, numbers]));
    }
  });

  it("brings back strings that have died, and forgets those that were made", async () => {
    const rt = await start({ gil });
    const words = (from: number) => Array.from({ length: 3000 }, (_, n) => `word ${from + n}`);
    const list = rt.new(List, words(0)) as List<string>;
    const snapshot = await rt.snapshot();
    for (let round = 0; round < 3; round++) {
      rt.scope(() => {
        while (list.length > 0) list.pop();
        for (const word of words(3000 * (round + 1))) list.push(word);
      });
      await rt.run(churn, rt.new(Node, { items: new List(), table: new Dict() }), 50);
      await restore(rt, snapshot);
      expect(list.toArray()).toEqual(words(0));
      // Equal strings are one, whether they were there, died, or are made now.
      const dict = rt.new(
        Dict,
        [...list].map((word, n) => [word, n] as const),
      ) as Dict<string, number>;
      for (const n of [0, 1, 1500, 2999]) expect(dict.get(`word ${n}`)).toBe(n);
      expect(dict.has("word 4000")).toBe(false);
      dict.set("word 4000", -1);
      expect([dict.get("word 4000"), dict.size]).toEqual([-1, 3001]);
    }
    await restore(rt, snapshot);
  });

  it("leaves types defined that were defined later, on all threads", async () => {
    const rt = await start({ gil });
    const list = rt.new(List) as List<any>;
    const before = await rt.snapshot();
    expect(await rt.run(late, list, 1)).toBe(1);
    rt.scope(() => list.push(new Late({ value: 2, flag: false })));
    const between = await rt.snapshot();
    for (const snapshot of [before, between, before, before, between]) {
      await restore(rt, snapshot);
      expect(list.length).toBe(snapshot === before ? 0 : 2);
      for (let n = 0; n < 3; n++) await Promise.all([rt.run(late, list, 10), rt.run(late, list, 10)]);
      rt.scope(() => list.push(new Late({ value: 5, next: list.get(list.length - 1) })));
      expect([list.get(list.length - 1).next.value, list.get(list.length - 1) instanceof Late]).toEqual([10, true]);
    }
    await restore(rt, between);
    expect([list.get(0).value, list.get(1).value]).toEqual([1, 2]);
  });

  it("goes to older and to newer snapshots, all of which stay as they are", async () => {
    const rt = await start({ gil });
    const node = rt.new(Node, { value: 0, text: "0", items: new List(), table: new Dict() });
    const snapshots: Snapshot[] = [];
    for (let n = 0; n < 8; n++) {
      await rt.run(change, node, n);
      snapshots.push(await rt.snapshot());
    }
    const look = (at: any, n: number) =>
      expect([at.value, at.text, at.items.length, at.table.size, at.next.value]).toEqual([
        n,
        `text ${n}`,
        n + 1,
        n + 1,
        n,
      ]);
    for (const n of [3, 6, 0, 7, 7, 2, 5]) {
      await restore(rt, snapshots[n]!);
      look(node, n);
      snapshots.forEach((snapshot, k) => look(snapshot.see(node), k));
      await rt.run(churn, node, 20);
      const extra = await rt.snapshot();
      await restore(rt, snapshots[n]!);
      look(node, n);
      await restore(rt, extra);
      expect(node.text).toBe(`text ${n}`);
      expect(node.items.length).toBeGreaterThan(n + 1);
      extra.dispose();
    }
    snapshots.shift()!.dispose();
    await restore(rt, snapshots[0]!);
    look(node, 1);
    for (const snapshot of snapshots) snapshot.dispose();
    expect(rt.stats().pagesKept).toBe(0);
    expect(rt.verify().violations).toEqual([]);
  });

  it("knows what was dying when the snapshot was taken, and tasks that had ended", async () => {
    const rt = await start({ gil });
    const task = rt.spawn(change, rt.new(Node, { items: new List(), table: new Dict() }), 3);
    const list = rt.new(List, [task]) as List<any>;
    expect(await task).toBe(3);
    rt.scope(() => {
      for (let n = 0; n < 5000; n++) list.push(new Node({ value: n, next: new Node({ value: -n }) }));
      for (let n = 0; n < 5000; n++) list.pop();
    }); // limbo is full
    const snapshot = await rt.snapshot();
    await new Promise((resolve) => setTimeout(resolve, 50)); // it is emptied
    for (let n = 0; n < 3; n++) {
      rt.scope(() => list.push(new Node({ value: n })));
      await restore(rt, snapshot);
      expect([list.length, list.get(0).state, await list.get(0)]).toEqual([1, "done", 3]);
      expect((await failure(rt.run(fail, "on purpose"))).message).toBe("on purpose");
    }
  });

  it("finds full pages in which other threads have freed something, before the cut and after it", async () => {
    const rt = await start({ gil, threads: 1 });
    const list = rt.new(List) as List<any>;
    rt.scope(() => {
      for (let n = 0; n < 8000; n++) list.push(new Node({ value: n }));
    });
    const settle = () => new Promise((resolve) => setTimeout(resolve, 30)); // what has died is freed
    await rt.run(clear, list, 0, 3000);
    await settle();
    const snapshot = await rt.snapshot();
    for (let round = 0; round < 3; round++) {
      await rt.run(clear, list, 4000, 7000);
      await settle();
      await restore(rt, snapshot);
      expect([list.get(2999), list.get(4000).value, list.get(6999).value]).toEqual([null, 4000, 6999]);
    }
    rt.scope(() => {
      for (let n = 0; n < 3000; n++) list.set(n, new Node({ value: n }));
    });
    await restore(rt, snapshot);
  });

  it("is refused while coroutines are under way or were then, and while locks are held", async () => {
    const rt = await start({ gil });
    const node = rt.new(Node, { value: 1 });
    const snapshot = await rt.snapshot();
    const waiting = rt.run(wait, 100);
    const during = await rt.snapshot();
    node.value = 2;
    expect(await failure(snapshot.restore())).toMatchObject({
      code: "RESTORE_BUSY",
      message: expect.stringMatching(/coroutines/),
    });
    await waiting;
    expect((await failure(during.restore())).code).toBe("SNAPSHOT_NOT_RESTORABLE");
    expect(during.see(node).value).toBe(1);
    const guard = tryLock(node)!;
    const locked = await rt.snapshot();
    expect(await failure(snapshot.restore())).toMatchObject({
      code: "RESTORE_BUSY",
      message: expect.stringMatching(/lock/),
    });
    expect(node.value).toBe(2);
    guard.release();
    expect((await failure(locked.restore())).code).toBe("SNAPSHOT_NOT_RESTORABLE");
    await rt.run(guarded, node, 1);
    await restore(rt, snapshot);
    expect(node.value).toBe(1);
    expect((await failure(snapshot.restore({ timeout: -1 }))).code).toBe("OPTION");
    expect((await failure(snapshot.restore({ tiemout: 1 } as never))).code).toBe("UNKNOWN_OPTION");
    snapshot.dispose();
    expect((await failure(snapshot.restore())).code).toBe("SNAPSHOT_CLOSED");
    await rt.close();
    expect((await failure(during.restore())).code).toBe("RUNTIME_CLOSED");
  });

  it("goes on after a thread has died", async () => {
    const rt = await start({ gil });
    const node = rt.new(Node, { value: 1, items: new List(), table: new Dict() });
    await rt.run(change, node, 1);
    for (let n = 0; n < 4; n++) await rt.run(hold, `n ${n}`, node);
    const snapshot = await rt.snapshot();
    for (let n = 2; n < 5; n++) {
      await rt.run(change, node, n);
      expect((await failure(rt.run(exit, n))).code).toBe("WORKER_CRASHED");
      await within(10_000, snapshot.restore());
      expect([node.value, node.items.length, node.table.size]).toEqual([1, 1, 1]);
      expect(rt.verify().violations).toEqual([]);
    }
  });
});
