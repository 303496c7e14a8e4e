/** Frames and records that a thread has in hand when it dies: they are found, and free again. */
import { Heap, id, List, Scope, scope, thread } from "@ungil/heap";
import { type HeapExports, Kernel, Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { inBothModes, machine, type TestMachine } from "./support.js";

/** A word of the block of slot 2, which dies here. */
const word = (m: TestMachine, field: number) => (m.kernel.threadBlock(2) + field) >>> 2;

/** First of so many neighbouring free frames, or the first free one of all. */
function freeFrames(m: TestMachine, length: number): number {
  const { kernel } = m;
  const isFree = (frame: number) =>
    (((kernel.u32[(kernel.control(L.CB_FRAME_MAP) >>> 2) + (frame >>> 5)] as number) >>> (frame & 31)) & 1) === 0;
  for (let frame = 0; ; frame++) if (Array.from({ length }, (_, n) => frame + n).every(isFree)) return frame;
}

const flip = (m: TestMachine, frame: number) => {
  const at = (m.kernel.control(L.CB_FRAME_MAP) >>> 2) + (frame >>> 5);
  m.kernel.u32[at] = (m.kernel.u32[at] as number) ^ (1 << (frame & 31));
};

inBothModes((gil) => {
  it("a thread that dies while it takes a run leaves the frames that it had taken", () => {
    const m = machine({ gil, mib: 4 });
    const free = m.framesFree();
    const first = freeFrames(m, 3);
    // Three of five: the map has them, nobody has counted them.
    for (let n = 0; n < 3; n++) flip(m, first + n);
    m.kernel.u32[word(m, L.TB_TAKING)] = first;
    m.kernel.u32[word(m, L.TB_TAKEN)] = 3;
    m.heap.x.residenceRecover(2);
    expect([freeFrames(m, 3), m.framesFree(), m.verify().violations]).toEqual([first, free, []]);
    m.heap.x.residenceRecover(2); // once only
    expect(m.verify().violations).toEqual([]);
  });

  it("a run that cannot be had whole is given back whole", () => {
    const m = machine({ gil, mib: 4 });
    scope(() => new List<number>(Array(5000).fill(1)));
    m.settle();
    expect(m.kernel.u32[(m.kernel.block + L.TB_TAKEN) >>> 2]).toBe(0);
    expect(m.verify()).toMatchObject({ violations: [], framesLost: 0 });
  });

  it("what JavaScript has in hand is known, and given back when its thread dies", () => {
    const m = machine({ gil, mib: 4 });
    const other = new Kernel(m.handle, 2).exports;
    const free = m.framesFree();
    const frames = Array.from({ length: 3 }, () => other.imageFrameTake() >>> 0);
    expect([m.framesFree(), m.verify().violations]).toEqual([free - 3, []]);
    other.imageFrameGive(frames[1] as number);
    expect([m.framesFree(), m.verify().violations]).toEqual([free - 2, []]);
    m.heap.x.residenceRecover(2);
    expect([m.framesFree(), m.verify().violations]).toEqual([free, []]);
  });

  it("a thread that dies while it makes a version leaves neither its record nor its frame", () => {
    const m = machine({ gil, mib: 4, slots: 3, swapMib: 64 });
    const lists = new List<List<number>>();
    for (let n = 0; n < 40; n++) scope(() => lists.push(new List(Array<number>(30_000).fill(n))));
    let died = 0;
    for (let round = 0; round < 12; round++) {
      const cut = m.heap.x.snapshotTake();
      const other = new Heap(new Kernel(m.handle, 2));
      const swap = other.kernel.swap!;
      for (const what of ["read", "write"] as const) {
        const whole = swap[what];
        swap[what] = (slot, frame) => {
          if (m.kernel.u32[word(m, L.TB_RECORD)]) throw new Error("the thread ends here");
          return whole.call(swap, slot, frame);
        };
      }
      const writes = () => {
        other.x.batchBegin();
        const running = new Scope(other, other.x, true);
        thread.scope = running;
        const shared = new (other.wrapOf(L.TYPE_LIST))(id(lists), running) as unknown as List<List<number>>;
        for (let n = 0; n < 40; n++) for (let k = 0; k < 30_000; k += 1500) shared.get(n)?.set(k, round);
      };
      try {
        writes();
        other.x.batchEnd();
      } catch (error) {
        expect(error).toMatchObject({ message: "the thread ends here" });
        died++;
      }
      thread.scope = m.heap.root;
      (m.heap.x as HeapExports & { syncAbandon(slot: number): void }).syncAbandon(2);
      m.heap.batch(() => m.heap.x.threadAdopt(2));
      other.close();
      m.heap.x.snapshotClose(cut);
      expect(m.verify()).toMatchObject({ violations: [], framesLost: 0 });
    }
    expect(died).toBeGreaterThan(6);
    m.objects();
  });
});
