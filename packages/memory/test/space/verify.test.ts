// `memory.verify()` finds what is wrong: each case breaks one thing from behind, and mends it again.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { AddressSpace, type PhysicalMemory } from "@ungil/memory";
import { describe, expect, it } from "vitest";
import { machine, PAGE, temporaryFolder } from "./machine.js";

const [PRESENT, READ, WRITE, ACCESSED, DIRTY, PINNED, OBJECT] = [1, 2, 4, 8, 16, 64, 128];

interface Broken {
  memory: PhysicalMemory;
  pager: any;
  table: any;
  /** Page number of a dirty resident page, and its frame; a swapped page's number and slot. */
  page: number;
  frame: number;
  swapped: number;
  slot: number;
}

/** Twelve pages in eight frames, with a shared page and a file's. */
function setUp(): Broken {
  const file = path.join(temporaryFolder(), "file");
  writeFileSync(file, "some bytes");
  const memory = machine(8, { readAhead: 0, watermarks: { low: 0, high: 1 }, tlb: "16x16" });
  const space = new AddressSpace(memory, { name: "s" });
  const heap = space.map({ at: 128 * PAGE, length: 12 * PAGE, name: "heap" });
  for (let page = 0; page < 12; page++) space.write(heap.base + page * PAGE, "u8", page + 1);
  space.write(space.map({ length: PAGE, shared: true }).base, "u8", 1);
  space.read(space.map({ file }).base, "u8");
  const { table, pager } = { table: space.table as any, pager: memory.pager as any };
  const entries: [number, number][] = [...table.entries()];
  const [page, pte] = entries.find(([, pte]) => (pte & (PRESENT | DIRTY | OBJECT)) === (PRESENT | DIRTY))!;
  space.read(page * PAGE, "u8"); // now the TLB has it, too
  const [swapped, other] = entries.find(([, pte]) => !(pte & PRESENT))!;
  return { memory, pager, table, page, frame: pte >>> 8, swapped, slot: other >>> 8 };
}

const flip = ({ table }: Broken, page: number, bits: number) => {
  table.set(page, (table.get(page) ^ bits) >>> 0);
  return () => table.set(page, (table.get(page) ^ bits) >>> 0);
};
const change = (array: any, at: number, value: number) => {
  const old = array[at];
  array[at] = value;
  return () => {
    array[at] = old;
  };
};

const cases: [string, RegExp, (b: Broken) => () => void][] = [
  ["an entry of another frame", /reverse map|mapped|TLB/, (b) => flip(b, b.page, 1 << 8)],
  ["a frame that lost its dirty bit", /TLB: page|clean, and not zeros/, (b) => flip(b, b.page, DIRTY)],
  ["an entry without READ", /written to but not read|its region is rw/, (b) => flip(b, b.page, READ)],
  ["a translation without ACCESSED", /TLB: page \d+ of space \d+ is not in frame/, (b) => flip(b, b.page, ACCESSED)],
  ["a translation without WRITE", /TLB: .* writable/, (b) => flip(b, b.page, WRITE)],
  ["a pin that nobody has", /entries pin it|pinned, and its region is not/, (b) => flip(b, b.page, PINNED)],
  ["a page said to be an object's", /an object has it/, (b) => flip(b, b.page, OBJECT)],
  ["a swapped entry with flags", /swapped, with flags of a frame/, (b) => flip(b, b.swapped, DIRTY)],
  ["a slot held once too often", /held 1 times, counted 2/, (b) => change(b.pager.swap.holders, b.slot, 2)],
  [
    "a dirty frame with a slot",
    /dirty, and said to equal|does not know it/,
    (b) => change(b.pager.frames.slots, b.frame, b.slot),
  ],
  ["a slot that says it is cached", /has another slot/, (b) => change(b.pager.swap.frames, b.slot, b.frame)],
  ["a frame without a page", /nothing is in it/, (b) => change(b.pager.frames.pages, b.frame, -1)],
  [
    "pins that the policy knows nothing of",
    /pinned, and the policy has it/,
    (b) => change(b.pager.frames.pins, b.frame, 1),
  ],
  ["more writers than pins", /more writers than pins/, (b) => change(b.pager.frames.writers, b.frame, 1)],
  ["mappings that are miscounted", /the reverse map has 3/, (b) => change(b.pager.reverse.counts, b.frame, 3)],
  [
    "a page that the policy forgot",
    /the policy does not have it/,
    (b) => {
      b.pager.policy.remove(b.pager.frames.pages[b.frame]);
      return () => b.pager.policy.insert(b.pager.frames.pages[b.frame]);
    },
  ],
  [
    "a resident page that is miscounted",
    /entries are resident, counted/,
    (b) => {
      b.table.resident++;
      return () => b.table.resident--;
    },
  ],
  [
    "a free slot that is taken",
    /slot \d+: lost/,
    (b) => {
      const slot = b.pager.swap.allocate();
      return () => b.pager.swap.free(slot);
    },
  ],
  [
    "an entry where no region is",
    /it has an entry, and no region/,
    (b) => {
      b.table.set(5, (b.slot << 8) | 32);
      return () => b.table.set(5, 0);
    },
  ],
];

describe("verify finds", () => {
  it.each(cases)("%s", (_, message, breakIt) => {
    const broken = setUp();
    expect(broken.memory.verify()).toEqual([]);
    const mend = breakIt(broken);
    expect(broken.memory.verify().join("\n")).toMatch(message);
    mend();
    expect(broken.memory.verify()).toEqual([]);
  });
});
