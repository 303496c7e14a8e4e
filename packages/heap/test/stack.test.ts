/**
 * The stack ends anywhere: a RangeError in the middle of an operation must leave the heap as it was or as it should be, no
 * lock held, no step open. Each dive recurses until the stack is full; on the way back up an operation is tried at each
 * depth, so that it runs out of stack at every point at which it can.
 */
import { bool, type Class, Dict, f64, keep, List, ref, scope, str, struct, thread } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { inBothModes, machine, random, seed, type TestMachine } from "./support.js";

class Node extends struct("Node", {
  value: f64,
  flag: bool,
  text: str,
  next: ref((): Class<Node> => Node),
  list: ref(() => List),
  dict: ref(() => Dict),
  grown: ref(() => Dict),
  pushed: ref(() => List),
}) {}

const long = "x".repeat(300);

function operations(m: TestMachine, root: Node, draw: (n: number) => number): Record<string, () => unknown> {
  const list = () => root.list as List<unknown>;
  const dict = () => root.dict as Dict<string, unknown>;
  return {
    "build and link": () => (root.next = new Node({ value: draw(100), text: `s${draw(1000)}`, next: root.next })),
    unlink: () => (root.next = null),
    "set fields": () => {
      root.value = draw(9);
      root.flag = !root.flag;
      root.text = draw(2) ? `t${draw(5000)}` : long;
    },
    "push an object": () => list().push(new Node({})),
    "push texts": () => {
      for (let n = 0; n < 20; n++) list().push(`t${draw(3000)}`);
    },
    "pop to five": () => {
      while (list().length > 5) list().pop();
    },
    "replace an element": () => list().length && list().set(0, new Dict()),
    "add an entry": () => dict().set(`k${draw(300)}`, new Node({})),
    "add to a number": () => dict().add(`n${draw(300)}`, 1),
    "delete an entry": () => dict().delete(`k${draw(300)}`),
    update: () => dict().update(`u${draw(100)}`, (old) => (typeof old === "number" ? old : 0) + 1),
    "long keys and texts": () => dict().set(long + draw(5), long + draw(5)),
    "read long keys": () => dict().get(long + draw(5)),
    "walk a dict": () => dict().entries().length,
    "walk a list": () => list().toArray().length,
    scopes: () =>
      scope(() => {
        const node = new Node({ next: root.next });
        scope(() => new Node({ next: node }));
        return scope(() => node.next);
      }),
    "new list": () => (root.list = new List([1, { a: [1, 2, 3n] }, "x"])),
    "new dict": () =>
      (root.dict = new Dict<string, unknown>([
        ["a", 1],
        ["b", new Node({})],
      ])),
    // Containers that others know, empty when a dive begins: they grow at every depth.
    "grow a dict": () => {
      for (let n = 0; n < 6; n++) (root.grown as Dict<string, unknown>).set(`g${draw(9999)}`, new Node({}));
    },
    "grow a dict of numbers": () => {
      for (let n = 0; n < 6; n++) (root.grown as Dict<number, number>).add(draw(9999), 1);
    },
    "grow a list": () => {
      for (let n = 0; n < 6; n++) (root.pushed as List<unknown>).push([new Node({}), `p${draw(999)}`]);
    },
    "large lists": () => (root.pushed as List<unknown>).push(Array.from({ length: 3000 }, (_, n) => n)),
    "keep and release": () => keep(root)[Symbol.dispose](),
    "a batch of several": () =>
      m.heap.batch(() => {
        root.value += 1;
        new List([new Node({})]);
      }),
  };
}

/** Recurses until the stack is full, then calls `attempt` at each of the deepest `levels` depths, deepest first. */
function dive(levels: number, attempt: () => void): void {
  attempt(); // once where there is room: compiling it takes more stack than running it
  let left = levels;
  const go = (...padding: number[]): void => {
    try {
      go(...padding);
    } catch {
      // Full: from here up.
    }
    if (left-- > 0) attempt();
  };
  go(...Array.from({ length: levels % 5 }, (_, n) => n));
}

inBothModes((gil) => {
  it("leaves a heap that verifies, whatever ran out of stack wherever", () => {
    const m = machine({ gil });
    const draw = random(seed("stack"));
    const root = scope(() => new Node({ list: new List(), dict: new Dict(), grown: new Dict(), pushed: new List() }));
    const all = operations(m, root, draw);
    const names = Object.keys(all);
    const [out, odd] = [new Map<string, number>(), [] as unknown[]];
    let done = 0;
    const attempt = (name: string, wrap: number) => {
      const operation = all[name] as () => unknown;
      try {
        if (wrap === 0) operation();
        else if (wrap === 1) m.heap.batch(operation);
        else m.heap.batch(() => scope(() => void operation()));
        done++;
      } catch (error) {
        if (!(error instanceof RangeError)) odd.push(error);
        out.set(name, (out.get(name) ?? 0) + 1);
      }
    };
    // Whatever the compiler does to the frames of an operation, it has been done by then.
    for (const name of names) for (let n = 0; n < 300; n++) attempt(name, n % 3);
    for (let round = 0; round < 2; round++) {
      for (const name of names) {
        for (const wrap of [0, 1, 2]) {
          root.grown = new Dict();
          root.pushed = new List();
          dive(90 + draw(9), () => attempt(name, wrap));
          expect(odd, name).toEqual([]);
          expect(thread.scope, name).toBe(m.heap.root);
          expect(m.kernel.u32[(m.kernel.block + L.TB_STATE) >>> 2], name).toBe(L.THREAD_DETACHED);
        }
        const kept = [...m.heap.kept()].length;
        expect(kept, `${name}: kept handles are what the operation returned`).toBeGreaterThan(0);
        const { violations } = m.verify();
        expect(violations, name).toEqual([]);
      }
    }
    for (const name of names) expect(out.get(name), `${name} ran out of stack`).toBeGreaterThan(10);
    expect(done).toBeGreaterThan(300 * names.length);
  });

  it("a recursion that publishes growing containers until the stack is full leaves none locked", () => {
    const m = machine({ gil, mib: 64 });
    let list = new List<Dict<string, unknown> | List<unknown>>();
    const publish = (): void => {
      const [dict, items] = [new Dict<string, unknown>(), new List<unknown>()];
      list.push(dict);
      list.push(items);
      dict.set("object", new Node({ text: "held" }));
      dict.add("number", 1);
      items.push(new Node({}));
      publish();
    };
    const deep = (padding: number): void => (padding === 0 ? publish() : deep(padding - 1));
    // At another offset each time, so that each call in turn is the one that does not fit.
    for (let round = 0; round < 40; round++) {
      list[Symbol.dispose]();
      list = new List();
      m.heap.batch(() => expect(() => deep(2000 + round)).toThrow(RangeError));
      expect(m.verify().violations).toEqual([]);
      m.heap.batch(() => {
        for (let n = list.length - 20; n < list.length; n++) {
          const item = list.get(n);
          if (item instanceof Dict) item.set("object", 1);
        }
      });
    }
  });

  it("a step that runs out of stack goes on with its other handles", () => {
    const m = machine({ gil });
    m.heap.batch(() => {
      const nodes = Array.from({ length: 10 }, (_, n) => new Node({ value: n }));
      for (let round = 0; round < 20; round++) {
        dive(60, () => {
          try {
            scope(() => {
              const inner = new Node({ next: nodes[3] ?? null });
              scope(() => new List([inner, nodes[4]]));
              return inner;
            });
          } catch (error) {
            if (!(error instanceof RangeError)) throw error;
          }
        });
        expect(nodes.map((node) => node.value)).toEqual(nodes.map((_, n) => n));
        expect(thread.scope?.open).toBe(true);
        expect(m.kernel.u32[(m.kernel.block + L.TB_DEPTH) >>> 2]).toBe(1);
      }
      m.objects();
    });
  });
});
