/** Long loops in bounded memory, and large structures dropped without recursion. */
import { type Class, Dict, f64, List, ref, scope, str, struct } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { inBothModes, machine, type TestMachine } from "./support.js";

class Node extends struct("Node", { value: f64, next: ref((): Class<Node> => Node), items: ref(() => List) }) {}
class Tree extends struct("Tree", { left: ref((): Class<Tree> => Tree), right: ref((): Class<Tree> => Tree) }) {}
class Text extends struct("Text", { text: str }) {}

/** Bytes of frames in use after a long run of a loop that were not after a short one. */
function growth(m: TestMachine, loop: (n: number) => void, [short, long]: [number, number]): number {
  return m.heap.batch(() => {
    for (let n = 0; n < short; n++) scope(() => loop(n));
    const before = m.framesFree();
    for (let n = short; n < long; n++) scope(() => loop(n));
    return (before - m.framesFree()) * L.PAGE_SIZE;
  });
}

inBothModes((gil) => {
  it("a scope in a loop of 100,000 iterations needs no more memory than in one of 10,000", () => {
    const m = machine({ gil });
    const root = scope(() => new Node({ items: new List<unknown>([null]) }));
    const items = root.items as List<unknown>;
    const counts = new Dict<string, unknown>();
    const loops: Record<string, (n: number) => void> = {
      "newborns that nobody stores": (n) => {
        new Node({ value: n, next: new Node({}) });
        new List([n, n]);
      },
      "objects stored, then replaced": (n) => {
        root.next = new Node({ value: n, next: new Node({}) });
        items.set(0, new List([n]));
        counts.set(`k${n % 10}`, new Node({ value: n }));
      },
      "references read": () => {
        for (let k = 0; k < 10; k++) root.next;
      },
      "copies and long texts": (n) => {
        if (n % 10) return;
        items.set(0, { list: [n, { n }], text: "→".repeat(300) });
        items.get(0);
      },
    };
    // Limbo fills up to 2048 objects before a closing scope empties it: up to 1.6 MiB of copies.
    for (const [name, loop] of Object.entries(loops))
      expect(growth(m, loop, [10_000, 100_000]), name).toBeLessThan(2 * 2 ** 20);
  });

  it("what a step drops is reclaimed at the pace at which steps drop, whatever the pace", () => {
    const m = machine({ gil, mib: 32 });
    const list = scope(() => new List<unknown>([null]));
    const step = (garbage: number) =>
      m.heap.batch(() => {
        for (let n = 0; n < garbage; n++) list.set(0, new Node({ value: n }));
      });
    for (const garbage of [100, 1000, 10_000]) {
      for (let n = 0; n < 30; n++) step(garbage);
      const before = m.framesFree();
      for (let n = 0; n < 60; n++) step(garbage);
      expect(before - m.framesFree(), `${garbage} a step`).toBeLessThan(60);
    }
    const chain = () =>
      m.heap.batch(() => {
        let head: Node | null = null;
        for (let n = 0; n < 6000; n++) head = new Node({ next: head });
        list.set(0, head); // the last chain falls into limbo as one object
      });
    for (let n = 0; n < 30; n++) chain();
    const before = m.framesFree();
    for (let n = 0; n < 60; n++) chain();
    expect(before - m.framesFree(), "chains").toBeLessThan(200);
  });

  it("a chain of 1,000,000 nodes is dropped without recursion", () => {
    const m = machine({ gil, mib: 64 });
    const root = new Node({});
    m.heap.batch(() => {
      for (let n = 0; n < 1_000_000; n++) scope(() => (root.next = new Node({ value: n, next: root.next })));
    });
    root.next = null;
    m.settle();
    expect(m.objects()).toBe(1 + m.typeStrings());
  });

  it("a private chain dies with its scope, without recursion", () => {
    const m = machine({ gil, mib: 32 });
    m.heap.batch(() => {
      new Node({});
      const before = m.objects();
      scope(() => {
        const first = new Node({});
        let last = first;
        for (let n = 0; n < 300_000; n++) last = last.next = new Node({ value: n }); // parents are older than children
      });
      expect(m.objects()).toBe(before);
    });
  });

  it("wide and deep structures are dropped whole", () => {
    const m = machine({ gil, mib: 48 });
    const make = (depth: number): Tree =>
      new Tree(depth === 0 ? {} : { left: make(depth - 1), right: make(depth - 1) });
    const roots = scope(() => {
      const wide = new List<unknown>();
      for (let n = 0; n < 100_000; n++) wide.push(new Node({ value: n }));
      let nested = new List<unknown>();
      for (let n = 0; n < 20_000; n++) nested = new List<unknown>([nested, n]);
      const dict = new Dict<string | number, unknown>();
      for (let n = 0; n < 20_000; n++) dict.set(n % 2 ? n : `key ${n}`, new Dict([["d", new Text({ text: `t${n}` })]]));
      return [wide, nested, dict, make(14)] as const;
    });
    m.objects();
    for (const root of roots) root[Symbol.dispose]();
    m.settle();
    expect(m.objects()).toBe(m.typeStrings());
  });

  it("a chain whose nodes were born over many epochs is dropped too", () => {
    const m = machine({ gil });
    const root = scope(() => new Node({ items: new List<unknown>([null]) }));
    for (let n = 0; n < 2000; n++) {
      m.heap.batch(() => {
        root.next = new Node({ value: n, next: root.next });
        root.items?.set(0, new Node({})); // something in limbo, so that the epoch goes on
      });
    }
    root.next = null;
    root.items = null;
    m.settle();
    expect(m.objects()).toBe(1 + m.typeStrings());
    expect(m.counter(L.COUNTER_SAFEPOINTS)).toBeGreaterThan(2000);
  });
});
