// The interface: what a pager does with a policy, and what a policy owes it. Everything follows from a seed.
import {
  createPolicy,
  NONE,
  nextUses,
  type Opt,
  PAGE_MAX,
  POLICIES,
  PolicyError,
  type ReplacementPolicy,
} from "@ungil/memory";
import { describe, expect, test } from "vitest";
import { below, type Random, random, randomTrace } from "./support.js";

const entries = [...POLICIES.values()];
const online = entries.filter((entry) => entry.online);

/** OPT is told something about a future, so that it can be asked the same things. */
function withFuture(policy: ReplacementPolicy, draw: Random, length: number): void {
  (policy as Opt).foresee?.(Array.from({ length }, () => below(draw, 1_000_000)));
}

/** One operation drawn at random, on the policy and on a set that knows who must be resident. */
function operate(policy: ReplacementPolicy, resident: Set<number>, draw: Random): string {
  const page = below(draw, 3 * policy.capacity + 4);
  const gone = (victim: number) => {
    if (!resident.delete(victim)) throw new Error(`page ${victim} was evicted, and was not there`);
  };
  const kind = draw();
  if (kind < 0.4) {
    // What has aged out of the working set goes first, as it does in access.
    for (let victim = policy.trim(); victim !== NONE; victim = policy.trim()) gone(victim);
    const hit = policy.access(page, draw() < 0.3);
    if (hit !== resident.has(page)) throw new Error(`access(${page}) says ${hit}`);
    // Victims of a fault are not told one by one.
    const now = new Set(policy.pages());
    for (const other of now) if (other !== page && !resident.has(other)) throw new Error(`page ${other} from nowhere`);
    resident.clear();
    for (const other of now) resident.add(other);
    if (!resident.has(page)) throw new Error(`access(${page}) has left it out`);
    return `access(${page})`;
  }
  if (kind < 0.5) {
    if (policy.touch(page, draw() < 0.3) !== resident.has(page)) throw new Error(`touch(${page}) is wrong`);
    return `touch(${page})`;
  }
  if (kind < 0.65) {
    if (resident.has(page)) return "";
    const incoming = draw() < 0.8 ? page : NONE;
    while (policy.size >= policy.capacity) gone(policy.evict(incoming));
    policy.insert(page, draw() < 0.3);
    resident.add(page);
    return `insert(${page})`;
  }
  if (kind < 0.8) {
    const share = draw();
    const held = new Set([...resident].filter(() => draw() < share));
    const victim = policy.evict(draw() < 0.5 ? page : NONE, draw() < 0.8 ? (other) => held.has(other) : undefined);
    if (victim !== NONE) gone(victim);
    else if ([...resident].some((other) => !held.has(other))) throw new Error("evict found nobody");
    return `evict() = ${victim}${held.has(victim) ? ", pinned or not asked" : ""}`;
  }
  if (kind < 0.9) {
    if (policy.remove(page) !== resident.delete(page)) throw new Error(`remove(${page}) is wrong`);
    return `remove(${page})`;
  }
  if (kind < 0.94) {
    policy.tick();
    return "tick()";
  }
  if (kind < 0.98) {
    const capacity = 1 + below(draw, 24);
    policy.resize(capacity);
    if (policy.capacity !== capacity) throw new Error("resize has not changed the capacity");
    return `resize(${capacity})`;
  }
  if (kind < 0.99) {
    const victim = policy.trim();
    if (victim !== NONE) gone(victim);
    return "trim()";
  }
  policy.reset();
  resident.clear();
  return "reset()";
}

describe.each(entries)("$slug", (entry) => {
  test("random access, insert, evict, pin, remove, resize, reset: a model agrees, every invariant holds", () => {
    for (let seed = 1; seed <= 150; seed++) {
      const draw = random(seed);
      const policy = entry.create(1 + below(draw, 16));
      const resident = new Set<number>();
      const done: string[] = [];
      try {
        for (let n = 0; n < 150; n++) {
          withFuture(policy, draw, 4);
          done.push(operate(policy, resident, draw));
          const pages = [...policy.pages()];
          if (pages.length !== resident.size || policy.size !== resident.size)
            throw new Error(`size is ${policy.size}`);
          for (const page of resident) if (!policy.has(page)) throw new Error(`has(${page}) says no`);
          const wrong = policy.verify();
          if (wrong.length > 0) throw new Error(wrong.join("; "));
        }
      } catch (error) {
        throw new Error(`seed ${seed}, after ${done.slice(-8).join(", ")}: ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
  });

  test("a pinned page never leaves; if all are pinned, nobody does", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const draw = random(seed);
      const policy = entry.create(8);
      withFuture(policy, draw, 300);
      for (const page of randomTrace(draw, 100).pages) policy.access(page);
      const pages = [...policy.pages()];
      const held = new Set(pages.filter(() => draw() < 0.5));
      expect(
        policy.evict(NONE, () => true),
        `seed ${seed}`,
      ).toBe(NONE);
      for (let left = pages.length - held.size; left > 0; left--) {
        const victim = policy.evict(NONE, (page) => held.has(page));
        expect(held.has(victim), `seed ${seed}: ${victim}`).toBe(false);
        expect(pages, `seed ${seed}`).toContain(victim);
      }
      expect(
        policy.evict(NONE, (page) => held.has(page)),
        `seed ${seed}`,
      ).toBe(NONE);
      expect(new Set(policy.pages()), `seed ${seed}`).toEqual(held);
      expect(policy.verify(), `seed ${seed}`).toEqual([]);
    }
  });

  test("reset gives a policy like a new one", () => {
    const { pages, writes } = randomTrace(random(3), 400);
    const policy = entry.create(7);
    const run = () => {
      (policy as Opt).foresee?.(nextUses(pages));
      return pages.map((page, n) => policy.access(page, writes[n]));
    };
    const first = run();
    policy.reset();
    expect(policy.size).toBe(0);
    expect(run()).toEqual(first);
  });

  test("what is no page and what is no capacity is refused", () => {
    const policy = entry.create(2);
    (policy as Opt).foresee?.([1, 2, 3, 4, 5, 6]);
    for (const page of [-1, 0.5, Number.NaN, PAGE_MAX + 2]) expect(() => policy.access(page)).toThrow(PolicyError);
    for (const capacity of [0, -1, 1.5, Number.NaN, 2 ** 40]) {
      expect(() => entry.create(capacity)).toThrow(PolicyError);
      expect(() => policy.resize(capacity)).toThrow(PolicyError);
    }
    expect(policy.access(PAGE_MAX)).toBe(false);
    expect(() => policy.insert(PAGE_MAX)).toThrow("resident already");
    policy.insert(7);
    expect(() => policy.insert(8)).toThrow("evict first");
    expect(policy.verify()).toEqual([]);
  });
});

describe.each(online)("$slug, as a pager uses it", ({ slug }) => {
  test("touch, evict(incoming) and insert do what access does", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const draw = random(seed);
      const { pages, writes } = randomTrace(draw, 200);
      const capacity = 1 + below(draw, 12);
      const simulated = createPolicy(slug, capacity);
      const paged = createPolicy(slug, capacity);
      for (const [n, page] of pages.entries()) {
        while (paged.trim() !== NONE);
        const hit = paged.touch(page, writes[n]);
        if (!hit) {
          while (paged.size >= paged.capacity) paged.evict(page);
          paged.insert(page, writes[n]);
        }
        if (hit !== simulated.access(page, writes[n])) expect.fail(`seed ${seed}, reference ${n}: paged ${hit}`);
      }
      expect(new Set(paged.pages())).toEqual(new Set(simulated.pages()));
    }
  });

  test("frames that are given after a while are used, and taken ones given back", () => {
    const policy = createPolicy(slug, 4);
    for (let n = 0; n < 100; n++) policy.access(n % 6);
    policy.resize(400);
    for (let round = 0; round < 3; round++) for (let n = 0; n < 300; n++) policy.access(n);
    expect(policy.verify()).toEqual([]);
    expect(policy.size).toBe(300);
    policy.resize(3);
    expect(policy.size).toBe(300);
    policy.access(1000);
    expect(policy.size).toBe(3);
    expect(policy.verify()).toEqual([]);
  });
});

test("options: unknown ones, wrong kinds and values out of range are refused by name", () => {
  expect(() => createPolicy("fifo", 3, { bits: 4 })).toThrow("fifo has no option bits: it has none");
  expect(() => createPolicy("aging", 3, { bit: 4 })).toThrow("it has period, bits");
  expect(() => createPolicy("aging", 3, { bits: 40 })).toThrow(
    "aging.bits is 40: it must be a whole number from 1 to 16",
  );
  expect(() => createPolicy("2q", 3, { kin: 1.5 })).toThrow("2q.kin is 1.5");
  expect(() => createPolicy("clock", 3, { referenced: 1 })).toThrow("true or false");
  expect(() => createPolicy("mru", 3)).toThrow("there is no policy mru: there are fifo, lru");
  expect(() => createPolicy("opt", 3).access(1)).toThrow("opt needs the future");
  expect(() => createPolicy("mru", 3)).toThrow(expect.objectContaining({ name: "PolicyError", code: "POLICY" }));
});

test("the registry has the policies that are promised, in a fixed order", () => {
  expect([...POLICIES.keys()]).toEqual(
    "fifo lru clock nru lfu aging 2q arc lirs clock-pro s3-fifo sieve w-tinylfu working-set opt".split(" "),
  );
  expect(entries.filter((entry) => !entry.online).map(({ slug }) => slug)).toEqual(["opt"]);
});
