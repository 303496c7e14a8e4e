// Snapshots of a heap that is in the swap file, when something goes wrong: with the disk, or with a thread.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { List, thread } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import type { Snapshot } from "@ungil/runtime";
import { expect, it } from "vitest";
import { textLists, textOf } from "./fixtures/swap.mjs";
import { failure, fixture, inBothModes, type LooseRuntime, node, start, within } from "./helpers.js";

const LISTS = 300;

const swapping = (gil: boolean) => start({ gil, threads: 1, memory: "4MiB", swap: "64MiB" });

/** What `work` does while the disk cannot be read, by the thread's own heap or by a snapshot's. */
async function withoutDisk<T>(scope: (work: () => unknown) => unknown, work: () => Promise<T>): Promise<T> {
  const swap = scope(() => thread.scope!.heap.kernel.swap) as any;
  swap.read = () => {
    swap.error = new Error("the disk is on fire");
    return false;
  };
  try {
    return await work();
  } finally {
    delete swap.read;
  }
}

function isRight(snapshot: Snapshot, lists: unknown): void {
  const seen = snapshot.see(lists as never) as any;
  for (let n = 0; n < LISTS; n += 7) expect(snapshot.scope(() => seen.get(n).get(7))).toBe(textOf(100 * n + 7));
}

/** Pages that allocation may still have: what is kept for pages that come back is not for it. */
function roomForPages(): number {
  const { kernel } = thread.scope!.heap;
  const frames = kernel.control(L.CB_FRAMES);
  const kept = Math.max(frames >>> 5, 8) + Math.min(frames >>> 2, kernel.control(L.CB_SWAP_SLOTS) >>> 3);
  return Math.max(0, kernel.control(L.CB_SWAP_SPARE) + kernel.control(L.CB_FRAMES_FREE) - kept);
}

async function taken(rt: LooseRuntime): Promise<Snapshot> {
  return (await within(10_000, rt.snapshot())) as Snapshot;
}

inBothModes("a snapshot of a heap with a swap file", (gil) => {
  it("that cannot be read from the disk says so, each time, and can be read afterwards", async () => {
    const rt = await swapping(gil);
    const lists = textLists(rt, LISTS);
    const snapshot = await taken(rt);
    const seen = snapshot.see(lists) as any;
    await withoutDisk(
      (work) => snapshot.scope(work),
      async () => {
        let failed = 0;
        for (let n = 0; n < 2 * LISTS; n++) {
          try {
            snapshot.scope(() => seen.get(n % LISTS).get(7));
          } catch (error) {
            expect(error).toMatchObject({ code: "STORAGE", cause: { message: "the disk is on fire" } });
            failed++;
          }
        }
        expect(failed).toBeGreaterThan(LISTS); // more often than there are frames
      },
    );
    isRight(snapshot, lists);
    snapshot.dispose();
    expect(rt.stats().pagesKept).toBe(0);
    expect(rt.verify().violations).toEqual([]);
  });

  it("is restored when the disk works again", async () => {
    const rt = await swapping(gil);
    const lists = textLists(rt, LISTS);
    const before = await taken(rt);
    for (let n = 0; n < LISTS; n++) rt.scope(() => lists.set(n, new List([`${n}`, textOf(n)])));
    const after = await taken(rt);
    await withoutDisk(
      (work) => rt.scope(work),
      async () => {
        for (let n = 0; n < 10; n++) expect((await failure(before.restore())).code).toBe("STORAGE");
      },
    );
    expect(rt.scope(() => lists.get(5).get(0))).toBe("5");
    expect(rt.verify().violations.filter((violation) => violation.startsWith("swap:"))).toEqual([]);
    await within(10_000, before.restore());
    isRight(before, lists);
    for (const snapshot of [before, after]) snapshot.dispose();
    expect(rt.stats().pagesKept).toBe(0);
  });

  it("is read when memory and the swap file are full", async () => {
    const rt = await start({ gil, threads: 1, memory: "4MiB", swap: "8MiB" });
    const lists = textLists(rt, LISTS);
    const snapshot = await taken(rt);
    isRight(snapshot, lists);
    const more = rt.new(List);
    for (let n = 0; roomForPages() > 0; n++) rt.scope(() => more.push(new List([n])));
    expect(roomForPages()).toBe(0);
    isRight(snapshot, lists);
  });

  it("is kept in slots that are only copies of pages in memory, when there are no others", async () => {
    const rt = await start({ gil, threads: 1, memory: "4MiB", swap: "10MiB" });
    const lists = rt.new(List);
    for (let n = 0; n < 260; n++) rt.scope(() => lists.push(new List(Array.from({ length: 1900 }, () => n)))); // two pages each
    for (let n = 0; n < 260; n++) rt.scope(() => lists.get(n).get(0));
    const snapshot = await taken(rt);
    const changed = 190;
    const { kernel } = thread.scope!.heap;
    expect(kernel.control(L.CB_SWAP_FREE) + kernel.control(L.CB_FRAMES) / 8).toBeLessThan(changed);
    for (let n = 0; n < changed; n++) rt.scope(() => lists.get(n).set(0, -1));
    const seen = snapshot.see(lists) as any;
    for (let n = 0; n < 260; n++) expect(snapshot.scope(() => seen.get(n).get(0))).toBe(n);
    expect(rt.verify().violations).toEqual([]);
  });

  it("is saved, though its root has changed since, and is in the swap file", async () => {
    const rt = await swapping(gil);
    const root = textLists(rt, 3);
    const snapshot = await taken(rt);
    root.pop();
    const { kernel } = thread.scope!.heap;
    kernel.walk = () => 0; // what it says of any page that is not in memory at this moment
    const folder = mkdtempSync(path.join(tmpdir(), "ungil-swapped-root-"));
    try {
      expect(await snapshot.save(path.join(folder, "image"), { roots: { root } })).toMatchObject({ generation: 1 });
    } finally {
      rmSync(folder, { recursive: true });
      delete (kernel as Partial<typeof kernel>).walk;
    }
  });

  it("waits for no thread that is no more", async () => {
    const ran = await node([fixture("evicting.mjs"), gil ? "gil" : "free"], { timeout: 20_000 });
    expect([ran.code, ran.err, ran.out]).toEqual([0, "", "400 of 400\n"]);
  }, 30_000);
});
