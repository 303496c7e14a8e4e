// The live pager and the simulator agree: with `exact`, the same references make the same faults, under every policy.
import { AddressSpace, createPolicy, PhysicalMemory, POLICIES } from "@ungil/memory";
import { describe, expect, it } from "vitest";
import { below, random, seed } from "../support.js";

const PAGE = 512;
const online = [...POLICIES.values()].filter((entry) => entry.online).map((entry) => entry.slug);

/** Major faults, and first touches, of a trace in a real address space. */
function liveFaults(policy: string, frames: number, trace: readonly number[], writes: readonly boolean[]): number {
  const memory = new PhysicalMemory({ size: frames * PAGE, pageSize: PAGE, policy, exact: true });
  const space = new AddressSpace(memory);
  const { base } = space.map({ length: (Math.max(...trace) + 1) * PAGE });
  trace.forEach((page, n) => {
    if (writes[n]) space.write(base + page * PAGE, "u32", n);
    else space.read(base + page * PAGE, "u32");
  });
  expect(memory.verify()).toEqual([]);
  const { demandZero, swapIn, cached } = memory.stats().faults;
  expect(cached).toBe(0);
  memory.close();
  return demandZero + swapIn;
}

/** A page that was never written to is no more when it is evicted; so each is written to first. */
const firstWrites = (trace: readonly number[], others: (n: number) => boolean) =>
  trace.map((page, n) => trace.indexOf(page) === n || others(n));

describe("an exact machine counts what textbooks count", () => {
  const silberschatz = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1];
  const belady = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5];
  it.each([
    ["fifo", silberschatz, 3, 15],
    ["lru", silberschatz, 3, 12],
    ["fifo", silberschatz, 4, 10],
    ["lru", silberschatz, 4, 8],
    ["fifo", belady, 3, 9],
    ["fifo", belady, 4, 10],
    ["clock", belady, 4, 10],
  ] as const)("%s", (policy, trace, frames, faults) => {
    expect(
      liveFaults(
        policy,
        frames,
        trace,
        trace.map(() => true),
      ),
    ).toBe(faults);
  });
});

describe("live pager against simulated policy, on random traces", () => {
  const first = seed("exact");
  it.each(online)("%s", (slug) => {
    for (let round = 0; round < 12; round++) {
      const draw = random(first + round);
      const frames = 2 + below(draw, 14);
      const pages = 2 + below(draw, 40);
      const skewed = below(draw, 2) === 0;
      const trace = Array.from({ length: 600 }, (_, n) =>
        skewed ? Math.floor(draw() ** 3 * pages) : below(draw, 4) ? (n + below(draw, 3)) % pages : below(draw, pages),
      );
      const writes = firstWrites(trace, () => below(draw, 3) === 0);
      const policy = createPolicy(slug, frames);
      // A pager numbers pages as they come into being; w-tinylfu counts by a hash of the number.
      const numbers = [...new Set(trace)];
      const faults = trace.filter((page, n) => !policy.access(numbers.indexOf(page), writes[n])).length;
      const note = `UNGIL_TEST_SEED=${first + round}, ${frames} frames`;
      expect(liveFaults(slug, frames, trace, writes), note).toBe(faults);
    }
  });
});
