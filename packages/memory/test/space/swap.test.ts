// The pager and the swap file: less memory than the program uses, clean pages that are not written again, and disks that fail.
import { readdirSync } from "node:fs";
import path from "node:path";
import { AddressSpace, OutOfMemoryError, PhysicalMemory, POLICIES, StorageError } from "@ungil/memory";
import { describe, expect, it } from "vitest";
import { below, random } from "../support.js";
import { machine, PAGE, TestStore, temporaryFolder, thrown } from "./machine.js";

const one = { watermarks: { low: 0, high: 1 }, readAhead: 0 };
const online = [...POLICIES.values()].filter((entry) => entry.online).map((entry) => entry.slug);

/** A sort of numbers in memory: a program that reads and writes all over its pages. */
function program(frames: number, policy: string): { sum: number; swapIns: number } {
  const memory = machine(frames, { policy });
  const space = new AddressSpace(memory);
  const count = 16 * PAGE;
  const { base } = space.map({ length: count });
  const draw = random(7);
  for (let n = 0; n < count; n += 4) space.write(base + n, "u32", below(draw, 2 ** 32));
  for (let gap = count / 8; gap >= 4; gap = 4 * Math.floor(gap / 12) || (gap > 4 ? 4 : 0)) {
    for (let n = gap; n < count; n += 4) {
      const value = space.read(base + n, "u32");
      let at = n;
      for (; at >= gap && space.read(base + at - gap, "u32") > value; at -= gap)
        space.write(base + at, "u32", space.read(base + at - gap, "u32"));
      space.write(base + at, "u32", value);
    }
  }
  let sum = 0;
  for (let n = 0; n < count; n += 4) {
    const value = space.read(base + n, "u32");
    if (n > 0 && space.read(base + n - 4, "u32") > value) throw new Error("not sorted");
    sum = (sum * 31 + value) % 2 ** 40;
  }
  return { sum, swapIns: memory.stats().faults.swapIn };
}

describe("memory that is smaller than the program", () => {
  const whole = program(18, "clock");
  it.each(online)("gives the same result with 100, 50 and 25 % of it: %s", (policy) => {
    expect(whole.swapIns).toBe(0);
    const [half, quarter] = [program(8, policy), program(4, policy)];
    expect([half.sum, quarter.sum]).toEqual([whole.sum, whole.sum]);
    expect(quarter.swapIns).toBeGreaterThan(half.swapIns);
    expect(half.swapIns).toBeGreaterThan(0);
  });
});

describe("what is written to the swap file", () => {
  it("only what is not there yet: a page that was read in and not changed is dropped", () => {
    const store = new TestStore();
    const memory = machine(2, { ...one, policy: "lru", swap: { store } });
    const space = new AddressSpace(memory);
    const { base } = space.map({ length: 4 * PAGE });
    for (let page = 0; page < 4; page++) space.write(base + page * PAGE, "u8", page + 1);
    expect(store.writes).toBe(2);
    for (let page = 0; page < 4; page++) expect(space.read(base + page * PAGE, "u8")).toBe(page + 1);
    expect(store.writes).toBe(4);
    for (let round = 0; round < 3; round++)
      for (let page = 0; page < 4; page++) expect(space.read(base + page * PAGE, "u8")).toBe(page + 1);
    expect(store.writes).toBe(4);
    expect(memory.stats()).toMatchObject({
      evictions: 2 + 16,
      faults: { demandZero: 4, swapIn: 16 },
      writeBacks: { swap: 4 },
    });
    space.write(base + 2 * PAGE, "u8", 9);
    for (const page of [0, 1, 2]) space.read(base + page * PAGE, "u8");
    expect(store.writes).toBe(5);
    expect(space.read(base + 2 * PAGE, "u8")).toBe(9);
  });

  it("not pages of zeros, which need no slot", () => {
    const memory = machine(2, one);
    const space = new AddressSpace(memory);
    const { base } = space.map({ length: 6 * PAGE });
    for (let page = 0; page < 6; page++) space.read(base + page * PAGE, "u8");
    expect(memory.stats()).toMatchObject({ evictions: 4, writeBacks: { swap: 0 }, swap: { used: 0 } });
    expect(space.usage()).toEqual({ resident: 2, swapped: 0, counted: 2 });
  });

  it("a file that is made when it is needed, where it is told to, and is gone afterwards", () => {
    const folder = temporaryFolder();
    const memory = new PhysicalMemory({ size: 2 * PAGE, pageSize: PAGE, swap: { folder } });
    const space = new AddressSpace(memory);
    const { base } = space.map({ length: 4 * PAGE });
    for (let page = 0; page < 4; page++) space.write(base + page * PAGE, "u8", 1);
    expect(memory.stats().writeBacks.swap).toBeGreaterThan(0);
    memory.close();
    expect(readdirSync(folder)).toEqual([]);

    const absent = path.join(folder, "absent");
    const lazy = machine(2, { swap: { folder: absent } });
    const other = new AddressSpace(lazy);
    const region = other.map({ length: 4 * PAGE });
    other.write(region.base, "u8", 5);
    other.write(region.base + PAGE, "u8", 6);
    const error = thrown(() => other.write(region.base + 2 * PAGE, "u8", 7));
    expect(error).toBeInstanceOf(StorageError);
    expect(error.message).toContain("the swap file cannot be written: ENOENT");
    expect([0, 1].map((page) => other.read(region.base + page * PAGE, "u8"))).toEqual([5, 6]);
  });
});

describe("disks that fail", () => {
  const failing = (frames: number, store: TestStore, size: number | string = "1MiB") => {
    const memory = machine(frames, { ...one, swap: { store, size } });
    const space = new AddressSpace(memory);
    const { base } = space.map({ length: 16 * PAGE });
    const at = (page: number) => base + page * PAGE;
    return { memory, space, at };
  };
  const disk = (operation: string, code: string) => (now: string) => {
    if (now === operation) throw Object.assign(new Error(`${code}: made to fail`), { code });
  };

  it("a page that cannot be written stays, and the access that needed room gets the error", () => {
    const store = new TestStore();
    const { memory, space, at } = failing(3, store);
    for (let page = 0; page < 3; page++) space.write(at(page), "u8", page + 1);
    store.before = disk("write", "EIO");
    const error = thrown(() => space.write(at(3), "u8", 4));
    expect(error).toBeInstanceOf(StorageError);
    expect(error).toMatchObject({ code: "STORAGE", cause: { code: "EIO" } });
    expect(memory.verify()).toEqual([]);
    for (let page = 0; page < 3; page++) expect(space.read(at(page), "u8")).toBe(page + 1);
    // What is clean can go.
    store.before = () => undefined;
    space.write(at(3), "u8", 4);
    for (let page = 0; page < 3; page++) space.read(at(page), "u8");
    store.before = disk("write", "ENOSPC");
    expect(space.read(at(3), "u8")).toBe(4);
  });

  it("a page that cannot be read stays where it is, and can be had later", () => {
    const store = new TestStore();
    const { memory, space, at } = failing(2, store);
    for (let page = 0; page < 4; page++) space.write(at(page), "u32", 1000 + page);
    store.before = disk("read", "EIO");
    const error = thrown(() => space.read(at(0), "u32"));
    expect(error).toBeInstanceOf(StorageError);
    expect(error.message).toContain("of the swap file cannot be read: EIO");
    expect(memory.verify()).toEqual([]);
    store.before = () => undefined;
    for (let page = 0; page < 4; page++) expect(space.read(at(page), "u32")).toBe(1000 + page);
  });

  it("reads and writes in portions are put together; a read that ends too early is an error", () => {
    const store = new TestStore();
    const { space, at } = failing(2, store);
    store.portion = 100;
    for (let page = 0; page < 4; page++) space.writeBytes(at(page), new Uint8Array(PAGE).fill(page + 1));
    for (let page = 0; page < 4; page++)
      expect(space.readBytes(at(page), PAGE)).toEqual(new Uint8Array(PAGE).fill(page + 1));
    const whole = store.bytes;
    store.bytes = whole.subarray(0, 10);
    const errors = [0, 1, 2, 3].flatMap((page) => {
      try {
        expect(space.read(at(page), "u8")).toBe(page + 1);
        return [];
      } catch (error) {
        return [error as StorageError];
      }
    });
    expect(errors.length).toBeGreaterThanOrEqual(2);
    for (const error of errors) expect(error.message).toMatch(/is cut short: \d+ bytes of 512 could be read/);
    expect(errors[0]).toBeInstanceOf(StorageError);
    store.bytes = whole;
    for (let page = 0; page < 4; page++) expect(space.read(at(page), "u8")).toBe(page + 1);
  });

  it("a full swap file is out of memory, until something is given back", () => {
    const store = new TestStore();
    const { memory, space, at } = failing(3, store, 2 * PAGE);
    for (let page = 0; page < 5; page++) space.write(at(page), "u8", page + 1);
    const error = thrown(() => space.write(at(5), "u8", 6));
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error.message).toContain("all 2 slots of the swap file are in use");
    expect(memory.verify()).toEqual([]);
    space.unmap({ base: at(0), length: PAGE });
    space.unmap({ base: at(1), length: PAGE });
    space.write(at(5), "u8", 6);
    for (let page = 2; page < 6; page++) expect(space.read(at(page), "u8")).toBe(page === 5 ? 6 : page + 1);
  });

  it("without swap, only what needs none can be evicted", () => {
    const memory = machine(3, { ...one, swap: false });
    const space = new AddressSpace(memory);
    const { base } = space.map({ length: 8 * PAGE });
    for (let page = 0; page < 8; page++) space.read(base + page * PAGE, "u8");
    for (let page = 0; page < 3; page++) space.write(base + page * PAGE, "u8", 1);
    expect(thrown(() => space.read(base + 3 * PAGE, "u8"))).toBeInstanceOf(OutOfMemoryError);
    space.advise({ base, length: PAGE }, "dontneed");
    expect(space.read(base + 3 * PAGE, "u8")).toBe(0);
  });

  it("no storm of faults loses anything: each operation fails now and then", () => {
    const store = new TestStore();
    const { memory, space, at } = failing(4, store);
    const draw = random(11);
    store.before = () => {
      if (draw() < 0.2) throw new Error("now and then");
    };
    const expected = new Map<number, number>();
    let failures = 0;
    for (let n = 0; n < 3000; n++) {
      const page = below(draw, 16);
      try {
        if (draw() < 0.5) {
          space.write(at(page), "u32", n);
          expected.set(page, n);
        } else expect(space.read(at(page), "u32")).toBe(expected.get(page) ?? 0);
      } catch (error) {
        expect(error).toBeInstanceOf(StorageError);
        failures++;
      }
      if (n % 20 === 0) expect(memory.verify()).toEqual([]);
    }
    store.before = () => undefined;
    expect(failures).toBeGreaterThan(50);
    for (const [page, value] of expected) expect(space.read(at(page), "u32")).toBe(value);
  });
});

describe("the pager", () => {
  it("keeps frames free between its watermarks, and runs when asked to", () => {
    const memory = machine(16, { watermarks: { low: 2, high: 6 }, readAhead: 0 });
    const space = new AddressSpace(memory);
    const { base } = space.map({ length: 64 * PAGE });
    for (let page = 0; page < 64; page++) {
      space.write(base + page * PAGE, "u8", 1);
      expect(memory.stats().frames.free).toBeGreaterThanOrEqual(2);
    }
    expect(memory.stats().reclaims).toMatchObject({ direct: 0 });
    expect(memory.stats().reclaims.pager).toBe(Math.ceil((64 - 14) / 4));
    memory.balance();
    expect(memory.stats().frames.free).toBe(6);
  });

  it("leaves the pages alone that are used between its rounds", () => {
    const memory = machine(16, { policy: "lru", watermarks: { low: 1, high: 3 }, readAhead: 0 });
    const space = new AddressSpace(memory);
    const { base } = space.map({ length: 256 * PAGE });
    for (let page = 0; page < 4; page++) space.write(base + page * PAGE, "u8", 7);
    const run = (from: number, end: number) => {
      for (let page = from; page < end; page++) {
        space.write(base + page * PAGE, "u8", 1);
        for (let hot = 0; hot < 4; hot++) expect(space.read(base + hot * PAGE, "u8")).toBe(7);
      }
      return memory.stats().faults.swapIn;
    };
    // The first round finds every bit set, and cannot tell.
    const before = run(4, 32);
    expect(run(32, 256)).toBe(before);
  });

  it.each(["arc", "lirs", "clock-pro", "s3-fifo", "sieve", "w-tinylfu"])(
    "lets %s keep what is used again from what is read once",
    (policy) => {
      const run = (slug: string) => {
        const memory = machine(32, { policy: slug, readAhead: 0 });
        const space = new AddressSpace(memory);
        const { base } = space.map({ length: 512 * PAGE });
        const use = (from: number, end: number) => {
          for (let page = from; page < end; page++) space.write(base + page * PAGE, "u8", 1);
        };
        const again = () => {
          const before = memory.stats().faults.swapIn;
          use(0, 12);
          return memory.stats().faults.swapIn - before;
        };
        let faults = 0;
        for (let round = 0; round < 8; round++) {
          for (let n = 0; n < 4; n++) {
            faults += again();
            memory.balance();
          }
          use(16 + 60 * round, 16 + 60 * round + 60);
        }
        return faults;
      };
      expect(run("lru")).toBe(7 * 12);
      expect(run(policy)).toBe(0);
    },
  );

  it("takes a policy of one's own, and nothing of the policy is left behind", () => {
    const { create } = POLICIES.get("sieve")!;
    const policy = create(8);
    const memory = machine(8, { policy });
    expect(memory.pager.policy).toBe(policy);
    expect(thrown(() => machine(9, { policy: create(8) })).message).toContain("made for 8 frames");
  });
});

describe("read-ahead", () => {
  const swapped = (readAhead: number) => {
    const memory = machine(32, { readAhead, watermarks: { low: 2, high: 4 } });
    const space = new AddressSpace(memory);
    const region = space.map({ length: 64 * PAGE });
    for (let page = 0; page < 64; page++) space.write(region.base + page * PAGE, "u16", page);
    for (let page = 63; page >= 0; page -= 3) space.read(region.base + page * PAGE, "u16");
    const before = memory.stats();
    return { memory, space, region, before };
  };
  const sweep = ({ space, region, memory, before }: ReturnType<typeof swapped>) => {
    for (let page = 0; page < 64; page++) expect(space.read(region.base + page * PAGE, "u16")).toBe(page);
    const { faults, readAhead } = memory.stats();
    return {
      swapIns: faults.swapIn - before.faults.swapIn,
      ahead: readAhead.pages - before.readAhead.pages,
      hits: readAhead.hits - before.readAhead.hits,
    };
  };

  it("is detected in a sequence, told by sequential, and turned off by random", () => {
    const none = sweep(swapped(0));
    expect(none).toMatchObject({ ahead: 0, hits: 0 });
    const detected = sweep(swapped(8));
    expect(detected.swapIns).toBeLessThan(none.swapIns / 2);
    expect(detected.hits).toBeGreaterThan(0.8 * detected.ahead);
    const told = swapped(8);
    told.space.advise(told.region, "sequential");
    expect(sweep(told).swapIns).toBeLessThanOrEqual(detected.swapIns);
    const random = swapped(8);
    random.space.advise(random.region, "random");
    expect(sweep(random)).toMatchObject({ ahead: 0, hits: 0 });
  });

  it("willneed brings a range in before it is used", () => {
    const { memory, space, region } = swapped(8);
    space.advise(region, "random");
    const wanted = { base: region.base, length: 8 * PAGE };
    space.advise(wanted, "willneed");
    const before = memory.stats().faults.swapIn;
    for (let page = 0; page < 8; page++) expect(space.read(region.base + page * PAGE, "u16")).toBe(page);
    expect(memory.stats().faults.swapIn).toBe(before);
  });
});
