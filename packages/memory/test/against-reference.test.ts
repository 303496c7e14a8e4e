// Every policy against a slow reference written from its paper: the same hits, in the same places, on random traces.
import { createPolicy, nextUses, type Opt, POLICIES, type PolicyEntry } from "@ungil/memory";
import { describe, expect, test } from "vitest";
import { references } from "./reference/index.js";
import type { Settings } from "./reference/simple.js";
import { below, loop, type Random, random, randomTrace, type Trace, zigzag, zipf } from "./support.js";

const TRACES = 2000;

/** Options within their limits, a third of them left at their defaults. */
function randomOptions(entry: PolicyEntry, draw: Random): Settings {
  const chosen: Settings = {};
  for (const [name, option] of Object.entries(entry.options)) {
    if (draw() < 0.3) continue;
    const { least = 0, most = 60 } = option;
    if (typeof option.default === "boolean") chosen[name] = draw() < 0.5;
    else if (option.fraction) chosen[name] = least + draw() * (Math.min(most, 3) - least);
    else chosen[name] = least + below(draw, Math.min(most, 60) - least + 1);
  }
  return chosen;
}

function compare(entry: PolicyEntry, capacity: number, options: Settings, trace: Trace, what: string): number {
  const policy = createPolicy(entry.slug, capacity, options);
  if (!entry.online) (policy as Opt).foresee(nextUses(trace.pages));
  const defaults = Object.fromEntries(Object.entries(entry.options).map(([name, option]) => [name, option.default]));
  const reference = references[entry.slug]!(capacity, { ...defaults, ...options }, trace.pages);
  let hits = 0;
  for (const [n, page] of trace.pages.entries()) {
    const expected = reference(page, trace.writes[n]!);
    const got = policy.access(page, trace.writes[n]!);
    if (got !== expected) {
      expect.fail(
        `${what}, ${capacity} frames, ${JSON.stringify(options)}: reference ${n} (page ${page}) is a ${got ? "hit" : "fault"}`,
      );
    }
    if (got) hits++;
  }
  const wrong = policy.verify();
  if (wrong.length > 0) expect.fail(`${what}, ${capacity} frames, ${JSON.stringify(options)}: ${wrong.join("; ")}`);
  return hits;
}

test("every policy has a reference", () => {
  expect(Object.keys(references).sort()).toEqual([...POLICIES.keys()].sort());
});

describe.each([...POLICIES.values()])("$slug", (entry) => {
  test(`${TRACES} random traces`, () => {
    let hits = 0;
    for (let seed = 1; seed <= TRACES; seed++) {
      const draw = random(seed);
      const trace = randomTrace(draw, 20 + below(draw, 180));
      const capacity = 1 + below(draw, 20);
      hits += compare(entry, capacity, randomOptions(entry, draw), trace, `seed ${seed}`);
    }
    expect(hits).toBeGreaterThan(TRACES);
  });

  test("longer ones: a loop, a zigzag, Zipf", () => {
    for (const [name, pages] of Object.entries({
      loop: loop(60, 60),
      zigzag: zigzag(60, 40),
      zipf: zipf(1, 5000, 300, 0.9),
    })) {
      const trace = { pages, writes: pages.map((page) => page % 3 === 0) };
      for (const capacity of [30, 50]) compare(entry, capacity, {}, trace, name);
    }
  });
});

describe.each(["2q", "arc", "lirs", "s3-fifo", "sieve", "clock-pro", "w-tinylfu"])(
  "%s at the size of the papers' traces",
  (slug) => {
    const entry = POLICIES.get(slug)!;
    test.each([
      ["loop", loop(1011, 20), 512],
      ["zigzag", zigzag(1011, 8), 512],
      ["Zipf", zipf(5, 20_000, 5000, 0.9), 500],
    ])(
      "%s",
      (name, pages, capacity) => {
        const trace = { pages, writes: pages.map(() => false) };
        compare(entry, capacity, {}, trace, name);
      },
      60_000,
    );
  },
);
