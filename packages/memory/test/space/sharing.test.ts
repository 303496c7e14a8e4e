// What several spaces have in common: shared regions, forks, frames that are counted; and what keeps frames in their place.
import { AddressSpace, OutOfMemoryError, VirtualMemoryError } from "@ungil/memory";
import { describe, expect, it } from "vitest";
import { machine, PAGE, thrown } from "./machine.js";

const loose = (value: unknown): any => value;

describe("shared regions", () => {
  it("are one memory in several spaces, in a fork too, in memory or in swap", () => {
    const memory = machine(4, { readAhead: 0 });
    const [a, b] = [new AddressSpace(memory, { name: "a" }), new AddressSpace(memory, { name: "b" })];
    const mine = a.map({ length: 6 * PAGE, shared: true, name: "board" });
    const yours = b.map({ share: mine });
    expect(yours).toMatchObject({ kind: "shared", length: 6 * PAGE, shared: true });
    for (let page = 0; page < 6; page++) a.write(mine.base + page * PAGE, "u8", page + 1);
    const child = b.fork();
    for (let page = 0; page < 6; page++) {
      expect(b.read(yours.base + page * PAGE, "u8")).toBe(page + 1);
      child.write(yours.base + page * PAGE, "u8", 100 + page);
      expect(a.read(mine.base + page * PAGE, "u8")).toBe(100 + page);
    }
    expect(memory.stats().swap.used).toBeGreaterThan(0);
    const part = b.map({ share: mine, offset: 4 * PAGE, length: PAGE, protection: "r" });
    expect(b.read(part.base, "u8")).toBe(104);
    a.close();
    b.unmap(yours);
    child.close();
    expect(b.read(part.base, "u8")).toBe(104);
    b.unmap(part);
    expect(memory.stats()).toMatchObject({ swap: { used: 0 }, frames: { free: 4 } });
    expect(thrown(() => b.map({ share: mine })).message).toContain("unmapped everywhere");
  });

  it("must be shared, and over the same memory", () => {
    const space = new AddressSpace(machine(4));
    const own = space.map({ length: PAGE, name: "own" });
    expect(thrown(() => space.map({ share: own })).message).toContain("the region own is private");
    const other = new AddressSpace(machine(4));
    const shared = other.map({ length: PAGE, shared: true });
    expect(thrown(() => space.map({ share: shared })).message).toContain("another physical memory");
    expect(thrown(() => other.map({ share: shared, file: "x" })).message).toContain("not both");
  });
});

describe("fork", () => {
  it("copies a page when one of the two writes to it, and no other", () => {
    const memory = machine(16);
    const parent = new AddressSpace(memory);
    const { base } = parent.map({ length: 4 * PAGE });
    for (let page = 0; page < 4; page++) parent.write(base + page * PAGE, "u8", page + 1);
    const child = parent.fork();
    expect(memory.stats().frames.free).toBe(12);
    expect(child.usage()).toEqual({ resident: 4, swapped: 0, counted: 4 });
    child.write(base, "u8", 10);
    parent.write(base + PAGE, "u8", 20);
    expect(memory.stats()).toMatchObject({ frames: { free: 10 }, faults: { copyOnWrite: 2, writeEnable: 0 } });
    // The other one of each pair is alone with its page now: no copy is needed.
    parent.write(base, "u8", 30);
    child.write(base + PAGE, "u8", 40);
    expect(memory.stats()).toMatchObject({ frames: { free: 10 }, faults: { copyOnWrite: 2, writeEnable: 2 } });
    expect([0, 1, 2, 3].map((page) => parent.read(base + page * PAGE, "u8"))).toEqual([30, 20, 3, 4]);
    expect([0, 1, 2, 3].map((page) => child.read(base + page * PAGE, "u8"))).toEqual([10, 40, 3, 4]);
    child.close();
    expect(memory.stats().frames.free).toBe(12);
  });

  it("of a fork of a fork, with half of it in swap", () => {
    const memory = machine(6, { readAhead: 0 });
    const first = new AddressSpace(memory);
    const { base } = first.map({ length: 8 * PAGE });
    for (let page = 0; page < 8; page++) first.write(base + page * PAGE, "u16", page);
    const spaces = [first];
    for (let n = 1; n < 5; n++) {
      spaces.push(spaces[n - 1]!.fork({ name: `fork ${n}` }));
      for (let page = 0; page < 8; page += n) spaces[n]!.write(base + page * PAGE, "u16", 1000 * n + page);
      expect(memory.verify()).toEqual([]);
    }
    const written = (n: number, page: number): number =>
      n === 0 ? page : page % n === 0 ? 1000 * n + page : written(n - 1, page);
    for (let round = 0; round < 2; round++)
      for (let n = 0; n < 5; n++)
        for (let page = 0; page < 8; page++) expect(spaces[n]!.read(base + page * PAGE, "u16")).toBe(written(n, page));
    for (const n of [2, 0, 4, 1]) {
      spaces[n]!.close();
      expect(memory.verify()).toEqual([]);
    }
    for (let page = 0; page < 8; page++) expect(spaces[3]!.read(base + page * PAGE, "u16")).toBe(written(3, page));
  });

  it("inherits regions, protections and the limit, but no locks", () => {
    const memory = machine(16);
    const parent = new AddressSpace(memory, { name: "p", limit: 4 * PAGE });
    const code = parent.map({ length: PAGE, protection: "r", name: "code", guard: 1 });
    const heap = parent.map({ length: 4 * PAGE, name: "heap" });
    for (let page = 0; page < 3; page++) parent.write(heap.base + page * PAGE, "u8", 1);
    parent.lock(code);
    const child = parent.fork();
    expect(child.regions().map(({ name, protection, locked }) => [name, protection, locked])).toEqual(
      parent.regions().map(({ name, protection }) => [name, protection, false]),
    );
    expect(thrown(() => child.write(code.base, "u8", 1)).code).toBe("PROTECTION_FAULT");
    expect(thrown(() => child.write(heap.base + 3 * PAGE, "u8", 1))).toBeInstanceOf(OutOfMemoryError);
    expect(thrown(() => parent.fork({ limit: 2 * PAGE })).message).toContain("has reached its limit of 2 pages");
    expect(memory.spaces).toHaveLength(2);
  });
});

describe("lock", () => {
  it("brings pages in and keeps them, whatever the pressure", () => {
    const memory = machine(6, { readAhead: 0 });
    const space = new AddressSpace(memory);
    const kept = space.map({ length: 3 * PAGE, name: "kept" });
    space.write(kept.base, "u8", 5);
    space.lock({ base: kept.base, length: 2 * PAGE });
    expect(space.regions().map(({ locked, resident }) => [locked, resident])).toEqual([
      [true, 2],
      [false, 0],
    ]);
    const rest = space.map({ length: 20 * PAGE });
    for (let page = 0; page < 20; page++) space.write(rest.base + page * PAGE, "u8", page);
    const before = memory.stats().faults;
    expect(space.read(kept.base, "u8")).toBe(5);
    expect(space.read(kept.base + PAGE, "u8")).toBe(0);
    expect(memory.stats().faults).toEqual(before);
    expect(thrown(() => space.advise(kept, "dontneed")).message).toContain("is locked");
    expect(memory.stats().frames.pinned).toBe(2);
    space.unlock(kept);
    expect(memory.stats().frames.pinned).toBe(0);
  });

  it("stays with the page when it is copied, and fails whole when memory does not suffice", () => {
    const memory = machine(6);
    const space = new AddressSpace(memory);
    const { base } = space.map({ length: 8 * PAGE });
    space.lock({ base, length: PAGE });
    const child = space.fork();
    space.write(base, "u8", 1);
    expect(memory.stats()).toMatchObject({ frames: { pinned: 1 }, faults: { copyOnWrite: 1 } });
    expect(memory.verify()).toEqual([]);
    expect(thrown(() => space.lock({ base, length: 8 * PAGE })).message).toContain("every frame is pinned");
    expect(memory.stats().frames.pinned).toBe(1);
    expect(child.read(base, "u8")).toBe(0);
    space.protect({ base, length: PAGE }, "none");
    space.unlock({ base, length: PAGE });
    expect(thrown(() => space.lock({ base, length: PAGE })).message).toContain("allows no access");
  });
});

describe("views", () => {
  it("are memory itself, for as long as the function runs", () => {
    const memory = machine(4);
    const space = new AddressSpace(memory);
    const { base } = space.map({ length: 8 * PAGE });
    space.write(base + 100, "u32", 0x01020304);
    const sum = space.view({ base: base + 100, length: 4 }, (bytes) => {
      expect(memory.stats().frames.pinned).toBe(1);
      bytes[0] = 9;
      return bytes.reduce((a, b) => a + b);
    });
    expect(sum).toBe(9 + 3 + 2 + 1);
    expect(space.read(base + 100, "u8")).toBe(9);
    expect(memory.stats().frames.pinned).toBe(0);
    for (let page = 1; page < 8; page++) space.write(base + page * PAGE, "u8", 1);
    expect(space.read(base + 100, "u8")).toBe(9);
    expect(
      thrown(() =>
        space.view(
          { base, length: 1 },
          loose(async () => 1),
        ),
      ).message,
    ).toContain("use openView");
    const failed = thrown(() =>
      space.view({ base, length: 1 }, () => {
        throw new RangeError("inside");
      }),
    );
    expect(failed).toBeInstanceOf(RangeError);
    expect(memory.stats().frames.pinned).toBe(0);
  });

  it("outlive what becomes of their pages, and give them back when released", () => {
    const memory = machine(6, { readAhead: 0 });
    const space = new AddressSpace(memory);
    const region = space.map({ length: PAGE });
    const view = space.openView(region);
    view.bytes[7] = 42;
    const child = space.fork();
    view.bytes[7] = 43;
    expect(child.read(region.base + 7, "u8")).toBe(42);
    space.unmap(region);
    const other = space.map({ length: 16 * PAGE });
    for (let page = 0; page < 16; page++) space.write(other.base + page * PAGE + 7, "u8", 1);
    expect(view.bytes[7]).toBe(43);
    expect(memory.verify()).toEqual([]);
    view.release();
    view.release();
    expect(view.released).toBe(true);
    expect(thrown(() => view.bytes)).toBeInstanceOf(VirtualMemoryError);
    expect(memory.stats().frames.pinned).toBe(0);
  });

  it("of several pages need frames side by side, which only a huge region promises", () => {
    const memory = machine(20, { readAhead: 0 });
    const space = new AddressSpace(memory);
    const loosely = space.map({ length: 8 * PAGE });
    for (const page of [0, 2, 1, 3]) space.write(loosely.base + page * PAGE, "u8", page);
    const error = thrown(() => space.openView({ base: loosely.base, length: 2 * PAGE }));
    expect(error.message).toContain("do not lie next to each other in physical memory");
    expect(memory.stats().frames.pinned).toBe(0);
    // Memory is full of others' pages now, so a run must be cleared.
    const filler = space.map({ length: 40 * PAGE });
    for (let page = 0; page < 40; page++) space.write(filler.base + page * PAGE, "u8", page);
    const huge = space.map({ length: 12 * PAGE, huge: true, name: "frame buffer" });
    expect(space.region(huge.base)).toMatchObject({ huge: true, resident: 12 });
    space.view(huge, (bytes) => {
      expect(bytes.every((byte) => byte === 0)).toBe(true);
      for (let n = 0; n < bytes.length; n++) bytes[n] = n % 253;
    });
    for (let page = 0; page < 40; page++) expect(space.read(filler.base + page * PAGE, "u8")).toBe(page);
    expect(space.read(huge.base + 5000, "u8")).toBe(5000 % 253);
    expect(thrown(() => space.map({ length: 14 * PAGE, huge: true }))).toBeInstanceOf(OutOfMemoryError);
    expect(thrown(() => space.fork())).toBeInstanceOf(OutOfMemoryError);
    space.unmap({ base: huge.base, length: 8 * PAGE });
    const child = space.fork();
    child.view({ base: huge.base + 8 * PAGE, length: 4 * PAGE }, (bytes) => {
      expect(bytes[10]).toBe((8 * PAGE + 10) % 253);
      bytes[10] = 0;
    });
    expect(space.read(huge.base + 8 * PAGE + 10, "u8")).toBe((8 * PAGE + 10) % 253);
    space.advise({ base: huge.base + 8 * PAGE, length: 4 * PAGE }, "dontneed");
    expect(space.read(huge.base + 8 * PAGE + 10, "u8")).toBe(0);
  });

  it("of a read-only region make nothing dirty; a view must be of something", () => {
    const memory = machine(4);
    const space = new AddressSpace(memory);
    const region = space.map({ length: PAGE, protection: "r" });
    space.view(region, (bytes) => expect(bytes).toHaveLength(PAGE));
    expect(space.region(region.base)!.dirty).toBe(0);
    expect(thrown(() => space.view(region, () => 0, { write: true })).code).toBe("PROTECTION_FAULT");
    expect(thrown(() => space.view({ base: region.base, length: 0 }, () => 0)).message).toContain("a view of 0 bytes");
    expect(thrown(() => space.view({ base: 5, length: 1 }, () => 0)).code).toBe("SEGMENTATION_FAULT");
    expect(thrown(() => space.view(region, () => 0, loose({ writes: true }))).message).toContain("no option writes");
  });
});

describe("dump", () => {
  it("prints regions, page table and TLB", () => {
    const memory = machine(4, { readAhead: 0, watermarks: { low: 0, high: 1 }, policy: "fifo" });
    const space = new AddressSpace(memory, { name: "init", limit: 64 * PAGE });
    const heap = space.map({ at: 0x10000, length: 6 * PAGE, name: "heap", guard: 1 });
    for (let page = 0; page < 5; page++) space.write(heap.base + page * PAGE, "u8", 1);
    space.protect({ base: heap.base + 5 * PAGE, length: PAGE }, "r");
    const child = space.fork({ name: "child" });
    child.read(heap.base + 4 * PAGE, "u8");
    expect(space.dump().split("\n")).toEqual([
      "address space init (id 1): 4 pages resident, 1 swapped, limit 64 pages",
      "0000fe00-00010000 ---p 00000000 guard     guard of heap",
      "00010000-00010a00 rw-p 00000000 anonymous heap",
      "    Size 2.5 kB, Rss 2 kB, Pss 1 kB, Shared_Clean 0 kB, Shared_Dirty 2 kB, Private_Clean 0 kB, Private_Dirty 0 kB, Swap 0.5 kB",
      "00010a00-00010c00 r--p 00000000 anonymous heap",
      "    Size 0.5 kB, Rss 0 kB, Pss 0 kB, Shared_Clean 0 kB, Shared_Dirty 0 kB, Private_Clean 0 kB, Private_Dirty 0 kB, Swap 0 kB",
      "00010c00-00010e00 ---p 00000000 guard     guard of heap",
      "page table (p present, r read, w write, a accessed, d dirty, s swapped, l locked, o object's):",
      "    00010000  -----s--  slot  0",
      "    00010200  pr--d---  frame 1  mapped 2 times, copied when written to",
      "    00010400  pr--d---  frame 2  mapped 2 times, copied when written to",
      "    00010600  pr--d---  frame 3  mapped 2 times, copied when written to",
      "    00010800  pr-ad---  frame 0  mapped 2 times, copied when written to",
      "TLB (set: page, frame):",
    ]);
    expect(child.dump()).toContain("TLB (set: page, frame):\n      4: 00010800  frame 0");
    expect(memory.dump()).toContain("physical memory: 4 frames of 512 bytes, 0 free, 0 pinned");
  });
});
