/** A thread that died while it judged an object: whoever takes its heap over goes on with that. */
import { f64, Heap, List, ref, scope, struct, thread, verifyHeap, Weak } from "@ungil/heap";
import { Kernel, Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { inBothModes, machine } from "./support.js";

class Node extends struct("journal.Node", { n: f64, next: ref((): any => Node) }) {}

inBothModes((gil) => {
  it.each([
    ["before it had decided", 0],
    ["when the object was dying, and its cells not yet cleared", L.COUNT_DYING],
  ])("%s", (_, state) => {
    const m = machine({ gil, slots: 5 });
    const cells = new List<Weak<Node>>();
    const other = new Heap(new Kernel(m.handle, 2));
    const blocker = new Kernel(m.handle, 3);
    blocker.exports.threadInit();
    blocker.exports.threadAttach(); // no grace period ends meanwhile
    m.on(other, () =>
      other.batch((running) => {
        const shared = new (other.wrapOf(L.TYPE_LIST))(
          (cells as any)[symbolOf(cells)],
          running,
        ) as unknown as List<unknown>;
        for (let n = 0; n < 3; n++) shared.push(new Weak(new Node({ n, next: new Node({ n }) })));
      }),
    );
    const { u32 } = m.kernel;
    const block = m.kernel.threadBlock(2);
    // The first object leaves the list, as it does when it is judged. Its cell came before it.
    expect(u32[(block + L.TB_LIMBO_COUNT) >>> 2]).toBe(6);
    const head = u32[(block + L.TB_LIMBO_HEAD) >>> 2] || u32[(block + L.TB_LIMBO_FIRST) >>> 2]! + L.CHUNK_HEADER;
    const [cell, address] = [u32[head >>> 2] as number, u32[(head + 8) >>> 2] as number];
    u32[(head + 8) >>> 2] = cell;
    u32[(block + L.TB_LIMBO_HEAD) >>> 2] = head + 8;
    u32[(block + L.TB_LIMBO_COUNT) >>> 2]!--;
    u32[(block + L.TB_JOURNAL_JUDGED) >>> 2] = address;
    const word = (m.kernel.walk(address) + L.OBJECT_COUNT) >>> 2;
    if (state) u32[word] = ((u32[word]! & ~L.COUNT_FLAGS) | state) >>> 0;
    expect(u32[word]! >>> L.COUNT_SHIFT).toBe(0);
    thread.scope = m.heap.root;
    m.heap.batch(() => m.heap.x.threadAdopt(2));
    expect(u32[(block + L.TB_JOURNAL_JUDGED) >>> 2]).toBe(0);
    expect(verifyHeap(m.kernel, m.kept()).violations).toEqual([]);
    blocker.exports.threadDetach();
    m.settle();
    expect(scope(() => cells.toArray().map((cell) => cell.get()))).toEqual([undefined, undefined, undefined]);
    other.close();
  });
});

function symbolOf(wrapper: object): symbol {
  return Object.getOwnPropertySymbols(wrapper).find(({ description }) => description === "address") as symbol;
}
