// Random changes by the main thread and by coroutines on workers, snapshots taken, read, restored and disposed of in between;
// everything is compared with a plain copy, and the verifier looks after each restore.
import { List } from "@ungil/heap";
import type { Snapshot } from "@ungil/runtime";
import { expect, it } from "vitest";
import { apply, make } from "./fixtures/restores.mjs";
import { inBothModes, type LooseRuntime, start, within } from "./helpers.js";

function random(from: number): (n: number) => number {
  let state = from;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** What the heap holds, in plain JavaScript. A node refers to others by their numbers. */
interface Plain {
  nodes: { value: number; text: string; next: number; items: unknown[]; table: Map<string | number, unknown> }[];
}

const copy = (plain: Plain): Plain => structuredClone(plain);

/** A change, in words that both a coroutine and the oracle understand. */
type Change = [what: string, node: number, key: number, value: unknown];

function change(plain: Plain, [what, n, key, value]: Change): void {
  if (what === "node") plain.nodes.push({ value: key, text: String(value), next: -1, items: [], table: new Map() });
  const node = plain.nodes[n]!;
  if (what === "value") node.value = key;
  else if (what === "text") node.text = String(value);
  else if (what === "next") node.next = key;
  else if (what === "push") node.items.push(value);
  else if (what === "pop") node.items.pop();
  else if (what === "set") node.items.length > 0 && (node.items[key % node.items.length] = value);
  else if (what === "fill") for (let k = 0; k < key; k++) node.items.push(k);
  else if (what === "empty") node.items = [];
  else if (what === "put") node.table.set(key, value);
  else if (what === "name") node.table.set(`key ${key}`, value);
  else if (what === "delete") node.table.delete(key);
}

function changes(next: (n: number) => number, nodes: number): Change[] {
  const value = () =>
    [next(1000), "text".repeat(next(40)), null, next(2) === 0, "long".repeat(60 + next(200)), `word ${next(500)}`][
      next(6)
    ];
  const kinds = ["value", "text", "next", "push", "push", "push", "pop", "set", "put", "put", "name", "name", "delete"];
  return Array.from({ length: 1 + next(120) }, () => {
    const rare = next(150);
    const [n, key] = [next(nodes), next(400)];
    if (rare === 0) return ["fill", n, next(6000), null];
    if (rare === 1) return ["empty", n, 0, null];
    if (rare < 5) return ["node", n, key, value() ?? ""];
    const what = kinds[next(kinds.length)]!;
    return [what, n, what === "next" ? next(nodes + 1) - 1 : key, value()];
  });
}

function compare(list: any, plain: Plain, inStep: <T>(work: () => T) => T): void {
  inStep(() => {
    const nodes = [...list];
    const found = nodes.map((node) => ({
      value: node.value,
      text: node.text,
      items: node.items.toArray(),
      table: new Map(node.table.entries()),
    }));
    expect(found).toEqual(plain.nodes.map(({ next: _, ...rest }) => rest));
    nodes.forEach((node, n) => {
      const next = plain.nodes[n]!.next;
      expect(node.next?.text ?? null).toEqual(next < 0 ? null : plain.nodes[next]!.text);
    });
  });
}

/** On workers, each of which changes nodes that the others do not. */
async function inParallel(rt: LooseRuntime, list: List<any>, made: Change[], parts: number): Promise<void> {
  const isNew = ([what]: Change) => what === "node";
  await within(20_000, rt.run(apply, list, made.filter(isNew)));
  const work = Array.from({ length: parts }, (_, part) =>
    rt.run(
      apply,
      list,
      made.filter((one) => !isNew(one) && one[1] % parts === part),
    ),
  );
  const ends = await within(20_000, Promise.allSettled(work));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** What may fail when memory is short: whether it did not. How often it did is counted. */
class Attempts {
  readonly counts = new Map<string, number>();

  async made(what: string, work: () => unknown): Promise<boolean> {
    const count = (result: string) => this.counts.set(result, (this.counts.get(result) ?? 0) + 1);
    try {
      await work();
      count(what);
      return true;
    } catch (error) {
      const { code } = error as { code: string };
      if (code !== "OUT_OF_MEMORY" && code !== "SNAPSHOT_LOST") throw error;
      count(`${what}: ${code}`);
      return false;
    }
  }
}

interface Moment {
  snapshot: Snapshot;
  plain: Plain;
}

/** Until it is over, or memory is so full that a change was not made: then nobody knows how far it came. */
async function play(rt: LooseRuntime, seed: number, rounds: number): Promise<Map<string, number>> {
  const next = random(seed);
  const attempts = new Attempts();
  const list = rt.new(List);
  let plain: Plain = { nodes: [] };
  const first: Change[] = Array.from({ length: 12 }, (_, n) => ["node", 0, n, `node ${n}`]);
  await rt.run(apply, list, first);
  for (const one of first) change(plain, one);
  const open: Moment[] = [];
  const one = () => open[next(open.length)] as Moment;
  const compareNow = () => attempts.made("compare", () => compare(list, plain, (work) => rt.scope(work)));
  for (let round = 0; round < rounds; round++) {
    const made = changes(next, plain.nodes.length);
    const here = next(3) === 0;
    const isMade = await attempts.made("change", () =>
      here ? rt.scope(() => made.forEach((one) => make(list, one))) : inParallel(rt, list, made, 1 + next(4)),
    );
    if (!isMade) break;
    for (const one of made) change(plain, one);
    if (next(3) === 0) {
      if (open.length > 5) open.splice(next(open.length), 1)[0]!.snapshot.dispose();
      open.push({ snapshot: await rt.snapshot(), plain: copy(plain) });
    }
    if (open.length > 0 && next(3) === 0) {
      const { snapshot, plain: then } = one();
      await attempts.made("read", () => compare(snapshot.see(list), then, (work) => snapshot.scope(work)));
    }
    if (open.length > 0 && next(3) === 0) {
      const { snapshot, plain: then } = one();
      if (await attempts.made("restore", () => within(20_000, snapshot.restore()))) plain = copy(then);
      expect(rt.verify().violations, `after round ${round}`).toEqual([]);
      await compareNow();
    }
    if (next(40) === 0) for (const { snapshot } of open.splice(0)) snapshot.dispose();
  }
  if (!attempts.counts.has("change: OUT_OF_MEMORY")) await compareNow();
  for (const { snapshot } of open) snapshot.dispose();
  expect(rt.stats().pagesKept).toBe(0);
  expect(rt.verify().violations).toEqual([]);
  return attempts.counts;
}

const rounds = Number(process.env.UNGIL_TEST_ROUNDS ?? 100);

inBothModes("a heap restored again and again", (gil) => {
  const seedOf = () => {
    const seed = Number(process.env.UNGIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`restores: UNGIL_TEST_SEED=${seed}`);
    return seed;
  };

  it("is what a plain copy is", { timeout: 120_000 }, async () => {
    const counts = await play(await start({ gil, threads: 4, memory: "32MiB" }), seedOf(), rounds);
    expect([...counts.keys()].filter((what) => what.includes(":"))).toEqual([]);
    expect(counts.get("restore")).toBeGreaterThan(0);
  });

  it("is so where memory is short and snapshots are lost", { timeout: 120_000 }, async () => {
    const counts = await play(await start({ gil, threads: 4, memory: "6MiB" }), seedOf(), rounds);
    expect(counts.get("change")).toBeGreaterThan(0);
  });
});
