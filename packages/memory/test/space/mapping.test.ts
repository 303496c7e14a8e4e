// Regions: where they are put, what may be asked for, how they are split and listed.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { AddressSpace, PhysicalMemory, VirtualMemoryError } from "@ungil/memory";
import { describe, expect, it } from "vitest";
import { machine, PAGE, temporaryFolder, thrown } from "./machine.js";

const loose = (value: unknown): any => value;
const outline = (space: AddressSpace) =>
  space.regions().map(({ name, base, length, protection }) => [name, base / PAGE, length / PAGE, protection]);

describe("map", () => {
  it("places regions one behind the other, above 64 KiB, and fills gaps", () => {
    const space = new AddressSpace(machine(8));
    const a = space.map({ length: 1, name: "a" });
    const b = space.map({ length: "1KiB", name: "b" });
    space.map({ length: PAGE, name: "c" });
    expect(a).toMatchObject({ base: 65536, length: PAGE, limit: 65536 + PAGE, kind: "anonymous", protection: "rw" });
    expect(b.base).toBe(a.limit);
    space.unmap(b);
    expect(space.map({ length: 2 * PAGE, name: "d" }).base).toBe(b.base);
    expect(outline(space).map(([name]) => name)).toEqual(["a", "d", "c"]);
  });

  it("puts a region where it is told to, and replaces others only if told to", () => {
    const space = new AddressSpace(machine(8));
    const old = space.map({ at: 8 * PAGE, length: 4 * PAGE, name: "old" });
    space.write(old.base + PAGE, "u8", 7);
    const error = thrown(() => space.map({ at: 9 * PAGE, length: PAGE }));
    expect(error).toBeInstanceOf(VirtualMemoryError);
    expect(error.message).toContain("the region old (0x1000-0x1800) is in the way");
    space.map({ at: 9 * PAGE, length: PAGE, name: "new", replace: true });
    expect(space.read(9 * PAGE, "u8")).toBe(0);
    expect(outline(space)).toEqual([
      ["old", 8, 1, "rw"],
      ["new", 9, 1, "rw"],
      ["old", 10, 2, "rw"],
    ]);
  });

  it("replaces the last region over a file, or shared memory, by another one over the same", () => {
    const space = new AddressSpace(machine(8));
    const board = space.map({ length: 2 * PAGE, shared: true });
    space.write(board.base, "u8", 7);
    const again = space.map({ share: board, at: board.base, replace: true, protection: "r" });
    expect(space.read(again.base, "u8")).toBe(7);
    const name = path.join(temporaryFolder(), "data.bin");
    writeFileSync(name, new Uint8Array(PAGE).fill(1));
    const file = space.map({ file: name, shared: true });
    space.write(file.base, "u8", 2);
    space.map({ file: name, shared: true, at: file.base, replace: true });
    expect(space.read(file.base, "u8")).toBe(2);
    space.write(file.base + 1, "u8", 3);
    space.close();
    expect([...readFileSync(name).subarray(0, 3)]).toEqual([2, 3, 1]);
  });

  it("uses all of 4 GiB but page 0", () => {
    const space = new AddressSpace(machine(8));
    const top = space.map({ at: 2 ** 32 - PAGE, length: PAGE });
    space.write(2 ** 32 - 8, "u64", 2n ** 64n - 1n);
    expect(space.read(2 ** 32 - 1, "u8")).toBe(255);
    expect(top.limit).toBe(2 ** 32);
    expect(thrown(() => space.map({ at: 0, length: PAGE })).message).toContain("page 0 is never mapped");
    space.map({ length: 2 ** 32 - 65536 - PAGE });
    expect(thrown(() => space.map({ length: PAGE })).message).toContain("no 512 bytes of addresses are free");
  });

  it.each([
    [{ length: 0 }, "length is 0"],
    [{ length: -5 }, "length is -5"],
    [{ length: "much" }, 'length is "much"'],
    [{}, "map needs a length"],
    [{ length: 1, at: 100 }, "base is 100: it must be a multiple of the page size 512"],
    [{ length: 1, at: 2 ** 32 }, "base is 4294967296"],
    [{ length: 1024, at: 2 ** 32 - 512 }, "within 4 GiB"],
    [{ length: 1, protection: "rwx" }, 'protection is rwx: it must be "none", "r" or "rw"'],
    [{ length: 1, size: 3 }, "map has no option size"],
    [{ length: 1, guard: -1 }, "guard is -1"],
    [{ length: 1, guard: 1, at: 512 }, "page 0 is never mapped"],
    [{ length: 1, huge: true, shared: true }, "only private anonymous memory can be huge"],
    [{ length: 1, file: "/nowhere/at/all" }, "the file /nowhere/at/all cannot be mapped: ENOENT"],
    [{ length: 1, offset: 3, file: "x" }, "offset is 3: it must be a multiple of the page size 512"],
    [{ share: { base: 0 } }, "share is no region"],
    [{ length: 1, huge: 1 }, "huge is 1: it must be a boolean"],
    [{ length: 1, name: 5 }, "name is 5: it must be a string"],
    [{ length: 1, file: 5 }, "file is no store: it has no method read"],
    [null, "an object of options, not null"],
  ])("refuses %j", (options, message) => {
    const space = new AddressSpace(machine(4));
    const error = thrown(() => space.map(loose(options)));
    expect(error).toBeInstanceOf(VirtualMemoryError);
    expect(error.code).toBe("VIRTUAL_MEMORY");
    expect(error.message).toContain(message);
    expect(space.regions()).toEqual([]);
  });
});

describe("ranges", () => {
  it("unmaps parts of regions, holes included, and splits them", () => {
    const space = new AddressSpace(machine(8));
    space.map({ at: 10 * PAGE, length: 6 * PAGE, name: "a" });
    space.map({ at: 20 * PAGE, length: 2 * PAGE, name: "b" });
    for (let page = 10; page < 16; page++) space.write(page * PAGE, "u8", page);
    space.unmap({ base: 12 * PAGE, length: PAGE + 1 });
    expect(outline(space).map((line) => line.slice(0, 3))).toEqual([
      ["a", 10, 2],
      ["a", 14, 2],
      ["b", 20, 2],
    ]);
    expect([10, 11, 14, 15].map((page) => space.read(page * PAGE, "u8"))).toEqual([10, 11, 14, 15]);
    space.unmap({ base: 0, length: 2 ** 32 });
    expect(space.regions()).toEqual([]);
    space.unmap({ base: 0, length: PAGE });
  });

  it("a region's description stays what it was, so unmapping by it takes all parts", () => {
    const space = new AddressSpace(machine(8));
    const region = space.map({ length: 4 * PAGE });
    space.protect({ base: region.base + PAGE, length: PAGE }, "r");
    expect(space.regions()).toHaveLength(3);
    expect(Object.isFrozen(region)).toBe(true);
    space.unmap(region);
    expect(space.regions()).toEqual([]);
  });

  it("protect, advise, lock and sync refuse what is not mapped, and change nothing then", () => {
    const space = new AddressSpace(machine(8));
    const { base } = space.map({ length: 2 * PAGE });
    const beyond = { base, length: 3 * PAGE };
    for (const act of [
      () => space.protect(beyond, "r"),
      () => space.advise(beyond, "random"),
      () => space.lock(beyond),
      () => space.unlock(beyond),
      () => space.sync(beyond),
    ])
      expect(thrown(act).message).toContain(`nothing is mapped at 0x${(base + 2 * PAGE).toString(16)}`);
    expect(space.regions()).toHaveLength(1);
    expect(thrown(() => space.protect({ base: base + 1, length: PAGE }, "r")).message).toContain(
      "multiple of the page",
    );
    expect(thrown(() => space.protect({ base, length: 0 }, "r")).message).toContain("length is 0");
    expect(thrown(() => space.unmap(loose(12))).message).toContain("12 is no range");
    expect(thrown(() => space.protect({ base, length: PAGE }, loose("x"))).message).toContain("protection is x");
    expect(thrown(() => space.advise({ base, length: PAGE }, loose("maybe"))).message).toContain("no advice maybe");
  });

  it("lists what is resident, swapped and dirty", () => {
    const space = new AddressSpace(machine(4, { watermarks: { low: 0, high: 1 }, readAhead: 0 }));
    const { base } = space.map({ length: 6 * PAGE });
    space.read(base, "u8");
    for (let page = 1; page < 4; page++) space.write(base + page * PAGE, "u8", 1);
    expect(space.region(base)).toMatchObject({ resident: 4, swapped: 0, dirty: 3 });
    space.write(base + 4 * PAGE, "u8", 1);
    space.write(base + 5 * PAGE, "u8", 1);
    const [region] = space.regions();
    expect(region!.resident).toBe(4);
    expect(region!.swapped).toBeGreaterThan(0);
    expect(space.region(base - 1)).toBeUndefined();
  });
});

describe("options and life", () => {
  it.each([
    [{ size: 100 }, "size is 100: it must be 2 pages at least"],
    [{ size: "big" }, 'size is "big"'],
    [{ pageSize: 1000 }, "pageSize is 1000: it must be a power of two"],
    [{ pageSize: 256 }, "pageSize is 256"],
    [{ policy: "opt" }, "the policy opt needs the future"],
    [{ policy: "best" }, "there is no policy best"],
    [{ tlb: "7x2" }, "a TLB of 7x2"],
    [{ frames: 3 }, "PhysicalMemory has no option frames"],
    [{ swap: { path: "" } }, "swap has no option path"],
    [{ readAhead: -1 }, "readAhead is -1"],
    [{ exact: "yes" }, "exact is yes: it must be a boolean"],
    [{ tlb: 64 }, "tlb is 64: it must be a string"],
    [{ policy: {} }, "is no policy"],
    [{ policy: null }, "is no policy"],
    [{ swap: { store: { read() {} } } }, "swap.store is no store: it has no method write"],
    [{ watermarks: { lower: 3 } }, "watermarks has no option lower"],
    [{ watermarks: { low: 3, high: 2 } }, "watermarks.high is 2: it must be a whole number from 4"],
  ])("a memory of %j is refused", (options, message) => {
    expect(thrown(() => new PhysicalMemory(loose(options))).message).toContain(message);
  });

  it("a view needs a range and a function", () => {
    const space = new AddressSpace(machine(4));
    const region = space.map({ length: PAGE });
    expect(thrown(() => space.view(loose(null), () => 0)).message).toContain("a view of undefined bytes");
    expect(thrown(() => space.view(region, loose("look"))).message).toContain("use is look: it must be a function");
    expect(thrown(() => space.view(region, () => 0, loose({ write: 1 }))).message).toContain("write is 1");
    expect(thrown(() => space.unmap({ ...region, guard: 0.5 })).message).toContain("guard is 0.5");
    expect(space.memory.stats().frames.pinned).toBe(0);
  });

  it("a space needs a memory, and neither works once closed", () => {
    expect(thrown(() => new AddressSpace(loose({}))).message).toContain("is no PhysicalMemory");
    const memory = machine(4);
    expect(thrown(() => new AddressSpace(memory, loose({ size: 1 }))).message).toContain("no option size");
    const space = new AddressSpace(memory, { name: "short" });
    const { base } = space.map({ length: PAGE });
    space.write(base, "u8", 1);
    space.close();
    space.close();
    for (const act of [
      () => space.read(base, "u8"),
      () => space.write(base, "u8", 1),
      () => space.readBytes(base, 1),
      () => space.writeBytes(base, new Uint8Array(1)),
      () => space.view({ base, length: 1 }, () => 0),
      () => space.map({ length: 1 }),
      () => space.unmap({ base, length: 1 }),
      () => space.regions(),
      () => space.region(base),
      () => space.fork(),
      () => space.sync(),
    ])
      expect(thrown(act).message).toBe("the address space short is closed");
    expect(memory.spaces).toEqual([]);
    memory.close();
    expect(thrown(() => new AddressSpace(memory)).message).toContain("closed");
  });

  it.each([512, 4096, 65536])("works with pages of %i bytes", (pageSize) => {
    using memory = new PhysicalMemory({ size: 8 * pageSize, pageSize, swap: { size: "4MiB" } });
    const space = new AddressSpace(memory);
    const { base } = space.map({ length: 32 * pageSize });
    for (let n = 0; n < 32; n++) space.write(base + n * pageSize + pageSize - 2, "u16", n + 1);
    for (let n = 0; n < 32; n++) expect(space.read(base + n * pageSize + pageSize - 2, "u16")).toBe(n + 1);
    expect(memory.verify()).toEqual([]);
  });
});
