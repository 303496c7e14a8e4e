// The pager of a running runtime: it evicts ahead of need, under any online policy, and nothing depends on its life.
import { Dict, List } from "@ungil/heap";
import { POLICIES } from "@ungil/memory/policies";
import { expect, it } from "vitest";
import { mutate, Part, rewrite, textLists } from "./fixtures/swap.mjs";
import { fixture, inBothModes, type LooseRuntime, node, start, within } from "./helpers.js";
import { differences, Oracle, seedOf } from "./parts.js";

const online = [...POLICIES.values()].filter((entry) => entry.online).map(({ slug }) => slug);

/** Until the pager has made frames free. */
async function pagerDone(rt: LooseRuntime): Promise<void> {
  const until = performance.now() + 10_000;
  for (;;) {
    const { framesFree, watermarks } = rt.vm.stats();
    if (framesFree >= watermarks.low) return;
    if (performance.now() > until) throw new Error(`${framesFree} frames are free after 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

inBothModes("the pager", (gil) => {
  it.each(online)("takes %s as its policy", async (policy) => {
    const seed = seedOf(`${policy} ${gil ? "gil" : "free"}`);
    const rt = await start({ gil, threads: 2, memory: "5MiB", swap: { size: "32MiB", policy } });
    const counters = rt.new(Dict);
    const make = () => rt.scope(() => rt.new(Part, { cells: new List(), index: new Dict() }));
    const parts = [make(), make()];
    const operations = 25_000;
    await within(20_000, Promise.all(parts.map((part, n) => rt.run(mutate, part, seed + n, operations, counters))));
    for (const [n, part] of parts.entries())
      expect(differences((read) => rt.scope(read), part, new Oracle(seed + n).to(operations))).toEqual([]);
    expect(rt.verify().violations).toEqual([]);
    await pagerDone(rt);
    const { evictions, swapIns } = rt.vm.stats();
    expect(rt.vm.policy).toBe(policy);
    expect(evictions.pager).toBeGreaterThan(0);
    expect(swapIns).toBeGreaterThan(100);
  });

  it.each(["clock", "lru"])("under %s leaves nothing to do to a thread that takes frames slowly", async (policy) => {
    const rt = await start({ gil, threads: 1, memory: "4MiB", swap: { size: "32MiB", policy } });
    const lists = textLists(rt, 300);
    await pagerDone(rt);
    const before = rt.vm.stats();
    for (let n = 0; n < 300; n++) {
      expect(await rt.run(rewrite, lists, n, n + 1)).toBe(0);
      await pagerDone(rt);
    }
    const after = rt.vm.stats();
    expect(after.swapIns - before.swapIns).toBeGreaterThan(300);
    expect(after.evictions.pager - before.evictions.pager).toBeGreaterThan(300);
    expect(after.evictions.direct).toBe(before.evictions.direct);
    expect(rt.verify().violations).toEqual([]);
  });

  it.each(["told", "warned"])(
    "a policy that always fails is given up, once and for all: %s",
    async (how) => {
      const policy = fixture("policy-fails.mjs");
      const ran = await node(["--import", policy, policy, gil ? "gil" : "free", how], { timeout: 40_000 });
      expect(ran.code, ran.err).toBe(0);
      const { errors, ...rest } = JSON.parse(ran.out);
      expect(rest).toEqual({
        wrong: 0,
        wrongAfter: 0,
        policy: "clock",
        workers: 2,
        evictedAfter: true,
        violations: [],
      });
      const message = 'The replacement policy "lru" fails (TypeError: no policy today); "clock" has taken its place';
      expect(errors).toEqual([["ReplacementPolicyError", "REPLACEMENT_POLICY", message, "TypeError", null]]);
    },
    50_000,
  );

  it("keeps no process alive", async () => {
    const ran = await node([fixture("pager.mjs"), "leave", gil ? "gil" : "free"]);
    expect([ran.code, ran.err, ran.out]).toEqual([0, "", "parked\n"]);
  });

  it("is replaced when it dies, at any moment, and nobody else notices", async () => {
    const ran = await node([fixture("pager.mjs"), "kill", gil ? "gil" : "free"], { timeout: 60_000 });
    expect([ran.code, ran.err]).toEqual([0, ""]);
    const { wrong, violations, evictedAfter } = JSON.parse(ran.out);
    expect([wrong, violations]).toEqual([0, []]);
    expect(evictedAfter).toBeGreaterThan(0);
  }, 70_000);
});
