// What snapshots keep yields to allocation: the oldest are lost first, and no more of them than must be.
import { List } from "@ungil/heap";
import type { RuntimeOptions, Snapshot } from "@ungil/runtime";
import { expect, it } from "vitest";
import { append, churn, grow, refresh, rewrite } from "./fixtures/snapshot-memory.mjs";
import { failure, inBothModes, type LooseRuntime, start, within } from "./helpers.js";

type Seen = number | "lost" | "full";

/** What a list holds in a snapshot: the turn of its entries, the same for all; or that it is lost, or that there is no room to look. */
function turnOf(snapshot: Snapshot, list: any): Seen {
  try {
    const then = snapshot.see(list) as any;
    return snapshot.scope(() => turnIn(then));
  } catch (error) {
    const { code } = error as { code: string };
    if (code === "SNAPSHOT_LOST") return "lost";
    if (code === "OUT_OF_MEMORY") return "full";
    throw error;
  }
}

function turnIn(list: any): number {
  const turn = list.length > 0 ? list.get(0).turn : 0;
  for (let n = 0; n < list.length; n++) {
    const entry = list.get(n);
    if (entry.turn !== turn || entry.n !== n)
      throw new Error(`entry ${n}: ${entry.n} of turn ${entry.turn}, not ${turn}`);
    if (!/^entry/.test(entry.text)) throw new Error(`entry ${n}: ${entry.text}`);
  }
  return turn;
}

/** Entries that an empty heap takes. */
async function room(options: RuntimeOptions): Promise<number> {
  const rt = await start(options);
  const list = rt.new(List);
  expect(() => rt.scope(() => append(list, 1e6))).toThrow(expect.objectContaining({ code: "OUT_OF_MEMORY" }));
  const { length } = list;
  await rt.close();
  return length;
}

/** Three snapshots of a list, each of which needs a version of each of its pages, but for the last one. */
async function threeOf(rt: LooseRuntime, list: any): Promise<[Snapshot, Snapshot, Snapshot]> {
  const first = await rt.snapshot();
  rt.scope(() => rewrite(list, 1));
  const second = await rt.snapshot();
  rt.scope(() => rewrite(list, 2));
  return [first, second, await rt.snapshot()];
}

async function checkAfter(rt: LooseRuntime, snapshots: Snapshot[]): Promise<void> {
  expect(rt.verify().violations).toEqual([]);
  for (const snapshot of snapshots) snapshot.dispose();
  expect(rt.stats().pagesKept).toBe(0);
  expect(rt.verify().violations).toEqual([]);
}

inBothModes("a heap with snapshots open", (gil) => {
  it("takes as much as one without, and loses the oldest first", async () => {
    const options = { gil, threads: 1, memory: "4MiB" };
    const most = await room(options);
    const rt = await start(options);
    const [list, other] = [rt.new(List), rt.new(List)];
    rt.scope(() => append(list, Math.floor(most * 0.3)));
    const [first, second, third] = await threeOf(rt, list);
    expect(rt.stats().pagesKept).toBeGreaterThan(100);
    rt.scope(() => append(other, Math.floor(most * 0.3)));
    expect([turnOf(first, list), turnOf(second, list)]).toEqual(["lost", 1]);
    second.dispose(); // there is room for what reading the third one copies
    expect(turnOf(third, list)).toBe(2);
    expect(() => rt.scope(() => append(other, 1e6))).toThrow(expect.objectContaining({ code: "OUT_OF_MEMORY" }));
    expect(list.length + other.length).toBeGreaterThan(most * 0.93);
    expect(rt.scope(() => turnIn(list))).toBe(2);
    await checkAfter(rt, [first, second, third]);
  }, 60_000);

  it("takes what memory and swap hold", async () => {
    const most = 2.5 * (await room({ gil, threads: 1, memory: "4MiB" }));
    const rt = await start({ gil, threads: 1, memory: "3MiB", swap: "8MiB" });
    const [list, other] = [rt.new(List), rt.new(List)];
    rt.scope(() => append(list, Math.floor(most * 0.3)));
    const all = await threeOf(rt, list);
    rt.scope(() => append(other, Math.floor(most * 0.55)));
    expect(turnOf(all[0], list)).toBe("lost");
    expect(rt.scope(() => turnIn(list))).toBe(2);
    await checkAfter(rt, all);
  }, 60_000);

  it("takes as much on worker threads, whatever the main thread reads", async () => {
    const options = { gil, threads: 2, memory: "4MiB" };
    const most = await room(options);
    const rt = await start(options);
    const list = rt.new(List);
    await rt.run(grow, list, Math.floor(most * 0.3));
    const snapshots: Snapshot[] = [];
    for (let turn = 1; turn < 4; turn++) {
      snapshots.push(await rt.snapshot());
      await rt.run(refresh, list, turn);
    }
    const [first, , third] = snapshots as [Snapshot, Snapshot, Snapshot];
    turnOf(first, list); // its copies, too
    turnOf(third, list);
    const other = rt.new(List);
    let done = false;
    const work = Promise.all([rt.run(grow, other, Math.floor(most * 0.3)), rt.run(grow, rt.new(List), 1000)]);
    work
      .finally(() => {
        done = true;
      })
      .catch(() => undefined);
    const seen = new Set<unknown>();
    while (!done) {
      seen.add(turnOf(third, list));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await within(20_000, work);
    for (const turn of seen) expect([2, "lost", "full"]).toContain(turn);
    expect(turnOf(first, list)).toBe("lost");
    expect(await failure(rt.run(grow, other, 1e6))).toMatchObject({ code: "OUT_OF_MEMORY" });
    expect(rt.scope(() => turnIn(list))).toBe(3);
    await checkAfter(rt, snapshots);
  }, 60_000);

  it.each<[string, Pick<RuntimeOptions, "memory" | "swap">]>([
    ["memory", { memory: "12MiB" }],
    ["memory and swap", { memory: "8MiB", swap: "5MiB" }],
  ])(
    "shows in each of them what was, or that it is lost: %s",
    async (_, size) => {
      const rt = await start({ gil, threads: 3, ...size });
      const lists = [rt.new(List), rt.new(List), rt.new(List)];
      const stop = rt.new(List);
      const work = Promise.all(lists.map((list) => rt.run(churn, list, stop, 8000)));
      let failed: unknown = null;
      work.catch((error) => {
        failed = error;
      });
      const open: { snapshot: Snapshot; turns: Seen[] }[] = [];
      const found = { whole: 0, lost: 0, full: 0, again: 0 };
      const look = (one: (typeof open)[number]) => {
        for (const [n, list] of lists.entries()) {
          const turn = turnOf(one.snapshot, list);
          const before = one.turns[n];
          // Once seen it is always the same; once lost it may still be seen where nothing has been written since.
          if (typeof turn === "number" && typeof before === "number") {
            expect(turn).toBe(before);
            found.again++;
          }
          if (typeof before !== "number") one.turns[n] = turn;
          found[typeof turn === "number" ? "whole" : turn]++;
        }
      };
      const end = performance.now() + 4000;
      for (let round = 0; performance.now() < end && !failed; round++) {
        open.push({ snapshot: await within(20_000, rt.snapshot({ timeout: 20_000 })), turns: [] });
        look(open.at(-1)!);
        look(open[round % open.length]!);
        if (open.length > 5) open.splice(round % 5, 1)[0]!.snapshot.dispose();
      }
      stop.push(1);
      const turns = await within(20_000, work);
      expect(Math.min(...turns)).toBeGreaterThan(5);
      expect(lists.map((list) => rt.scope(() => turnIn(list)))).toEqual(turns);
      console.log(JSON.stringify({ size, turns, found }));
      expect(found.lost).toBeGreaterThan(0);
      expect(found.whole).toBeGreaterThan(0);
      await checkAfter(
        rt,
        open.map(({ snapshot }) => snapshot),
      );
    },
    60_000,
  );
});
