/** Who may give up what snapshots keep, and when: nobody while the main thread reads it, and no longer than it lives. */
import { List } from "@ungil/heap";
import { Kernel, Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { inBothModes, machine } from "./support.js";

inBothModes((gil) => {
  it("versions go with the oldest snapshots, while the main thread reads none", () => {
    const m = machine({ gil, mib: 4 });
    const { x, kernel } = m.heap;
    const other = new Kernel(m.handle, 2).exports;
    const list = new List<number>(Array.from({ length: 20_000 }, (_, n) => n));
    const write = () => m.heap.batch(() => Array.from({ length: 10 }, (_, n) => list.set(2000 * n, -n)));
    expect(other.reclaimPast()).toBe(0);
    const cuts = [x.snapshotTake()];
    write();
    cuts.push(x.snapshotTake());
    write();
    cuts.push(x.snapshotTake());
    const whole = () => cuts.map((cut) => x.snapshotIsWhole(cut));
    x.pastEnter();
    x.pastEnter();
    expect(other.reclaimPast()).toBe(-1);
    x.pastLeave();
    expect(other.reclaimPast()).toBe(-1);
    x.pastLeave();
    expect(whole()).toEqual([1, 1, 1]);
    expect(other.reclaimPast()).toBe(1);
    expect(whole()).toEqual([0, 1, 1]);
    x.pastEnter();
    expect(x.reclaimPast()).toBe(1); // the main thread itself may at any time
    x.pastLeave();
    expect(whole()).toEqual([0, 0, 1]);
    expect([kernel.control(L.CB_VERSIONS), kernel.control(L.CB_VERSION_FRAMES)]).toEqual([0, 0]);
    expect([x.reclaimPast(), other.reclaimPast()]).toEqual([0, 0]); // the last one needs nothing
    expect(whole()).toEqual([0, 0, 1]);
    for (const cut of cuts) x.snapshotClose(cut);
    expect(m.verify().violations).toEqual([]);
  });

  it("a thread that ended while it dropped versions keeps nobody waiting", () => {
    const m = machine({ gil, mib: 4 });
    const { x, kernel } = m.heap;
    const lock = (L.CB + L.CB_PAST_LOCK) >>> 2;
    kernel.u32[lock] = 3;
    let asked = 0;
    kernel.lockAwaited = () => {
      asked++;
      x.residenceRecover(2);
      expect(kernel.u32[lock]).toBe(3);
      x.residenceRecover(3);
    };
    x.pastEnter();
    expect([asked, kernel.u32[lock]]).toEqual([1, L.PAST_READER]);
    x.pastLeave();
    expect(kernel.u32[lock]).toBe(0);
  });
});
