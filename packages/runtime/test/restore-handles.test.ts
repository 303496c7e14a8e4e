// What becomes of handles when the heap is restored.
import { List, refcount } from "@ungil/heap";
import type { Snapshot } from "@ungil/runtime";
import { expect, it } from "vitest";
import { change, drop, held, hold, Node, readOften, watched, watchOften } from "./fixtures/restores.mjs";
import { failure, inBothModes, restore, start, within } from "./helpers.js";

inBothModes("restoring a snapshot", (gil) => {
  it("keeps handles that were made before, and voids those that were made later", async () => {
    const rt = await start({ gil });
    const [a, b, c] = [1, 2, 3].map((value) => rt.new(Node, { value })) as any[];
    const snapshot = await rt.snapshot();
    const released = expect.objectContaining({ code: "RELEASED_HANDLE", message: expect.stringContaining("restored") });
    for (let round = 0; round < 3; round++) {
      const later = Array.from({ length: 2000 }, (_, value) => rt.new(Node, { value }));
      a.value = -1;
      if (round === 1) b[Symbol.dispose](); // it dies; what comes to stand in its place is not the same
      const inItsPlace = Array.from({ length: 10 }, () => rt.new(List, ["another"]));
      a.next = later[0] as any;
      await restore(rt, snapshot);
      expect([a.value, a.next, c.value, refcount(a)]).toEqual([1, null, 3, 1]);
      if (round < 1) expect(b.value).toBe(2);
      expect(() => (a.next = later[1] as any)).toThrow(released);
      expect((await failure(rt.run(change, later[1], 1))).code).toBe("RELEASED_HANDLE");
      for (const handle of [...later, ...inItsPlace]) {
        expect(() => (handle as any).value ?? (handle as List<string>).length).toThrow(released);
        handle[Symbol.dispose]();
        handle[Symbol.dispose]();
      }
      expect(rt.verify().violations).toEqual([]);
    }
    c[Symbol.dispose]();
    expect(rt.verify().violations).toEqual([]);
  });

  it("gives back counts of handles that are kept no more, whichever snapshot counts them", async () => {
    const rt = await start({ gil });
    const list = rt.new(List) as List<any>;
    const made: any[] = [];
    const snapshots: Snapshot[] = [];
    const counts = (...at: number[]) => rt.scope(() => at.map((n) => refcount(list.get(n) as any)));
    for (let n = 0; n < 6; n++) {
      made.push(rt.new(Node, { value: n }));
      list.push(made[n] as any);
      snapshots.push(await rt.snapshot());
    }
    made[0]![Symbol.dispose]();
    await restore(rt, snapshots[3]!); // made[4] and made[5] are void from now on
    expect(counts(0, 1, 2, 3)).toEqual([1, 2, 2, 2]);
    await restore(rt, snapshots[5]!); // which counts them
    expect(counts(0, 1, 3, 4, 5)).toEqual([1, 2, 2, 1, 1]);
    await restore(rt, snapshots[1]!);
    expect([list.length, ...counts(1)]).toEqual([2, 2]);
    for (const n of [2, 3, 4, 5]) expect(() => made[n]!.value).toThrow("restored");
    made[1]![Symbol.dispose]();
    for (const n of [4, 0, 5, 2]) {
      await restore(rt, snapshots[n]!);
      for (let k = 0; k <= n; k++) expect(counts(k)).toEqual([1]);
    }
  });

  it("does so for handles that a worker's JavaScript keeps", async () => {
    const rt = await start({ gil, threads: 1 });
    const [a, b] = [rt.new(Node, { value: 1 }), rt.new(Node, { value: 2 })];
    await rt.run(hold, "before", a);
    await rt.run(hold, "released", b);
    const snapshot = await rt.snapshot();
    await rt.run(drop, "released");
    await rt.run(hold, "after", a);
    for (let n = 0; n < 2000; n++) await rt.run(hold, `another ${n % 10}`, b);
    a.value = 5;
    await restore(rt, snapshot);
    expect([refcount(a), refcount(b)]).toEqual([2, 1]);
    expect(await rt.run(held, "before")).toBe(1);
    expect(await rt.run(held, "released")).toBe(null);
    expect(await rt.run(held, "after")).toBe("RELEASED_HANDLE");
    for (let n = 0; n < 10; n++) {
      expect(await rt.run(held, `another ${n}`)).toBe("RELEASED_HANDLE");
      await rt.run(drop, `another ${n}`);
    }
    await rt.run(drop, "after");
    await rt.run(drop, "before");
    expect(rt.verify().violations).toEqual([]);
    await restore(rt, snapshot);
    expect([refcount(a), refcount(b)]).toEqual([1, 1]);
  });

  it("does so for one that is used in a timer of a worker, between coroutines", async () => {
    const rt = await start({ gil, threads: 1 });
    const node = rt.new(Node, { value: 7 });
    await rt.run(watchOften, node, "old");
    const snapshot = await rt.snapshot();
    await rt.run(watchOften, rt.new(Node, { value: 8 }), "young");
    for (let n = 0; n < 20; n++) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      node.value = 100 + n;
      await restore(rt, snapshot);
    }
    const seen = await rt.run(watched, "old");
    expect(await rt.run(watched, "young")).toBe("RELEASED_HANDLE");
    expect(seen === 7 || (seen >= 100 && seen < 120)).toBe(true);
    node.value = 200;
    await within(
      5000,
      until(async () => (await rt.run(watched, "old")) === 200),
    );
    await restore(rt, snapshot);
  });

  it("does so for one that is used at that very moment", async () => {
    const rt = await start({ gil, threads: 1 });
    const snapshot = await rt.snapshot();
    for (let round = 0; round < 40; round++) {
      await rt.run(readOften, rt.new(Node, { value: 8 + round }), "often");
      await new Promise((resolve) => setTimeout(resolve, round % 4));
      await within(10_000, snapshot.restore());
      await within(
        5000,
        until(async () => (await rt.run(watched, "often")) !== null),
      );
      expect(await rt.run(watched, "often")).toBe("RELEASED_HANDLE");
    }
    expect(rt.verify().violations).toEqual([]);
  });
});

/** Asks again and again until the answer is yes. */
async function until(ask: () => Promise<boolean>): Promise<void> {
  while (!(await ask())) await new Promise((resolve) => setTimeout(resolve, 1));
}
