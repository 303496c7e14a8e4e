// What nobody holds any more is room again: while nothing happens, for other threads, and after memory was out.
import { type Heap, List, RuntimeClosedError } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it, vi } from "vitest";
import type { SyncExports } from "../src/exports.js";
import { IdleReclaimer } from "../src/garbage.js";
import { g, Node, push } from "./fixtures/garbage.mjs";
import { inBothModes, type LooseRuntime, start, within } from "./helpers.js";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

// Not verify(), which would pass a safepoint each time. What one thread frees of another's counts when that one looks.
const alive = (rt: LooseRuntime) => rt.stats().allocations - rt.stats().frees;

async function settled(rt: LooseRuntime, atMost: number): Promise<string> {
  for (const end = performance.now() + 10_000; performance.now() < end && alive(rt) > atMost; ) await pause(50);
  return alive(rt) <= atMost ? "settled" : `${alive(rt)} objects are left`;
}

/** Waits until there are few objects, whoever has freed them. */
async function gone(rt: LooseRuntime): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end; await pause(20))
    if (rt.verify().objects < 1000) return;
  throw new Error(`${rt.verify().objects} objects are left`);
}

/** Waits until there is so much room, and the threads that have given it back sleep. */
async function room(rt: LooseRuntime, bytes: number): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end; await pause(20))
    if (rt.stats().framesFree * L.PAGE_SIZE >= bytes) return;
  throw new Error(`${rt.stats().framesFree} frames are free`);
}

it("is left alone when the runtime closes, and another thread keeps the GIL to the end", () => {
  vi.useFakeTimers();
  try {
    let batches = 0;
    const batch = () => {
      batches++;
      throw new RuntimeClosedError("The runtime is closing, and a thread keeps the GIL");
    };
    new IdleReclaimer({ closed: false, batch } as unknown as Heap, { garbageIsLeft: () => 1 } as SyncExports).look();
    vi.advanceTimersByTime(100); // throws what a timer throws
    expect(batches).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});

inBothModes("garbage", (gil) => {
  it("goes while nothing happens: the main thread's, and a parked one's", async () => {
    const rt = await start({ gil, threads: 1 });
    const before = alive(rt) + 100;
    const chain = rt.scope(() => {
      let first = null;
      for (let number = 0; number < 100_000; number++) first = new Node({ number, next: first });
      return first;
    });
    expect(alive(rt)).toBeGreaterThan(99_000);
    chain[Symbol.dispose]();
    expect(await settled(rt, before)).toBe("settled");
    const list = await rt.run(g.many, 100_000);
    expect(alive(rt)).toBeGreaterThan(99_000);
    await rt.run(g.empties, list);
    list[Symbol.dispose]();
    expect(await settled(rt, before)).toBe("settled");
    expect(rt.verify().violations).toEqual([]);
  });

  // More than half of memory is made by one thread, freed by another, and needed by that one, while the first sleeps.
  it("of an idle main thread's pages is room for a worker", async () => {
    const rt = await start({ gil, threads: 1, memory: "8MiB" });
    const list = rt.new(List);
    push(list, 130_000);
    await within(20_000, rt.run(g.refill, list, 130_000));
    expect([list.length, rt.verify().violations]).toEqual([130_000, []]);
  });

  it("of an idle worker's pages is room for the main thread", async () => {
    const rt = await start({ gil, threads: 1, memory: "8MiB" });
    const list = rt.new(List);
    await within(20_000, rt.run(g.refill, list, 130_000));
    await room(rt, 2 << 20); // or what the worker has in limbo stays there as long as the step takes that now begins
    rt.scope(() => {
      while (list.length > 0) list.pop();
    });
    push(list, 130_000);
    expect([list.length, rt.verify().violations]).toEqual([130_000, []]);
  });

  it.each([false, true])(
    "that has settled leaves room for as much again, whoever takes it (yields: %s)",
    async (yields) => {
      const rt = await start({ gil, threads: 2, memory: "8MiB" });
      for (let run = 0; run < 12; run++) {
        const chain = await within(10_000, rt.run(g.gives, 130_000, yields));
        expect(chain.number).toBe(129_999);
        chain[Symbol.dispose]();
        await gone(rt);
      }
      expect(rt.verify().violations).toEqual([]);
    },
  );

  it.each([false, true])("of a coroutine that filled memory is room for the next one (yields: %s)", async (yields) => {
    const rt = await start({ gil, threads: 2, memory: "4MiB" });
    const first = await within(10_000, rt.run(g.fills, yields));
    expect(first).toBeGreaterThan(80_000);
    for (let run = 0; run < 6; run++) {
      await gone(rt);
      expect(await within(10_000, rt.run(g.fills, yields))).toBeGreaterThan(0.9 * first);
      expect(rt.verify().violations).toEqual([]);
    }
  });
});
