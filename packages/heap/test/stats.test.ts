/** Figures of the heap, of a machine that stands still: what they say of damage and loss. (Their equations: packages/runtime/test/heap.test.ts.) */
import { List, readHeapStats } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { inBothModes, machine } from "./support.js";

inBothModes((gil) => {
  it("a frame that nobody is known to have is unaccounted for, until it is given back", () => {
    const m = machine({ gil });
    const { x } = m.heap;
    const unaccounted = () => readHeapStats(m.kernel, true, false).frames.unaccounted;
    expect(unaccounted()).toBe(0);
    const frame = x.imageFrameTake();
    expect(unaccounted()).toBe(1);
    x.imageFrameGive(frame);
    expect(unaccounted()).toBe(0);
  });

  it("blocks freed by another thread than their page's are counted as such, until they are taken back", () => {
    const m = machine({ gil });
    const other = m.slot(2);
    const list = m.heap.batch(() => m.heap.keep(new List() as never)) as unknown as List<number>;
    const lists = () => readHeapStats(m.kernel, true, true).classes.find(({ size }) => size === 16);
    const before = lists();
    expect(before).toMatchObject({ inUse: 1, remote: 0 });
    // The other thread gets its only count, and gives it back.
    const [address] = [...m.heap.kept()];
    other.x.batchBegin();
    other.x.countIncrement(address!);
    other.x.batchEnd();
    (list as unknown as Disposable)[Symbol.dispose]();
    other.x.batchBegin();
    other.x.countDecrement(address!);
    other.x.batchEnd();
    for (let n = 0; n < 8; n++) for (const heap of [m.heap, other]) m.step(heap);
    expect(lists()).toMatchObject({ inUse: 0, remote: 1 });
    expect(readHeapStats(m.kernel, true, false).threads.find(({ id }) => id === 1)?.remoteFrees).toBe(1);
  });

  it("a list that goes round ends the walk, and nothing else", () => {
    const m = machine({ gil });
    const spare = (m.kernel.block + L.TB_CHUNKS) >>> 2;
    const first = m.kernel.u32[(m.kernel.block + L.TB_BORROW_FIRST) >>> 2]!;
    const before = m.kernel.u32[first >>> 2]!;
    const old = m.kernel.u32[spare]!;
    m.kernel.u32[spare] = first;
    m.kernel.u32[first >>> 2] = first;
    expect(readHeapStats(m.kernel, false, false).frames.by.spareChunks).toBe(1);
    m.kernel.u32[first >>> 2] = before;
    m.kernel.u32[spare] = old;
  });
});
