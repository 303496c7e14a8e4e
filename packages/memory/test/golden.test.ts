// Counts that textbooks print, and what follows from arithmetic.
import { simulate } from "@ungil/memory";
import { describe, expect, test } from "vitest";
import { loop, zigzag, zipf } from "./support.js";

const silberschatz = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1];
// The printing with "0, 3, 0, 3" in it, of 22 references.
const longer = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1];
const belady = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5];
const stallings = [2, 3, 2, 1, 5, 2, 4, 5, 3, 2, 5, 2];
const tanenbaum = [0, 1, 2, 3, 0, 1, 4, 0, 1, 2, 3, 4];

async function faults(trace: number[], frames: number, policies: string[]): Promise<number[]> {
  const { rows } = await simulate(trace, { frames: [frames], policies });
  return rows.map((row) => row.faults);
}

describe("textbook strings: FIFO, LRU, OPT, CLOCK", () => {
  test.each([
    ["Silberschatz", silberschatz, 3, [15, 12, 9, 14]],
    ["Silberschatz", silberschatz, 4, [10, 8, 8, 9]],
    ["Silberschatz, 22 references", longer, 3, [15, 12, 9, 14]],
    ["Silberschatz, 22 references", longer, 4, [10, 8, 8, 9]],
    ["Belady", belady, 3, [9, 10, 7, 9]],
    ["Belady", belady, 4, [10, 8, 6, 10]],
    ["Stallings", stallings, 3, [9, 7, 6, 8]],
    ["Tanenbaum", tanenbaum, 3, [9, 10, 7, 9]],
    ["Tanenbaum", tanenbaum, 4, [10, 8, 6, 10]],
  ])("%s, %# (%j, %i frames)", async (_name, trace, frames, expected) => {
    expect(await faults(trace, frames, ["fifo", "lru", "opt", "clock"])).toEqual(expected);
  });
});

describe("the loop trace: 1,011 pages, 500 times round, 512 frames", () => {
  const trace = loop(1011, 500);
  const percent = async (policies: string[]) => {
    const { rows } = await simulate(trace, { frames: [512], policies });
    return rows.map((row) => ((100 * row.hits) / trace.length).toFixed(2));
  };

  test("FIFO, CLOCK, LRU and ARC never hit; OPT hits 50.54 %", async () => {
    expect(trace.length).toBe(505_500);
    expect(await percent(["fifo", "clock", "lru", "arc", "opt"])).toEqual(["0.00", "0.00", "0.00", "0.00", "50.54"]);
  });

  test("LIRS keeps its 507 LIR pages: it misses each of them once, and hits nothing else", async () => {
    // HIR pages have 5 frames, 1 % of 512; a page of the loop is back after 1,011 references, never within the 5.
    const { rows } = await simulate(trace, { frames: [512], policies: ["lirs"] });
    expect(rows[0]!.hits).toBe(507 * 499);
  });

  test("CLOCK-Pro and W-TinyLFU come near it too", async () => {
    for (const hits of await percent(["clock-pro", "w-tinylfu"])) expect(Number(hits)).toBeGreaterThan(40);
  });
});

test("zigzag: LRU hits the pages that turn round within its reach", async () => {
  // Up and down over n pages with c frames: after a turn the last c - 1 pages are still there, and the end itself is not asked for twice.
  const [distinct, rounds, frames] = [200, 50, 60];
  const trace = zigzag(distinct, rounds);
  const [count] = await faults(trace, frames, ["lru"]);
  const turns = 2 * rounds - 1;
  expect(trace.length - count!).toBe(turns * (frames - 1));
});

test("Zipf: more skew, more hits; OPT above all; a seed gives the same trace", async () => {
  const hits = async (skew: number, policy: string) => {
    const trace = zipf(7, 50_000, 5000, skew);
    return trace.length - (await faults(trace, 500, [policy]))[0]!;
  };
  const skews = [0.6, 0.9, 1.2];
  const lru = await Promise.all(skews.map((skew) => hits(skew, "lru")));
  expect([...lru].sort((a, b) => a - b)).toEqual(lru);
  expect(await hits(0.9, "opt")).toBeGreaterThan(lru[1]!);
  expect(zipf(7, 100, 50, 1)).toEqual(zipf(7, 100, 50, 1));
});
