/** Frames of empty pages go back when a thread comes to rest, and not before; and never while somebody may have a translation. */
import { readHeapStats } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { inBothModes, machine, type TestMachine } from "./support.js";

const KEPT = (256 << 10) / L.PAGE_SIZE; // more empty pages than this are given back at once

/** Makes so many pages of objects and drops them all. */
function fill(m: TestMachine, pages: number): void {
  const { x } = m.heap;
  const type = L.TYPE_FIRST_USER + 40;
  x.typeDefine(type, 512, 0, 0);
  m.heap.batch(() => {
    for (let n = 0; n < (pages * L.PAGE_SIZE) / 512; n++) x.structNew(type);
  });
}

function rest(m: TestMachine): void {
  m.heap.batch(() => m.heap.x.limboSettle());
}

const used = (m: TestMachine) => m.kernel.control(L.CB_FRAMES) - m.framesFree();
const frames = (m: TestMachine) => readHeapStats(m.kernel, true, false).frames.by;

inBothModes((gil) => {
  it("after much was freed", () => {
    const m = machine({ gil });
    rest(m);
    const before = used(m);
    fill(m, 200);
    expect(frames(m).emptyPages).toBeGreaterThanOrEqual(190);
    rest(m);
    expect(frames(m).emptyPages).toBe(0);
    expect(used(m)).toBeLessThanOrEqual(before + 4); // a page of the class; lists that have grown keep spare chunks
    expect(m.verify().violations).toEqual([]);
    fill(m, 200); // and they can be had again
    expect(m.verify().violations).toEqual([]);
  });

  it("a few stay, until it rests again with nothing done meanwhile", () => {
    const m = machine({ gil });
    fill(m, KEPT - 2);
    rest(m);
    expect(frames(m).emptyPages).toBeGreaterThan(KEPT - 8);
    rest(m);
    expect(frames(m)).toMatchObject({ emptyPages: 0, smallPages: 0, retired: 0 });
    expect(m.verify().violations).toEqual([]);
  });

  it("not while another thread is attached, which may have translations of them", () => {
    const m = machine({ gil });
    const other = m.slot(2);
    other.x.threadAttach();
    fill(m, 200);
    for (let n = 0; n < 3; n++) rest(m);
    expect(frames(m).emptyPages).toBeGreaterThanOrEqual(190);
    other.x.threadDetach();
    rest(m);
    expect(frames(m).emptyPages).toBe(0);
  });

  it("pages whose blocks another thread has freed are given back by their owner", () => {
    const m = machine({ gil });
    const other = m.slot(2);
    const type = L.TYPE_FIRST_USER + 40;
    m.heap.x.typeDefine(type, 512, 0, 0);
    const made = m.heap.batch(() =>
      Array.from({ length: 2000 }, () => {
        const address = m.heap.x.structNew(type);
        m.heap.x.countIncrement(address);
        return address;
      }),
    );
    other.x.batchBegin();
    for (const address of made) other.x.countDecrement(address);
    other.x.batchEnd();
    for (let n = 0; n < 16; n++) for (const heap of [m.heap, other]) m.step(heap);
    expect(readHeapStats(m.kernel, true, false).threads.find(({ id }) => id === 1)?.remoteFrees).toBe(2000);
    for (let n = 0; n < 2; n++) rest(m);
    expect(frames(m)).toMatchObject({ emptyPages: 0, smallPages: 0 });
    expect(m.verify().violations).toEqual([]);
  });
});
