/** Steps: what a coroutine's yield does to its handles, through the calls that the scheduler makes. */
import { type Class, f64, List, ref, refcount, Scope, scope, struct, thread } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { inBothModes, machine, type TestMachine } from "./support.js";

class Node extends struct("Node", { value: f64, next: ref((): Class<Node> => Node) }) {}

/** Runs a coroutine that has no task: its pins are the thread's own. `step` is called until it returns true. */
function run(m: TestMachine, step: (n: number) => boolean): void {
  const { heap } = m;
  heap.x.batchBegin();
  const running = new Scope(heap, heap.x, true);
  thread.scope = running;
  try {
    for (let n = 0; !step(n); n++) expect(heap.x.stepEnd()).toBe(0);
  } finally {
    running.open = false;
    thread.scope = heap.root;
    heap.x.batchEnd();
  }
}

function pins(m: TestMachine): number[] {
  const { kernel } = m;
  const address = kernel.u32[(kernel.block + L.TB_OWN_PINS) >>> 2] as number;
  if (!address) return [];
  const at = kernel.walk(address) >>> 2;
  const count = kernel.u32[at + (L.PINS_COUNT >>> 2)] as number;
  return [...kernel.u32.subarray(at + (L.PINS_DATA >>> 2), at + (L.PINS_DATA >>> 2) + count)];
}

inBothModes((gil) => {
  it("handles live across yields: pinned, counted, released with the coroutine", () => {
    const m = machine({ gil });
    const list = scope(() => new List([new Node({ value: 1 }), new Node({ value: 2 })]));
    let [mine, read] = [null, null] as (Node | null)[];
    run(m, (n) => {
      if (n === 0) {
        mine = new Node({ value: 3 });
        read = list.get(0) ?? null;
        list.set(0, new Node({ value: 4 })); // now only this coroutine has it
        expect(refcount(read as Node)).toBe(0);
      } else {
        expect([mine?.value, read?.value, list.get(0)?.value]).toEqual([3, 1, 4]);
        expect([refcount(mine as Node), refcount(read as Node)]).toEqual([1, 1]);
        m.objects();
      }
      return n === 10;
    });
    expect(pins(m)).toEqual([]);
    m.settle();
    expect(m.objects()).toBe(2 + 1 + m.typeStrings() + 1); // the nodes, the list, its items
  });

  it("one object is pinned once, however often it is read across yields", () => {
    const m = machine({ gil });
    const list = scope(() => new List(Array.from({ length: 10 }, (_, n) => new Node({ value: n }))));
    run(m, (n) => {
      for (let k = 0; k < 300; k++) expect(list.get(k % 10)?.value).toBe(k % 10);
      expect(pins(m).length).toBeLessThan(200);
      return n === 500;
    });
    m.heap.batch(() => expect(refcount(list.get(3) as Node)).toBe(1));
  });

  it("a yield is a safepoint: what nobody holds is destroyed, what a handle holds is not", () => {
    const m = machine({ gil });
    const list = new List<Node | null>([null]);
    let held: Node | null = null;
    run(m, (n) => {
      if (n === 0) held = new Node({ value: 42 });
      for (let k = 0; k < 100; k++) list.set(0, new Node({ value: k }));
      expect(held?.value).toBe(42);
      return n === 2000;
    });
    // 200,000 nodes went by; pins of dropped handles are what a coroutine keeps until it ends.
    m.settle();
    expect(m.objects()).toBeLessThan(20 + m.typeStrings());
  });

  it("filters what is read again within a step", () => {
    const m = machine({ gil });
    const list = scope(() => new List(Array.from({ length: 100 }, (_, n) => new Node({ value: n }))));
    const before = m.framesFree();
    m.heap.batch(() => {
      for (let k = 0; k < 1_000_000; k++) list.get(k % 100);
      expect(before - m.framesFree()).toBeLessThan(20);
    });
  });
});
