// Restoring a snapshot after 100 pages have changed, beside what copying 100 pages takes: of a heap of large lists, and of one of
// small objects.
import { Layout } from "@ungil/kernel";
import { f64, List, Runtime, struct } from "ungil";
import { fill } from "./jobs.js";

const PAGE = Layout.PAGE_SIZE;
export const CHANGED = 100; // pages
export const WARM_UP = 5; // rounds
const PER_PAGE = PAGE / 8; // numbers of a list

class Item extends struct("SnapshotItem", { a: f64, b: f64, value: f64 }) {}
const ITEM_BYTES = 32;

export const KINDS = ["lists", "objects"] as const;
export type Kind = (typeof KINDS)[number];

export interface Restores {
  restores: number[];
  copies: number[];
}

/** So many rounds, in each of which the same share of pages is changed and brought back, and as many bytes are copied. */
export async function measureRestores(mib: number, kind: Kind, gil: boolean, rounds: number): Promise<Restores> {
  const rt = await Runtime.start({ threads: 1, gil, memory: `${Math.ceil(mib * 2.5) + 16}MiB` });
  try {
    const change = kind === "lists" ? await changeLists(rt, mib) : changeObjects(rt, mib);
    await settle(rt);
    const snapshot = await rt.snapshot();
    const copy = copier();
    const found: Restores = { restores: [], copies: [] };
    for (let round = 0; round < rounds; round++) {
      change(round);
      const began = performance.now();
      await snapshot.restore();
      const restored = performance.now();
      copy();
      const copied = performance.now();
      if (round < WARM_UP) continue;
      found.restores.push(restored - began);
      found.copies.push(copied - restored);
    }
    return found;
  } finally {
    await rt.close();
  }
}

async function changeLists(rt: Runtime, mib: number): Promise<(round: number) => void> {
  const lists = await rt.run(fill, mib);
  const all = rt.scope(() => lists.toArray()) as List<number>[];
  const length = all[0]!.length;
  const each = Math.floor(length / PER_PAGE) - 1;
  return (round) =>
    rt.scope(() => {
      for (let n = 0; n < CHANGED; n++) {
        const page = (round * 17 + n) % (each * all.length);
        all[Math.floor(page / each)]!.set((page % each) * PER_PAGE, round);
      }
    });
}

function changeObjects(rt: Runtime, mib: number): (round: number) => void {
  const items = rt.new(List) as List<Item>;
  const each = PAGE / ITEM_BYTES;
  const pages = Math.floor((mib * 0.75 * (1 << 20)) / PAGE);
  for (let page = 0; page < pages; page++)
    rt.scope(() => {
      for (let n = 0; n < each; n++) items.push(new Item({ a: n, b: n, value: n }));
    });
  return (round) =>
    rt.scope(() => {
      for (let n = 0; n < CHANGED; n++) (items.get(((round * 17 + n) % pages) * each) as Item).value = round;
    });
}

/** What making the heap has left is given back: a snapshot would count that among what has changed since. */
async function settle(rt: Runtime): Promise<void> {
  for (let n = 0; n < 5; n++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    rt.scope(() => undefined);
  }
}

/** Copies 100 pages from one place to another, neither of which it has just used. */
function copier(): () => void {
  const [from, to] = [1, 2].map((value) => new Uint8Array(CHANGED * PAGE).fill(value)) as [Uint8Array, Uint8Array];
  return () => {
    for (let at = 0; at < from.length; at += PAGE) to.set(from.subarray(at, at + PAGE), at);
  };
}
