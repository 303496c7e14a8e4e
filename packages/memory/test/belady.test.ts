// Belady's anomaly: more frames, more faults. Stack algorithms (Mattson and others, 1970) never show it: with n frames they
// hold a subset of what they hold with n + 1. Which ones are is written in the registry; here is the evidence.
import { createPolicy, nextUses, type Opt, POLICIES } from "@ungil/memory";
import { describe, expect, test } from "vitest";
import { random, randomTrace } from "./support.js";

const string = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5];
const options = (slug: string): Record<string, number> => (slug === "working-set" ? { tau: 25 } : {});

function faults(slug: string, frames: number, pages: readonly number[]): number {
  const policy = createPolicy(slug, frames, options(slug));
  (policy as Opt).foresee?.(nextUses(pages));
  return pages.filter((page) => !policy.access(page)).length;
}

const stacks = [...POLICIES.values()].filter(({ stack }) => stack).map(({ slug }) => slug);

test("LRU, the working set and OPT are the stack algorithms", () => {
  expect(stacks).toEqual(["lru", "working-set", "opt"]);
});

describe.each(stacks)("%s", (slug) => {
  test("more frames never fault more", () => {
    for (let seed = 1; seed <= 1000; seed++) {
      const { pages } = randomTrace(random(seed), 120);
      let last = Number.POSITIVE_INFINITY;
      for (let frames = 1; frames <= 16; frames++) {
        const count = faults(slug, frames, pages);
        if (count > last) expect.fail(`seed ${seed}: ${count} faults with ${frames} frames, ${last} with one less`);
        last = count;
      }
    }
  });

  test("the pages held with n frames are held with n + 1", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const { pages } = randomTrace(random(seed), 120);
      // With equal next uses (never again) OPT may choose either: pages that come again are what inclusion is about.
      const future = nextUses(pages);
      const policies = Array.from({ length: 12 }, (_, n) => createPolicy(slug, n + 1, options(slug)));
      for (const policy of policies) (policy as Opt).foresee?.(future);
      for (const [now, page] of pages.entries()) {
        for (const policy of policies) policy.access(page);
        const again = new Set(pages.slice(now + 1));
        for (let n = 0; n + 1 < policies.length; n++) {
          for (const held of policies[n]!.pages()) {
            if (slug === "opt" && !again.has(held)) continue;
            if (!policies[n + 1]!.has(held))
              expect.fail(`seed ${seed}, reference ${now}, page ${held}, ${n + 1} frames`);
          }
        }
      }
    }
  });
});

test("FIFO and CLOCK show it on Belady's string", () => {
  expect([faults("fifo", 3, string), faults("fifo", 4, string)]).toEqual([9, 10]);
  expect([faults("clock", 3, string), faults("clock", 4, string)]).toEqual([9, 10]);
});

test("every other policy shows it on some random trace: none of them is a stack algorithm by accident", () => {
  const others = [...POLICIES.keys()].filter((slug) => !stacks.includes(slug));
  const without = new Set(others);
  for (let seed = 1; seed <= 3000 && without.size > 0; seed++) {
    const { pages } = randomTrace(random(seed), 120);
    for (const slug of without) {
      for (let frames = 2; frames <= 12; frames++) {
        if (faults(slug, frames + 1, pages) <= faults(slug, frames, pages)) continue;
        without.delete(slug);
        break;
      }
    }
  }
  expect([...without]).toEqual([]);
});
