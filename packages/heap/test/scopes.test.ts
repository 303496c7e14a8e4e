/** Scopes: how long handles work, and who keeps an object alive. */

import { inspect } from "node:util";
import {
  type Class,
  Dict,
  f64,
  Heap,
  id,
  is,
  keep,
  List,
  ref,
  refcount,
  scope,
  sizeof,
  str,
  struct,
  thread,
} from "@ungil/heap";
import { createMachine, defineInternalTypes, Kernel, Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { failure, inBothModes, machine } from "./support.js";

class Node extends struct("Node", {
  value: f64,
  text: str,
  next: ref((): Class<Node> => Node),
  items: ref(() => List),
}) {}

inBothModes((gil) => {
  it("a late use throws, whatever it is, and makes no kernel call", () => {
    const handle = createMachine({ heapBytes: 4 << 20, slots: 3, gil });
    const kernel = new Kernel(handle, 1);
    defineInternalTypes(kernel.exports);
    let calls = 0;
    const counted = Object.fromEntries(
      Object.entries(kernel.exports).map(([name, call]) => [
        name,
        (...args: number[]) => {
          calls++;
          return (call as (...args: number[]) => number)(...args);
        },
      ]),
    );
    Object.defineProperty(kernel, "exports", { value: counted });
    const heap = new Heap(kernel);
    thread.scope = heap.root;
    heap.batch(() => {
      const made: [Node, List<unknown>, Dict<string, number>][] = [];
      scope(() => void made.push([new Node({ value: 1 }), new List<unknown>([1]), new Dict([["a", 1]])]));
      const [node, list, dict] = made[0] as (typeof made)[0];
      const other = new Node({});
      const uses: [string, () => unknown][] = [
        ["get a number", () => node.value],
        ["get a text", () => node.text],
        ["get a reference", () => node.next],
        ["set a number", () => (node.value = 2)],
        ["set a text", () => (node.text = "x")],
        ["set a reference", () => (node.next = null)],
        ["store it in a field", () => (other.next = node)],
        ["build with it", () => new Node({ next: node })],
        ["list.length", () => list.length],
        ["list.get", () => list.get(0)],
        ["list.set", () => list.set(0, 5)],
        ["list.push", () => list.push(5)],
        ["list.pop", () => list.pop()],
        ["list.toArray", () => list.toArray()],
        ["iterate a list", () => [...list]],
        ["dict.size", () => dict.size],
        ["dict.get", () => dict.get("a")],
        ["dict.has", () => dict.has("a")],
        ["dict.set", () => dict.set("a", 2)],
        ["dict.add", () => dict.add("a", 2)],
        ["dict.update", () => dict.update("a", () => 2)],
        ["dict.delete", () => dict.delete("a")],
        ["dict.keys", () => dict.keys()],
        ["iterate a dict", () => [...dict]],
        ["keep", () => keep(node)],
        ["id", () => id(list)],
        ["is", () => is(dict, dict)],
        ["refcount", () => refcount(node)],
        ["sizeof", () => sizeof(node)],
      ];
      for (const [name, use] of uses) {
        const before = calls;
        expect(failure(use), name).toMatch(
          /^RELEASED_HANDLE: This (Node|List|Dict) was released: its scope has closed. Use keep\(object\)/,
        );
        expect(calls, name).toBe(before);
      }
      const before = calls;
      expect(inspect([node, list, dict])).toBe("[ Node (released), List (released), Dict (released) ]");
      expect(calls).toBe(before);
      const empty = new List<unknown>();
      expect(failure(() => empty.push(node))).toMatch(/^RELEASED_HANDLE/);
      expect(failure(() => new Dict([["a", list]]))).toMatch(/^RELEASED_HANDLE/);
      expect(empty.length).toBe(0);
    });
    expect(calls).toBeGreaterThan(0);
    heap.close();
  });

  it("what a scope returns lives on in the outer one, also inside plain arrays and objects, and nothing else does", () => {
    const m = machine({ gil });
    m.heap.batch(() => {
      let lost: Node | undefined;
      const inner = scope(() => {
        lost = new Node({ value: 3 });
        const twice = new Node({ value: 1 });
        const value = { list: [twice, { twice }], frozen: Object.freeze([new List([7])]), self: null as unknown };
        value.self = value;
        return scope(() => value);
      });
      const [first, { twice }] = inner.list as unknown as [Node, { twice: Node }];
      expect([first.value, twice.value, is(first, twice)]).toEqual([1, 1, true]);
      expect((inner.frozen[0] as List<number>).get(0)).toBe(7);
      expect(failure(() => (lost as Node).value)).toMatch(/^RELEASED_HANDLE/);
      for (let n = 0; n < 2000; n++) scope(() => new Node({}));
      expect(first.value).toBe(1);
    });
    m.settle();
  });

  it("an async function is refused", () => {
    const m = machine({ gil });
    const works = [
      async () => undefined,
      () => Promise.reject(new Error("nobody sees it")),
      // biome-ignore lint/suspicious/noThenProperty: what is awaited need not be a Promise
      () => ({ then: () => undefined }),
    ];
    const check = () => {
      for (const work of works)
        expect(failure(() => scope(work as () => unknown))).toMatch(/^ASYNC_SCOPE: .*synchronous/);
    };
    check();
    m.heap.batch(check);
    m.settle();
  });

  it("after the heap has closed every use says so", () => {
    const m = machine({ gil });
    const node = new Node({ value: 1 });
    const released = new Node({});
    released[Symbol.dispose]();
    let late: Node | undefined;
    m.heap.batch(() => {
      late = new Node({});
    });
    m.heap.close();
    for (const handle of [node, released, late as Node]) {
      const uses = [
        () => handle.value,
        () => id(handle),
        () => keep(handle),
        () => refcount(handle),
        () => is(handle, handle),
      ];
      for (const use of uses) expect(failure(use)).toBe("RUNTIME_CLOSED: This runtime is closed");
      expect(inspect(handle)).toBe("Node (closed)");
    }
    expect(() => node[Symbol.dispose]()).not.toThrow();
  });

  it("frees what a scope made and nobody stored, at once, without limbo", () => {
    const m = machine({ gil });
    new Node({}); // the type is registered
    m.settle();
    m.heap.batch(() => {
      const [limbo, allocations] = [m.counter(L.COUNTER_LIMBO), m.counter(L.COUNTER_ALLOCATIONS)];
      const before = m.objects();
      scope(() => {
        let first: Node | null = null;
        for (let n = 0; n < 5000; n++) first = new Node({ value: n, next: first });
        expect(m.objects()).toBe(before + 5000);
      });
      expect(m.objects()).toBe(before);
      expect(m.counter(L.COUNTER_ALLOCATIONS)).toBe(allocations + 5000);
      expect(m.counter(L.COUNTER_LIMBO)).toBe(limbo);
    });
  });

  it("drops parents and children whichever came first, once", () => {
    const m = machine({ gil });
    m.heap.batch(() => {
      new Node({});
      const before = m.objects();
      scope(() => {
        const parent = new Node({});
        parent.next = new Node({}); // newer than its parent
        const child = new Node({});
        new Node({ next: child });
        new Node({ next: child });
        const shared = new Node({ next: child });
        new List([shared, shared, parent]);
      });
      expect(m.objects()).toBeLessThanOrEqual(before + 3); // shared twice: those wait in limbo
    });
    m.settle();
  });

  it("an object of an outer scope survives the inner one whose newborn held it", () => {
    const m = machine({ gil });
    m.heap.batch(() => {
      scope(() => {
        const child = new Node({ value: 7 });
        const shared = new Node({ value: 8 });
        scope(() => {
          const inner = new Node({ next: child });
          scope(() => new List([inner.next, shared, new Node({ next: shared })]));
          new Node({ next: shared });
        });
        expect([child.value, shared.value]).toEqual([7, 8]);
        for (let n = 0; n < 1000; n++) new Node({ value: -1 }); // would reuse their blocks
        expect([child.value, shared.value]).toEqual([7, 8]);
        m.objects();
      });
    });
    m.settle();
  });

  it("a handle that a scope returns belongs to the outer one", () => {
    const m = machine({ gil });
    m.heap.batch(() => {
      let late: Node | undefined;
      scope(() => {
        const node = scope(() => scope(() => scope(() => new Node({ value: 5, next: new Node({ value: 6 }) }))));
        for (let n = 0; n < 1000; n++) scope(() => new Node({ value: -1 }));
        expect([node.value, node.next?.value]).toEqual([5, 6]);
        const child = scope(() => node.next);
        expect(child?.value).toBe(6);
        const same = scope(() => node);
        expect(is(same, node)).toBe(true);
        late = node;
        m.objects();
      });
      expect(failure(() => late?.value)).toMatch(/^RELEASED_HANDLE/);
    });
    // Outside a batch: a kept one.
    const kept = scope(() => new Node({ value: 9 }));
    expect(kept.value).toBe(9);
    const [a, b] = scope(() => [new Node({ value: 1 }), { deep: [new Node({ value: 2 })] }] as const);
    expect([a.value, b.deep[0]?.value]).toEqual([1, 2]);
  });

  it("a batch may return plain data that refers to itself", () => {
    machine({ gil });
    const made = scope(() => {
      const value: { node: Node; self?: unknown; list: unknown[] } = { node: new Node({ value: 3 }), list: [] };
      value.self = value;
      value.list.push(value.list, value);
      return value;
    });
    expect(made.node.value).toBe(3);
    expect(made.self).toBe(made);
  });

  it("closes when its work throws, and passes the error on", () => {
    const m = machine({ gil });
    let late: Node | undefined;
    m.heap.batch(() => {
      const outer = new Node({ value: 1 });
      expect(() =>
        scope(() => {
          late = new Node({ next: outer });
          scope(() => {
            throw new RangeError("mine");
          });
        }),
      ).toThrow(new RangeError("mine"));
      expect(failure(() => late?.value)).toMatch(/^RELEASED_HANDLE/);
      expect(outer.value).toBe(1);
      expect(new Node({}).value).toBe(0);
    });
    expect(() =>
      m.heap.batch(() => {
        late = new Node({});
        throw new Error("mine");
      }),
    ).toThrow("mine");
    expect(failure(() => late?.value)).toMatch(/^RELEASED_HANDLE/);
    expect(thread.scope).toBe(m.heap.root);
  });

  it("what is stored survives its scope, read through a later one", () => {
    const m = machine({ gil });
    const root = new Node({});
    const list = new List<Node>();
    m.heap.batch(() => {
      for (let n = 0; n < 3000; n++) {
        scope(() => {
          root.next = new Node({ value: n, text: `t${n}`, next: root.next });
          list.push(new Node({ value: -n }));
        });
      }
    });
    m.settle();
    m.objects();
    m.heap.batch(() => {
      let node = root.next;
      for (let n = 2999; n >= 0; n--, node = node?.next ?? null)
        expect([node?.value, node?.text]).toEqual([n, `t${n}`]);
      expect(node).toBeNull();
      for (let n = 0; n < 3000; n++) expect(list.get(n)?.value).toBe(-n);
    });
  });

  it("handles of outer scopes stay good while inner ones pass safepoints", () => {
    const m = machine({ gil });
    const list = new List<Node | null>([null]);
    m.heap.batch(() => {
      const made = Array.from({ length: 100 }, (_, n) => new Node({ value: n }));
      list.set(0, new Node({ value: 100 }));
      const read = list.get(0);
      const safepoints = m.counter(L.COUNTER_SAFEPOINTS);
      for (let round = 0; round < 20; round++) {
        scope(() => {
          for (let n = 0; n < 3000; n++) list.set(0, new Node({ value: -1 })); // each replaced one goes to limbo
        });
        expect(made.map((node) => node.value)).toEqual(made.map((_, n) => n));
        expect(read?.value).toBe(100);
      }
      expect(m.counter(L.COUNTER_SAFEPOINTS)).toBeGreaterThan(safepoints + 10);
      expect(m.limbo()).toBeLessThan(20_000);
    });
    list.set(0, null);
  });

  it.each([62, 63, 64, 65, 300, 1100, 2100])("nests %i deep", (depth) => {
    const m = machine({ gil });
    m.heap.batch(() => {
      const outer = new Node({ value: -1 });
      const go = (n: number): void => {
        const node = new Node({ value: n, next: outer });
        if (n < depth) scope(() => go(n + 1));
        expect([node.value, node.next?.value]).toEqual([n, -1]);
        const word = m.kernel.u32[m.kernel.walk(id(node)) >>> 2] as number;
        expect(word & ~L.TYPE_MASK).toBe(0); // no flag of the header
        if (n === depth) m.objects();
      };
      go(1);
      expect(outer.value).toBe(-1);
    });
  });
});
