// Weak references in snapshots, restored heaps and images, and after the end of a thread.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Dict, is, List, release } from "@ungil/heap";
import { finalize, Runtime, type Snapshot, weak } from "@ungil/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { c } from "./fixtures/basic.mjs";
import { Node, w } from "./fixtures/weak.mjs";
import { failure, inBothModes, type LooseRuntime, opened, restore, start, within } from "./helpers.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ungil-weak-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

const exact = (rt: LooseRuntime) => expect(rt.verify().violations).toEqual([]);
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Callbacks are coroutines, so the heap may be busy for a moment. */
async function restoreWhenIdle(rt: LooseRuntime, snapshot: Snapshot): Promise<void> {
  for (let n = 0; ; n++) {
    try {
      return await restore(rt, snapshot);
    } catch (error: any) {
      if (error.code !== "RESTORE_BUSY" || n === 500) throw error;
      await pause(5);
    }
  }
}

inBothModes("weak references", (gil) => {
  it("in a snapshot lead to what they led to", async () => {
    const rt = await start({ gil });
    const holder = rt.new(Dict<string, any>);
    rt.scope(() => {
      const node = new Node({ n: 7 });
      holder.set("node", node).set("weak", weak(node));
    });
    const snapshot = await rt.snapshot();
    rt.scope(() => holder.delete("node"));
    await expect.poll(() => rt.scope(() => holder.get("weak").get() === undefined), { timeout: 5000 }).toBe(true);
    const then: any = snapshot.see(holder as never);
    expect(then.get("weak").get().n).toBe(7);
    expect(is(then.get("weak").get(), then.get("node"))).toBe(true);
    snapshot.dispose();
    exact(rt);
  });

  it("come back when the heap is restored, be their object or their cell gone, or new ones made", async () => {
    const rt = await start({ gil, onUnhandled: () => undefined });
    const holder = rt.new(Dict<string, any>);
    const before = Array.from({ length: 300 }, (_, n) => n);
    rt.scope(() => {
      for (const n of before) {
        const node = new Node({ n });
        holder.set(`node ${n}`, node).set(`weak ${n}`, weak(node));
        if (n % 3 === 0) holder.set(`callback ${n}`, weak(node, w.third));
      }
    });
    const snapshot = await rt.snapshot();
    for (let round = 0; round < 3; round++) {
      rt.scope(() => {
        for (const n of before) {
          if (n % 2 === round % 2) holder.delete(`weak ${n}`);
          if (n % 5 === round) holder.set(`node ${n}`, null);
        }
        for (let n = 0; n < 200; n++) {
          const node = new Node({ n: -n });
          holder.set(`new ${n}`, n % 2 ? node : weak(node)).set(`newer ${n}`, weak(node, w.third));
        }
        for (const n of before) holder.delete(`callback ${n}`);
      });
      await pause(round * 10);
      await restoreWhenIdle(rt, snapshot);
      rt.scope(() => {
        for (const n of before) {
          expect(holder.get(`weak ${n}`).get().n).toBe(n);
          expect(holder.get(`callback ${n}`)?.get().n).toBe(n % 3 === 0 ? n : undefined);
        }
        expect(is(weak(holder.get("node 0")), holder.get("weak 0"))).toBe(true);
      });
    }
    rt.scope(() => {
      for (const n of before) holder.set(`node ${n}`, null);
    });
    const left = () => rt.scope(() => before.filter((n) => holder.get(`weak ${n}`).get()).length);
    await expect.poll(left, { timeout: 5000 }).toBe(0);
    exact(rt);
    snapshot.dispose();
  });

  it("are in an image, if something else leads to their objects; else they have died there", async () => {
    const rt = await start({ gil });
    const holder = rt.new(Dict<string, any>);
    const outside = rt.new(Node, { n: 2 });
    const log = rt.new(List<unknown>);
    rt.scope(() => {
      const node = new Node({ n: 1 });
      holder.set("node", node).set("weak", weak(node)).set("lost", weak(outside));
      holder.set("log", log).set("callback", weak(node, w.third));
      holder.set("finalizer", finalize(node as any, w.note, log, "finalized"));
      for (let n = 0; n < 100; n++)
        holder.set(`self ${n}`, weak(holder.set(`node ${n}`, new Node({ n })).get(`node ${n}`)));
    });
    const to = join(folder, `${files++}.image`);
    const snapshot = await rt.snapshot();
    await snapshot.save(to, { roots: { holder } as never });
    snapshot.dispose();
    for (const other of [gil, !gil]) {
      const seen: string[] = [];
      const options = { threads: 2, gil: other, onUnhandled: (error: any) => void seen.push(error.message) };
      const again = await opened(Runtime.open(to, options));
      exact(again);
      const root: any = again.root("holder");
      again.scope(() => {
        expect(is(root.get("weak").get(), root.get("node"))).toBe(true);
        expect(root.get("lost").get()).toBe(undefined);
        expect(is(weak(root.get("node")), root.get("weak"))).toBe(true);
        expect(root.get("finalizer").alive).toBe(true);
        for (let n = 0; n < 100; n++) expect(root.get(`self ${n}`).get().n).toBe(n);
      });
      again.scope(() => root.delete("node"));
      await expect.poll(() => seen, { timeout: 5000 }).toEqual(["third true"]);
      const texts = () => again.scope(() => root.get("log").toArray());
      await expect.poll(texts, { timeout: 5000 }).toEqual(["finalized"]);
      exact(again);
      await again.close();
    }
    release(outside);
  });

  it("are whole after the end of a thread that made, upgraded and dropped them", async () => {
    const rt = await start({ gil, threads: 3 });
    const [cells, objects] = [0, 1].map(() =>
      rt.new(
        List<any>,
        Array.from({ length: 16 }, () => null),
      ),
    );
    for (let round = 0; round < 4; round++) {
      const work = [1, 2, 3].map((seed) =>
        rt.run(w.churn, cells, objects, 4000, seed * 31 + round).catch((error) => error.code),
      );
      await pause(round * 3);
      expect((await failure(within(10_000, rt.run(c.exits, 1)))).code).toBe("WORKER_CRASHED");
      await within(20_000, Promise.all(work));
      exact(rt);
    }
    await rt.gc.collect();
    exact(rt);
  });
});
