/** Weak references on one machine: what they lead to, until when, and what happens to cells and objects in every order of deaths. */
import { Dict, dict, f64, is, keep, List, ref, release, scope, struct, thread, Weak } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { inBothModes, machine, random, seed, type TestMachine } from "./support.js";

class Node extends struct("weak.Node", {
  n: f64,
  next: ref((): any => Node),
  weak: ref((): any => Weak),
  more: dict(),
}) {}

/** Lets limbo be judged so often. */
function rounds(m: TestMachine, n: number): void {
  for (let k = 0; k < n; k++) m.step(m.heap);
}

inBothModes((gil) => {
  it("lead to an object as long as it lives, and to nothing afterwards", () => {
    const m = machine({ gil });
    const node = new Node({ n: 7 });
    const weak = new Weak(node);
    scope(() => {
      expect(is(weak.get(), node)).toBe(true);
      expect(weak.get()?.n).toBe(7);
    });
    m.settle();
    expect(scope(() => is(weak.get(), node))).toBe(true);
    release(node);
    m.settle();
    expect(weak.get()).toBe(undefined);
    expect(m.objects()).toBeGreaterThan(0);
  });

  it("do not keep it alive: with the last reference it dies", () => {
    const m = machine({ gil });
    const weak = scope(() => new Weak(new Node({ n: 1 })));
    m.settle();
    expect(scope(() => weak.get() === undefined)).toBe(true);
    const list = new List<Node>();
    const other = scope(() => {
      list.push(new Node({ n: 2 }));
      return new Weak(list.get(0)!);
    });
    m.settle();
    expect(scope(() => other.get()!.n)).toBe(2);
    scope(() => void list.pop());
    m.settle();
    expect(scope(() => other.get() === undefined)).toBe(true);
    expect(m.objects()).toBeGreaterThan(0);
  });

  it("of a newborn: it leaves its scope alive only if somebody stores it", () => {
    const m = machine({ gil });
    const kept = new Node({ n: 0 });
    scope(() => {
      const a = new Node({ n: 1 });
      kept.weak = new Weak(a);
      kept.next = a;
    });
    m.settle();
    expect(scope(() => kept.weak.get().n)).toBe(1);
    kept.next = null;
    m.settle();
    expect(scope(() => kept.weak.get())).toBe(undefined);
    scope(() => {
      // What a private parent holds is private no more once it can be reached otherwise.
      const child = new Node({ n: 3 });
      const parent = new Node({ n: 2, next: child });
      kept.weak = new Weak(child);
      parent.n = 4;
    });
    expect(m.objects()).toBeGreaterThan(0);
    m.settle();
    expect(scope(() => kept.weak.get())).toBe(undefined);
  });

  it("an upgrade holds the object over its judgement, as often as it is repeated", () => {
    const m = machine({ gil });
    const weak = scope(() => new Weak(new Node({ n: 5 })));
    for (let n = 0; n < 20; n++) {
      expect(scope(() => weak.get()?.n)).toBe(5); // each step is over before the grace period is
    }
    const again = scope(() => keep(weak.get()!));
    m.settle();
    expect(again.n).toBe(5);
    expect(
      is(
        scope(() => keep(weak.get()!)),
        again,
      ),
    ).toBe(true);
    release(again);
    expect(m.objects()).toBeGreaterThan(0);
  });

  it("there is one an object, as long as it lives", () => {
    const m = machine({ gil });
    const node = new Node({ n: 1 });
    scope(() => {
      const [a, b] = [new Weak(node), new Weak(node)];
      expect(is(a, b)).toBe(true);
      expect(is(a, new Weak(new Node({ n: 2 })))).toBe(false);
    });
    m.settle();
    const before = m.objects();
    scope(() => new Weak(node).get());
    m.settle();
    expect(m.objects()).toBe(before);
  });

  it("of weak references, and of themselves through their object", () => {
    const m = machine({ gil });
    const kept = new Node({ n: 1 });
    scope(() => {
      kept.weak = new Weak(kept);
      kept.more = new Dict<string, unknown>([["weak", new Weak(new Weak(kept))]]) as never;
    });
    m.settle();
    expect(scope(() => is(kept.weak.get(), kept))).toBe(true);
    expect(scope(() => is((kept.more as any).get("weak").get(), kept.weak))).toBe(true);
    m.objects();
  });

  it("the cell may die first, or at the same time", () => {
    const m = machine({ gil });
    const kept = new Node({ n: 1 });
    m.settle();
    scope(() => new Weak(kept).get());
    m.settle();
    m.objects();
    scope(() => {
      const a = new Node({ n: 2 });
      a.weak = new Weak(a);
      kept.next = a;
    });
    kept.next = null;
    m.settle();
    m.objects();
    scope(() => {
      const list = new List<unknown>();
      for (let n = 0; n < 100; n++) {
        const a = new Node({ n });
        if (n % 3) list.push(a);
        if (n % 2) list.push(new Weak(a));
      }
      kept.more = new Dict<string, unknown>([["list", list]]) as never;
    });
    m.settle();
    m.objects();
    (kept.more as any).delete("list");
    m.settle();
    m.objects();
  });

  it("an object is freed only after a second grace period, and no upgrade succeeds in between", () => {
    const m = machine({ gil });
    const other = m.slot(2);
    const weak = scope(() => new Weak(new Node({ n: 1 })));
    // Another thread stands in a step: nothing is judged meanwhile.
    other.x.threadAttach();
    rounds(m, 20);
    expect(m.limbo()).toBeGreaterThan(0);
    other.x.threadDetach();
    let seen = 0;
    for (let n = 0; n < 50 && m.limbo() > 0; n++) {
      m.step(m.heap);
      const isDead = m.kernel.u32[(m.kernel.walk(addressIn(weak)) + L.WEAK_TARGET) >>> 2] === 0;
      if (isDead && m.limbo() > 0) seen++;
      m.objects();
    }
    expect(seen).toBeGreaterThan(0);
    expect(scope(() => weak.get())).toBe(undefined);
  });

  it("in random order, with other references that come and go", () => {
    const m = machine({ gil, mib: 32 });
    const draw = random(seed(`weak ${gil}`));
    const nodes = new List<Node | null>();
    const cells = new List<Weak<Node> | null>();
    const size = 40;
    for (let n = 0; n < size; n++) {
      nodes.push(null);
      cells.push(null);
    }
    for (let n = 0; n < 3000; n++) {
      scope(() => {
        const [at, to] = [draw(size), draw(size)];
        const node = nodes.get(at);
        const cell = cells.get(to);
        const found = cell?.get();
        switch (draw(7)) {
          case 0:
            nodes.set(at, new Node({ n }));
            break;
          case 1:
            if (node) cells.set(to, new Weak(node));
            break;
          case 2:
            nodes.set(at, null);
            break;
          case 3:
            cells.set(to, null);
            break;
          case 4:
            if (found) nodes.set(at, found); // resurrected, perhaps
            break;
          case 5:
            if (node && found) node.next = draw(2) ? null : draw(4) ? null : new Node({ n: -1 });
            if (node && cell) node.weak = cell;
            break;
          default:
            if (found) expect(found.n).toBeLessThanOrEqual(n);
        }
      });
      if (n % 500 === 0) m.objects();
    }
    m.settle();
    m.objects();
    scope(() => {
      for (let n = 0; n < size; n++) nodes.set(n, null);
    });
    m.settle();
    scope(() => {
      for (let n = 0; n < size; n++) expect(cells.get(n)?.get()).toBe(undefined);
    });
    expect(thread.scope).not.toBe(null);
  });

  it("refuse what is no shared object, and the object of another runtime", () => {
    const m = machine({ gil });
    expect(() => new Weak({} as never)).toThrow(expect.objectContaining({ name: "NotSharedError" }));
    expect(() => new Weak("text" as never)).toThrow(expect.objectContaining({ name: "NotSharedError" }));
    const node = new Node({ n: 1 });
    const second = machine({ gil });
    expect(second).not.toBe(m);
    expect(() => new Weak(node)).toThrow(expect.objectContaining({ name: "ForeignObjectError" }));
    thread.scope = m.heap.root;
  });
});

function addressIn(wrapper: object): number {
  const [address] = Object.getOwnPropertySymbols(wrapper).filter((symbol) => symbol.description === "address");
  return ((wrapper as Record<symbol, number>)[address as symbol] as number) >>> 0;
}
