/** Weak cells and the collector, on one machine, where each may come at the worst moment. */
import { atCut, findGarbage, judgeGarbage, keep, List, ref, scope, struct, u32, Weak } from "@ungil/heap";
import { Kernel } from "@ungil/kernel";
import { expect, it } from "vitest";
import { collect } from "./collecting.js";
import { inBothModes, machine } from "./support.js";

class Node extends struct("weakCollect.Node", { n: u32, next: ref((): any => Node), weak: ref((): any => Weak) }) {}

/** A ring of two, to which only the cell leads. */
const ring = (n: number) =>
  scope(() => {
    const a = new Node({ n });
    a.next = new Node({ n: n + 1, next: a });
    return new Weak(a);
  });

inBothModes((gil) => {
  it("clears the cells of garbage, and frees it", () => {
    const m = machine({ gil });
    const cells = [ring(1), ring(3)];
    expect(collect(m, () => undefined)).toBe(4);
    for (const cell of cells) expect(scope(() => cell.get())).toBe(undefined);
    m.objects();
    expect(collect(m, () => undefined)).toBe(0);
  });

  // An upgrade at any moment of the judgement either finds nothing, for good, or what it finds stays whole.
  it.each([0, 1, 2, 3, 4, 5, 6])("an upgrade before slice %i of the judgement", (moment) => {
    const m = machine({ gil });
    const [cell, other] = [ring(1), ring(3)];
    let found: Node | undefined;
    let slices = 0;
    const collected = collect(m, (slice) => {
      slices = slice;
      if (slice === moment) found = scope(() => cell.get() && keep(cell.get() as Node));
    });
    expect(slices).toBeGreaterThan(2);
    expect(scope(() => other.get())).toBe(undefined);
    expect(collected).toBe(found ? 2 : 4);
    if (moment < 2) expect(found).not.toBe(undefined);
    if (found) {
      expect([found.n, scope(() => found?.next.n), scope(() => found?.next.next.n)]).toEqual([1, 2, 1]);
      expect(scope(() => cell.get()?.n)).toBe(1);
      m.objects();
      scope(() => {
        (found as Node).next.next = null;
      });
    } else expect(scope(() => cell.get())).toBe(undefined);
    m.objects();
  });

  it("what has been reached, changed and let go of again is left to the next collection", () => {
    const m = machine({ gil });
    const cell = ring(1);
    const list = new List<unknown>();
    const collected = collect(m, (slice) => {
      if (slice === 0)
        scope(() => {
          const a = cell.get() as Node;
          list.push(a.next);
          a.next.next = null;
        });
    });
    expect(collected).toBe(0);
    m.settle();
    expect(scope(() => (list.get(0) as Node).n)).toBe(2);
    m.objects();
    expect(collect(m, () => undefined)).toBe(0);
  });

  it("gives up if no grace period ends: nothing has changed then, and the next collection finds it", () => {
    const m = machine({ gil });
    const cell = ring(1);
    const blocker = new Kernel(m.handle, 4);
    blocker.exports.threadInit();
    const collector = new Kernel(m.handle, 5);
    m.settle();
    const cut = atCut(collector, 1000, (taken) => taken);
    const work = findGarbage(collector, cut as NonNullable<typeof cut>);
    let step = work.next();
    while (!step.done) step = work.next();
    m.heap.x.snapshotClose((cut as NonNullable<typeof cut>).cut);
    blocker.exports.threadAttach(); // in a long step
    for (const _ of judgeGarbage(collector, (cut as NonNullable<typeof cut>).cut, step.value, 20)) m.step(m.heap);
    expect(step.value.found).toBe(0);
    blocker.exports.threadDetach();
    expect(scope(() => cell.get()?.next.n)).toBe(2);
    m.objects();
    expect(collect(m, () => undefined)).toBe(2);
    expect(scope(() => cell.get())).toBe(undefined);
  });
});
