// Accesses: numbers and bytes at any address, and what becomes of those that may not be.

import { UngilError } from "@ungil/kernel";
import {
  AddressSpace,
  OutOfMemoryError,
  POLICIES,
  ProtectionFaultError,
  type Scalar,
  SegmentationFaultError,
} from "@ungil/memory";
import { describe, expect, it } from "vitest";
import { below, random } from "../support.js";
import { machine, PAGE, thrown } from "./machine.js";

const online = [...POLICIES.values()].filter((entry) => entry.online).map((entry) => entry.slug);
const loose = (value: unknown): any => value;

describe("numbers", () => {
  const values: [Scalar, (number | bigint)[]][] = [
    ["u8", [0, 255]],
    ["u16", [1, 65535]],
    ["u32", [1, 2 ** 32 - 1]],
    ["u64", [1n, 2n ** 64n - 1n]],
    ["i8", [-128, 127]],
    ["i16", [-32768, 32767]],
    ["i32", [-(2 ** 31), 2 ** 31 - 1]],
    ["i64", [-(2n ** 63n), 2n ** 63n - 1n]],
    ["f32", [0.5, -(2 ** 100), Number.POSITIVE_INFINITY, Number.NaN]],
    ["f64", [Math.PI, -0, Number.MIN_VALUE, Number.NaN]],
  ];

  it.each(values)("%s, at every alignment and over the border of two pages", (type, numbers) => {
    const space = new AddressSpace(machine(3));
    const { base } = space.map({ length: 3 * PAGE });
    for (const value of numbers) {
      for (let at = PAGE - 9; at <= PAGE + 1; at++) {
        space.write(base + at, type, loose(value));
        expect(space.read(base + at, type)).toBe(value);
      }
    }
  });

  it("little-endian, byte by byte", () => {
    const space = new AddressSpace(machine(3));
    const { base } = space.map({ length: 2 * PAGE });
    space.write(base + PAGE - 1, "u32", 0x04030201);
    expect([...space.readBytes(base + PAGE - 1, 4)]).toEqual([1, 2, 3, 4]);
    space.writeBytes(base + PAGE - 3, Uint8Array.of(9, 8, 7, 6, 5));
    expect(space.read(base + PAGE - 3, "u32")).toBe(0x06070809);
    expect(space.readBytes(base, 0)).toHaveLength(0);
  });

  it.each(online)("over borders, with two frames only: %s", (policy) => {
    const memory = machine(2, { policy, readAhead: 0, watermarks: { low: 0, high: 1 } });
    const space = new AddressSpace(memory);
    const { base } = space.map({ length: 8 * PAGE });
    const draw = random(5);
    const expected = new Map<number, bigint>();
    for (let n = 0; n < 400; n++) {
      const border = base + (1 + below(draw, 7)) * PAGE - 4;
      if (below(draw, 2) === 0) expect(space.read(border, "u64")).toBe(expected.get(border) ?? 0n);
      else {
        space.write(border, "u64", BigInt(n) << 24n);
        expected.set(border, BigInt(n) << 24n);
      }
    }
  });

  it("over a border that needs a second frame where there is only one: nothing is written", () => {
    const memory = machine(3, { readAhead: 0, watermarks: { low: 0, high: 1 } });
    const space = new AddressSpace(memory);
    const { base } = space.map({ length: 6 * PAGE });
    space.lock({ base, length: 2 * PAGE });
    expect(thrown(() => space.write(base + 4 * PAGE - 4, "u64", 2n ** 64n - 1n)).code).toBe("OUT_OF_MEMORY");
    for (const at of [4 * PAGE - 4, 4 * PAGE]) expect(space.read(base + at, "u32")).toBe(0);
  });

  it.each([
    ["u8", 256],
    ["u8", -1],
    ["u16", 1.5],
    ["u32", "5"],
    ["u64", 5],
    ["u64", -1n],
    ["i64", 2n ** 63n],
    ["i8", Number.NaN],
    ["f64", 5n],
    ["u128", 5],
  ])("refuses to write a %s of %s", (type, value) => {
    const space = new AddressSpace(machine(3));
    const { base } = space.map({ length: PAGE });
    expect(thrown(() => space.write(base, loose(type), loose(value))).code).toBe("VIRTUAL_MEMORY");
    expect(space.usage().resident).toBe(0);
  });

  it("refuses what is no address or no bytes", () => {
    const space = new AddressSpace(machine(3));
    for (const address of [1.5, Number.NaN, "0x1000", undefined])
      expect(thrown(() => space.read(loose(address), "u8")).message).toContain("is no address");
    expect(thrown(() => space.writeBytes(65536, loose([1]))).message).toContain("no Uint8Array");
    expect(thrown(() => space.readBytes(65536, -1)).message).toContain("length is -1");
    expect(thrown(() => space.read(-1, "u8"))).toBeInstanceOf(SegmentationFaultError);
    expect(thrown(() => space.read(2 ** 32 - 1, "u16"))).toBeInstanceOf(SegmentationFaultError);
  });
});

describe("faults", () => {
  it("name address, access, region and thread", () => {
    const space = new AddressSpace(machine(4), { name: "shell" });
    const text = space.map({ at: 16 * PAGE, length: 2 * PAGE, name: "text", protection: "r", guard: 1 });
    const nothing = thrown(() => space.read(3 * PAGE + 5, "u8"));
    expect(nothing).toBeInstanceOf(SegmentationFaultError);
    expect(nothing).toBeInstanceOf(UngilError);
    expect(nothing).toMatchObject({ address: 3 * PAGE + 5, access: "read", region: undefined, coroutine: undefined });
    expect(nothing.message).toBe(
      `read at address 0x605: nothing is mapped there, in the address space shell; by ${nothing.thread === "main" ? "the main thread" : `thread ${nothing.thread}`}`,
    );
    const written = thrown(() => space.write(text.base + 7, "u16", 1));
    expect(written).toBeInstanceOf(ProtectionFaultError);
    expect(written).toMatchObject({
      code: "PROTECTION_FAULT",
      address: text.base + 7,
      access: "write",
      region: "text",
    });
    expect(written.message).toContain("the region text (0x2000-0x2400) of shell is read-only");
    const below = thrown(() => space.write(text.base - 1, "u8", 1));
    expect(below).toMatchObject({ code: "SEGMENTATION_FAULT", access: "write", region: "guard of text" });
    expect(thrown(() => space.read(text.limit, "u8")).message).toContain("a guard page");
    expect(thrown(() => space.read(8, "u8")).message).toContain("the null page is never mapped");
    expect(space.memory.stats().faults.failed).toBe(5);
  });

  it("an access over a border fails at the first bad byte, and nothing is written", () => {
    const space = new AddressSpace(machine(4));
    const { base, limit } = space.map({ length: PAGE });
    expect(thrown(() => space.write(limit - 3, "u64", 2n ** 64n - 1n)).address).toBe(limit);
    expect(thrown(() => space.writeBytes(limit - 3, new Uint8Array(9).fill(1))).address).toBe(limit);
    expect(space.readBytes(base, PAGE).every((byte) => byte === 0)).toBe(true);
    space.protect({ base, length: PAGE }, "none");
    expect(thrown(() => space.read(base, "u8")).message).toContain("allows no access");
    expect(thrown(() => space.read(base - 1, "u16")).address).toBe(base - 1);
    space.protect({ base, length: PAGE }, "rw");
    space.write(base, "u8", 3);
    space.protect({ base, length: PAGE }, "r");
    expect(space.read(base, "u8")).toBe(3);
    expect(thrown(() => space.write(base, "u8", 4)).code).toBe("PROTECTION_FAULT");
  });

  it("guards go with their region, and cannot be opened", () => {
    const space = new AddressSpace(machine(4));
    const stack = space.map({ length: 2 * PAGE, name: "stack", guard: 2 });
    expect(stack.guard).toBe(2 * PAGE);
    expect(space.regions().map(({ kind, length }) => [kind, length / PAGE])).toEqual([
      ["guard", 2],
      ["anonymous", 2],
      ["guard", 2],
    ]);
    expect(thrown(() => space.protect({ base: stack.limit, length: PAGE }, "rw")).message).toContain("is a guard");
    expect(thrown(() => space.lock({ base: stack.limit, length: PAGE })).message).toContain("cannot be locked");
    space.unmap(stack);
    expect(space.regions()).toEqual([]);
  });

  it("a limit is the space's own, and what is given back can be used again", () => {
    const memory = machine(16);
    const small = new AddressSpace(memory, { name: "small", limit: 3 * PAGE });
    const large = new AddressSpace(memory);
    const a = small.map({ length: 8 * PAGE });
    const b = large.map({ length: 8 * PAGE });
    for (let page = 0; page < 3; page++) small.write(a.base + page * PAGE, "u8", 1);
    const error = thrown(() => small.write(a.base + 3 * PAGE, "u8", 1));
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error.message).toContain("the address space small has reached its limit of 3 pages");
    for (let page = 0; page < 8; page++) large.write(b.base + page * PAGE, "u8", 1);
    small.advise({ base: a.base, length: PAGE }, "dontneed");
    small.write(a.base + 3 * PAGE, "u8", 1);
    expect(small.usage()).toEqual({ resident: 3, swapped: 0, counted: 3 });
    const shared = large.map({ length: 2 * PAGE, shared: true });
    small.map({ share: shared });
    small.unmap(a);
    const own = small.map({ length: 4 * PAGE, shared: true });
    for (let page = 0; page < 3; page++) small.read(own.base + page * PAGE, "u8");
    expect(thrown(() => small.read(own.base + 3 * PAGE, "u8")).code).toBe("OUT_OF_MEMORY");
    expect(thrown(() => small.map({ length: PAGE, huge: true })).code).toBe("OUT_OF_MEMORY");
    expect(small.fork().usage().counted).toBe(0);
  });
});

describe("the TLB and its counters", () => {
  it("hits within a page, misses once a page, and again at the first write", () => {
    const memory = machine(8, { tlb: "4x4" });
    const space = new AddressSpace(memory);
    const { base } = space.map({ length: 8 * PAGE });
    for (let n = 0; n < 10; n++) space.read(base + n, "u8");
    expect(memory.stats().tlb).toEqual({ hits: 9, misses: 1 });
    space.write(base, "u8", 1);
    space.write(base, "u8", 2);
    expect(memory.stats().tlb).toEqual({ hits: 10, misses: 2 });
    for (let page = 1; page < 5; page++) space.read(base + page * PAGE, "u8");
    space.read(base, "u8");
    expect(memory.stats()).toMatchObject({ tlb: { hits: 10, misses: 7 }, walks: 7, faults: { demandZero: 5 } });
  });

  it("entries are tagged: two spaces with one address do not see each other", () => {
    const memory = machine(8);
    const [a, b] = [new AddressSpace(memory), new AddressSpace(memory)];
    const { base } = a.map({ length: PAGE });
    b.map({ at: base, length: PAGE });
    a.write(base, "u8", 1);
    b.write(base, "u8", 2);
    expect([a.read(base, "u8"), b.read(base, "u8")]).toEqual([1, 2]);
    expect(memory.stats().tlb.hits).toBe(2);
  });
});
