/** The cycle collector on one machine: it collects what nothing leads to, all of it, and nothing else. */
import { Dict, dict, f64, List, list, ref, scope, struct } from "@ungil/heap";
import { expect, it } from "vitest";
import { collect } from "./collecting.js";
import { inBothModes, machine, random, seed } from "./support.js";

class Node extends struct("collect.Node", {
  n: f64,
  a: ref((): any => Node),
  b: ref((): any => Node),
  list: list(),
  dict: dict(),
}) {}

inBothModes((gil) => {
  it("collects a cycle that nothing leads to, and leaves one alone that something does", () => {
    const m = machine({ gil });
    const kept = new Node({ n: 1 });
    scope(() => {
      kept.a = new Node({ n: 2 });
      kept.a.a = kept;
      const lost = new Node({ n: 3 });
      lost.a = new Node({ n: 4, a: lost });
      lost.b = kept;
    });
    m.settle();
    const before = m.objects();
    expect(collect(m)).toBe(2);
    expect(m.objects()).toBe(before - 2);
    expect(kept.a.n).toBe(2);
    kept.a = null;
    expect(collect(m)).toBe(0);
  });

  it("through lists and dicts, long ones too", () => {
    const m = machine({ gil });
    scope(() => new Node({ n: 1 }).n); // its names are there from now on
    m.settle();
    const before = m.objects();
    scope(() => {
      const a = new List<unknown>();
      a.push(a);
      const b = new List<unknown>();
      const c = new Dict<string, unknown>();
      for (let n = 0; n < 5000; n++) b.push(n % 10 === 0 ? c : n);
      for (let n = 0; n < 3000; n++) c.set(`key ${n}`, n % 5 ? n : b);
      const d = new Node({ list: b, dict: c });
      c.set("node", d);
      b.push({ inner: [d, 1n << 200n], text: "text of a record" });
    });
    m.settle();
    expect(m.objects()).toBeGreaterThan(before + 3000);
    expect(collect(m)).toBeGreaterThan(10);
    expect(m.objects()).toBe(before);
  });

  it("a random graph: what the roots lead to is left, and nothing else", () => {
    const m = machine({ gil, mib: 32 });
    const draw = random(seed(`collect ${gil}`));
    scope(() => new Node({ n: 1 }).n);
    m.settle();
    const before = m.objects();
    const roots = new Dict<string, Node>();
    const plain = new Map<number, { leads: number[] }>(); // the same graph
    const held = new Set<number>();
    for (let round = 0; round < 5; round++) {
      scope(() => {
        const first = round * 1000;
        const nodes = Array.from(
          { length: 1000 },
          (_, n) => new Node({ n: first + n, list: new List(), dict: new Dict() }),
        );
        for (let n = 0; n < 1000; n++) plain.set(first + n, { leads: [] });
        for (let n = 0; n < 1500; n++) {
          const [from, to] = [draw(1000), draw(1000)];
          const node = nodes[from] as Node;
          const how = draw(3);
          if (how === 0 && !node.a) node.a = nodes[to];
          else if (how === 1) node.list?.push(nodes[to]);
          else if (!node.dict?.has(`key ${to}`)) node.dict?.set(`key ${to}`, nodes[to]);
          else continue;
          plain.get(first + from)!.leads.push(first + to);
        }
        for (let n = 0; n < 4; n++) {
          const n = draw(1000);
          roots.set(`${first + n}`, nodes[n] as Node);
          held.add(first + n);
        }
      });
      collect(m);
      expect(nodesFrom(roots)).toEqual(plainFrom(plain, held));
      expect(collect(m)).toBe(0);
      for (const n of held) {
        if (draw(2)) continue;
        held.delete(n);
        roots.delete(`${n}`);
      }
    }
    for (const key of scope(() => [...roots.keys()])) roots.delete(key as string);
    expect(collect(m)).toBeGreaterThan(0);
    const empty = m.objects();
    expect(empty - before).toBeLessThan(20); // the dict and its tables
  });
});

/** Numbers of the nodes that the roots lead to, in order. */
function nodesFrom(roots: Dict<string, Node>): number[] {
  return scope(() => {
    const seen = new Map<number, Node>();
    const queue = [...roots.values()];
    for (let node = queue.pop(); node; node = queue.pop()) {
      if (seen.has(node.n)) continue;
      seen.set(node.n, node);
      if (node.a) queue.push(node.a);
      queue.push(...((node.list?.toArray() ?? []) as Node[]), ...((node.dict?.values() ?? []) as Node[]));
    }
    return [...seen.keys()].sort((a, b) => a - b);
  });
}

function plainFrom(plain: Map<number, { leads: number[] }>, held: Set<number>): number[] {
  const seen = new Set<number>();
  const queue = [...held];
  for (let n = queue.pop(); n !== undefined; n = queue.pop()) {
    if (seen.has(n)) continue;
    seen.add(n);
    queue.push(...plain.get(n)!.leads);
  }
  return [...seen].sort((a, b) => a - b);
}
