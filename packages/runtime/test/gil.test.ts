// The global interpreter lock as its users see it: who runs, for how long, and what that costs.
import { describe, expect, it } from "vitest";
import { crowd, reader } from "./fixtures/gil.mjs";
import { start, within } from "./helpers.js";

const workers = (rt: Awaited<ReturnType<typeof start>>) => rt.stats().threads.slice(1);

describe("the GIL", () => {
  // A thread that gave it up for a turn of its event loop, and was back first, began a new switch interval: 0.22 was seen.
  it("is shared evenly, and held by one thread at a time", async () => {
    const rt = await start({ gil: true });
    await within(20_000, rt.run(crowd, 40, 40));
    const held = workers(rt).map((thread) => thread.gilHoldMs);
    const all = held.reduce((sum, ms) => sum + ms, 0);
    expect(all).toBeGreaterThan(790);
    expect(Math.min(...held) / all).toBeGreaterThan(0.35);
    expect(rt.stats().maxRunning).toBe(1);
    expect(workers(rt).every((thread) => thread.gilForced > 5)).toBe(true);
    expect(rt.stats().gilContention).toBeGreaterThan(0.3);
    expect(rt.stats().gilContention).toBeLessThan(0.7);
  });

  it("is not waited for by one thread", async () => {
    const rt = await start({ gil: true, threads: 1 });
    await within(20_000, rt.run(crowd, 10, 20));
    expect(rt.stats().gilContention).toBeLessThan(0.2); // the main thread wants it too
  });

  it("does not exist in the other mode", async () => {
    const rt = await start({ gil: false });
    await within(20_000, rt.run(crowd, 20, 20));
    expect(rt.stats().totals).toMatchObject({ gilTakes: 0, gilForced: 0, gilWaitMs: 0, gilHoldMs: 0 });
    expect(rt.stats().gilContention).toBe(0);
    expect(rt.stats().maxRunning).toBe(2);
  });

  it("changes hands as often as the switch interval says", async () => {
    const switches: number[] = [];
    for (const switchInterval of [1, 100]) {
      const rt = await start({ gil: true, switchInterval });
      await within(20_000, rt.run(crowd, 20, 40));
      switches.push(rt.stats().totals.gilForced);
      await rt.close();
    }
    const [often, seldom] = switches as [number, number];
    // Each also has its turns of the event loop, every 8 ms, for which nobody needs to ask.
    expect(often).toBeGreaterThan(50);
    expect(seldom).toBeLessThan(often / 4);
  });

  it("is given up in the middle of a step, at a call of the kernel, to a thread that asks for it", async () => {
    const rt = await start({ gil: true });
    const { begin, end, other, sum } = await within(20_000, rt.run(reader, 400));
    expect(sum).toBeGreaterThan(0);
    const inside = other.filter((time: number) => time > begin && time < end - 100);
    expect(inside.length).toBeGreaterThan(0);
    expect(rt.stats().maxRunning).toBe(1);
  });
});
