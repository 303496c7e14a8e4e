// Restoring a heap that has little room.
import { keep, List, refcount } from "@ungil/heap";
import type { Snapshot } from "@ungil/runtime";
import { expect, it } from "vitest";
import { busy, dropped, Node } from "./fixtures/restores.mjs";
import { failure, inBothModes, restore, start } from "./helpers.js";

inBothModes("restoring a snapshot", (gil) => {
  it("works when memory was nearly full meanwhile", async () => {
    const rt = await start({ gil, memory: "8MiB" });
    const list = rt.new(
      List,
      Array.from({ length: 40_000 }, (_, n) => n),
    ) as List<any>;
    const snapshot = await rt.snapshot();
    for (let round = 0; round < 4; round++) {
      rt.scope(() => {
        while (list.length > 0) list.pop();
        for (let n = 0; n < 50_000; n++) list.push(new Node({ value: n }));
      });
      await restore(rt, snapshot);
      expect([list.length, list.get(39_999)]).toEqual([40_000, 39_999]);
    }
    snapshot.dispose();
    rt.scope(() => {
      for (let n = 0; n < 50_000; n++) list.push(new Node({ value: n }));
    });
    expect(rt.verify().violations).toEqual([]);
  });

  it("needs no more and more memory for handles that were released while snapshots were open", async () => {
    const rt = await start({ gil, threads: 1 });
    const node = rt.new(Node, { value: 1 });
    const round = async () => {
      const handles = Array.from({ length: 1500 }, () => keep(node)) as Disposable[];
      const snapshot = await rt.snapshot();
      for (const handle of handles) handle[Symbol.dispose]();
      await restore(rt, snapshot);
      expect(refcount(node)).toBe(1);
      snapshot.dispose();
    };
    for (let n = 0; n < 4; n++) await round();
    const { framesFree } = rt.stats();
    for (let n = 0; n < 20; n++) await round();
    expect(rt.stats().framesFree).toBeGreaterThanOrEqual(framesFree - 1);
  });

  it("is refused when there is no room for what was given back, and then nothing has changed", async () => {
    const rt = await start({ gil, memory: "8MiB" }); // 488 pages
    const list = rt.new(List) as List<any>;
    const settle = async () => {
      await new Promise((resolve) => setTimeout(resolve, 50)); // what has died is given back
      rt.scope(() => undefined); // its pages too
    };
    const fill = async (lists: number, length: number) => {
      rt.scope(() => {
        for (let n = 0; n < lists; n++) list.push(new List(new Array(length).fill(lists)));
      });
      await settle();
    };
    const empty = async () => {
      rt.scope(() => {
        while (list.length > 0) list.pop();
      });
      await settle();
    };
    await fill(4, 90_000); // 180 pages
    const first = await rt.snapshot();
    await empty();
    await fill(2, 130_000); // 128 pages
    const second = await rt.snapshot();
    await empty();
    list.push("it");
    expect((await failure(first.restore())).code).toBe("OUT_OF_MEMORY");
    expect([list.length, list.get(0)]).toEqual([1, "it"]);
    expect(rt.verify().violations).toEqual([]);
    const length = (snapshot: Snapshot) => (snapshot.see(list) as List<any>).length;
    expect([length(first), length(second)]).toEqual([4, 2]);
    second.dispose();
    await restore(rt, first);
    expect([list.length, list.get(3).get(89_999)]).toEqual([4, 4]);
  });

  it("fails if the snapshot is lost", async () => {
    const rt = await start({ gil, memory: "2MiB" });
    const list = rt.new(
      List,
      Array.from({ length: 20_000 }, (_, n) => n),
    ) as List<any>;
    const [snapshot, other] = [await rt.snapshot(), await rt.snapshot()];
    const then = snapshot.see(list) as List<any>;
    expect(then.get(19_999)).toBe(19_999);
    expect(() =>
      rt.scope(() => {
        for (let n = 0; ; n++) list.push(new Node({ value: n }));
      }),
    ).toThrow(expect.objectContaining({ code: "OUT_OF_MEMORY" }));
    rt.scope(() => {
      for (let n = 0; n < list.length; n++) list.set(n, n);
    });
    expect((await failure(snapshot.restore())).code).toBe("SNAPSHOT_LOST");
    other.dispose(); // and with it what both had
    rt.scope(() => {
      for (let n = 0; n < 10; n++) list.pop();
      for (let n = 0; n < list.length; n++) list.set(n, null);
    });
    const lost = expect.objectContaining({ code: "SNAPSHOT_LOST" });
    for (let n = 0; n < 20_000; n += 500) expect(() => snapshot.scope(() => then.get(n))).toThrow(lost);
    expect(rt.verify().violations).toEqual([]);
  });
});

// With the GIL no thread runs while another is in a step.
it("restoring a snapshot gives back again what was about to be given back when the snapshot was taken", async () => {
  const rt = await start({ gil: false, threads: 2, memory: "16MiB" });
  for (let round = 0; round < 4; round++) {
    // While one thread is in a long step, the pages that another one retires are not given back; then that one parks.
    const long = rt.run(busy, 60);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await rt.run(dropped, 20_000);
    await long;
    const snapshot = await rt.snapshot();
    for (let n = 0; n < 3; n++) {
      await Promise.all(Array.from({ length: 4 }, () => rt.run(busy, 5))); // both run: they are given back
      await restore(rt, snapshot);
    }
    snapshot.dispose();
  }
  const { framesFree } = rt.stats();
  await Promise.all(Array.from({ length: 4 }, () => rt.run(busy, 5)));
  rt.scope(() => undefined);
  expect(rt.stats().framesFree).toBeGreaterThanOrEqual(framesFree);
  expect(rt.verify().violations).toEqual([]);
});
