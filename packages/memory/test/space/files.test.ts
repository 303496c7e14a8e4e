// Mapped files: private and shared, cut short and grown, and what reaches the disk.
import { appendFileSync, chmodSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { AddressSpace, BusError, StorageError } from "@ungil/memory";
import { describe, expect, it } from "vitest";
import { machine, PAGE, TestStore, temporaryFolder, thrown } from "./machine.js";

function file(bytes: number, fill = (n: number) => n % 251): string {
  const name = path.join(temporaryFolder(), "data.bin");
  writeFileSync(
    name,
    Uint8Array.from({ length: bytes }, (_, n) => fill(n)),
  );
  return name;
}

describe("private mappings of a file", () => {
  it("show it, and keep what is written to themselves, under pressure too", () => {
    const name = file(6 * PAGE);
    const before = readFileSync(name);
    const memory = machine(3, { readAhead: 0 });
    const space = new AddressSpace(memory);
    const region = space.map({ file: name });
    expect(region).toMatchObject({ kind: "file", length: 6 * PAGE, name, shared: false });
    expect(space.readBytes(region.base, 6 * PAGE)).toEqual(new Uint8Array(before));
    for (let page = 0; page < 6; page++) space.write(region.base + page * PAGE, "u8", 255);
    for (let page = 0; page < 6; page++) {
      expect(space.read(region.base + page * PAGE, "u8")).toBe(255);
      expect(space.read(region.base + page * PAGE + 1, "u8")).toBe((page * PAGE + 1) % 251);
    }
    space.sync();
    expect(readFileSync(name)).toEqual(before);
    expect(memory.stats().writeBacks.file).toBe(0);
    space.advise(region, "dontneed");
    expect(space.read(region.base, "u8")).toBe(0);
    space.close();
    expect(readFileSync(name)).toEqual(before);
  });

  it("begin at an offset, end with the file, and are zeros behind its last byte", () => {
    const name = file(2 * PAGE + 10);
    const space = new AddressSpace(machine(2));
    const used = space.map({ length: 2 * PAGE });
    for (const page of [0, 1]) space.writeBytes(used.base + page * PAGE, new Uint8Array(PAGE).fill(170));
    const region = space.map({ file: name, offset: 2 * PAGE, name: "tail" });
    expect(region).toMatchObject({ length: PAGE, offset: 2 * PAGE, name: "tail" });
    expect(space.read(region.base + 9, "u8")).toBe((2 * PAGE + 9) % 251);
    expect(space.readBytes(region.base + 10, PAGE - 10).every((byte) => byte === 0)).toBe(true);
    expect(thrown(() => space.map({ file: name, offset: 4 * PAGE })).message).toContain("nothing of");
    const empty = file(0);
    expect(thrown(() => space.map({ file: empty })).message).toContain("give a length above 0");
    expect(thrown(() => space.map({ file: path.dirname(name) })).code).toBe("VIRTUAL_MEMORY");
  });
});

describe("shared mappings of a file", () => {
  it("are one memory for all, and reach the file by sync, unmap or close", () => {
    const name = file(4 * PAGE);
    const memory = machine(6);
    const [a, b] = [new AddressSpace(memory), new AddressSpace(memory)];
    const first = a.map({ file: name, shared: true });
    const second = b.map({ file: name, shared: true, offset: PAGE });
    const reader = b.map({ file: name, protection: "r" });
    a.write(first.base + PAGE + 3, "u32", 0xdeadbeef);
    expect(b.read(second.base + 3, "u32")).toBe(0xdeadbeef);
    expect(b.read(reader.base + PAGE + 3, "u32")).toBe(0xdeadbeef);
    expect(readFileSync(name).readUInt32LE(PAGE + 3)).not.toBe(0xdeadbeef);
    a.sync({ base: first.base, length: PAGE });
    expect(readFileSync(name).readUInt32LE(PAGE + 3)).not.toBe(0xdeadbeef);
    a.sync();
    expect(readFileSync(name).readUInt32LE(PAGE + 3)).toBe(0xdeadbeef);
    expect(memory.stats().writeBacks.file).toBe(1);
    a.sync();
    expect(memory.stats().writeBacks.file).toBe(1);
    a.write(first.base, "u8", 77);
    a.unmap({ base: first.base, length: PAGE });
    expect(readFileSync(name)[0]).toBe(77);
    b.write(second.base + PAGE, "u8", 78);
    memory.close();
    expect(readFileSync(name)[2 * PAGE]).toBe(78);
  });

  it("are written back when they are evicted, and read again", () => {
    const name = file(12 * PAGE);
    const memory = machine(3, { readAhead: 0 });
    const space = new AddressSpace(memory);
    const { base } = space.map({ file: name, shared: true });
    for (let page = 0; page < 12; page++) space.write(base + page * PAGE + 5, "u16", page);
    for (let page = 0; page < 12; page++) expect(space.read(base + page * PAGE + 5, "u16")).toBe(page);
    const { writeBacks, swap } = memory.stats();
    expect(writeBacks).toEqual({ swap: 0, file: 12 });
    expect(swap.used).toBe(0);
  });

  it("need a file that may be written to, once they are to be written to", () => {
    const name = file(PAGE);
    const space = new AddressSpace(machine(4));
    chmodSync(name, 0o400);
    const region = space.map({ file: name, shared: true, protection: "r" });
    // The superuser may write to anything.
    if (process.getuid?.() === 0) space.protect(region, "rw");
    else expect(thrown(() => space.protect(region, "rw")).message).toContain("cannot be written to: EACCES");
    const folder = path.join(temporaryFolder(), "folder");
    mkdirSync(folder);
    expect(thrown(() => space.map({ file: folder, shared: true })).code).toBe("VIRTUAL_MEMORY");
    expect(space.regions()).toHaveLength(1);
  });
});

describe("files that change their length", () => {
  it("cut short: a bus error beyond the end, also for pages that were in memory; the rest works on", () => {
    const name = file(4 * PAGE);
    const memory = machine(8, { readAhead: 0 });
    const space = new AddressSpace(memory, { name: "reader" });
    const region = space.map({ file: name, shared: true, name: "log" });
    for (let page = 0; page < 4; page++) space.read(region.base + page * PAGE, "u8");
    space.write(region.base + 3 * PAGE, "u8", 1);
    truncateSync(name, PAGE + 100);
    space.sync({ base: region.base, length: PAGE });
    const error = thrown(() => space.read(region.base + 2 * PAGE + 7, "u32"));
    expect(error).toBeInstanceOf(BusError);
    expect(error).toMatchObject({ code: "BUS", address: region.base + 2 * PAGE + 7, access: "read", region: "log" });
    expect(error.message).toContain(`ends before it, after ${PAGE + 100} bytes`);
    expect(thrown(() => space.write(region.base + 3 * PAGE, "u8", 1)).access).toBe("write");
    expect(space.read(region.base + PAGE + 99, "u8")).toBe((PAGE + 99) % 251);
    expect(space.read(region.base + PAGE + 100, "u8")).toBe(0);
    expect(memory.stats().lost).toBe(1);
    space.write(region.base + PAGE + 150, "u8", 9);
    space.sync();
    expect(readFileSync(name)).toHaveLength(PAGE + 100);
    expect(thrown(() => space.lock(region)).code).toBe("BUS");
    expect(space.region(region.base)!.locked).toBe(false);
  });

  it("cut short under pages that were never read", () => {
    const name = file(4 * PAGE);
    const space = new AddressSpace(machine(8));
    const { base } = space.map({ file: name });
    truncateSync(name, 0);
    expect(thrown(() => space.read(base, "u8"))).toBeInstanceOf(BusError);
    expect(thrown(() => space.write(base, "u8", 1))).toBeInstanceOf(BusError);
  });

  it("cut short under pages that were written to: they do not make it longer again", () => {
    const name = file(4 * PAGE);
    const memory = machine(2, { readAhead: 0 });
    const space = new AddressSpace(memory);
    const { base } = space.map({ file: name, shared: true });
    space.write(base + PAGE, "u8", 1);
    space.write(base + 2 * PAGE, "u8", 2);
    truncateSync(name, PAGE + 5);
    const other = space.map({ length: 2 * PAGE });
    for (const page of [0, 1]) space.write(other.base + page * PAGE, "u8", 1);
    expect(readFileSync(name)).toHaveLength(PAGE + 5);
    expect(readFileSync(name)[PAGE]).toBe(1);
    expect(memory.stats()).toMatchObject({ lost: 1, writeBacks: { file: 1 } });
    expect(thrown(() => space.read(base + 2 * PAGE, "u8")).code).toBe("BUS");
  });

  it("grown: what was beyond the end appears, in the page that it ended in too", () => {
    const name = file(PAGE + 10);
    const space = new AddressSpace(machine(8));
    const { base } = space.map({ file: name, length: 3 * PAGE, shared: true });
    space.write(base + PAGE + 2, "u8", 99);
    expect(space.read(base + PAGE + 10, "u8")).toBe(0);
    expect(thrown(() => space.read(base + 2 * PAGE, "u8"))).toBeInstanceOf(BusError);
    appendFileSync(name, new Uint8Array(PAGE).fill(7));
    expect(space.read(base + 2 * PAGE, "u8")).toBe(7);
    expect(space.read(base + PAGE + 10, "u8")).toBe(7);
    expect(space.read(base + PAGE + 2, "u8")).toBe(99);
    expect(space.read(base + 2 * PAGE + 10, "u8")).toBe(0);
    space.sync();
    expect([...readFileSync(name).subarray(PAGE + 1, PAGE + 11)].at(1)).toBe(99);
    expect(readFileSync(name)).toHaveLength(2 * PAGE + 10);
  });
});

describe("a page that a view keeps", () => {
  it("is not the one that the file has there when it has become longer again", () => {
    const name = file(3 * PAGE);
    const memory = machine(6, { readAhead: 0 });
    const space = new AddressSpace(memory);
    const { base } = space.map({ file: name, shared: true });
    const view = space.openView({ base: base + PAGE, length: 1 });
    truncateSync(name, PAGE);
    expect(thrown(() => space.read(base + 2 * PAGE, "u8"))).toBeInstanceOf(BusError);
    appendFileSync(name, new Uint8Array(2 * PAGE).fill(7));
    expect(space.read(base + PAGE, "u8")).toBe(7);
    view.bytes[0] = 1;
    expect(memory.verify()).toEqual([]);
    view.release();
    expect(space.read(base + PAGE, "u8")).toBe(7);
    const other = space.map({ length: 6 * PAGE }); // drives the page out, which comes back
    for (let page = 0; page < 6; page++) space.write(other.base + page * PAGE, "u8", 1);
    expect(space.read(base + PAGE, "u8")).toBe(7);
  });
});

describe("a store that fails", () => {
  const mapped = () => {
    const store = new TestStore();
    store.bytes = Uint8Array.from({ length: 4 * PAGE }, (_, n) => n % 251);
    const memory = machine(4, { readAhead: 0 });
    const space = new AddressSpace(memory);
    return { store, memory, space, region: space.map({ file: store, shared: true, name: "store" }) };
  };
  const on = (operation: string) => (now: string) => {
    if (now === operation) throw new Error("made to fail");
  };

  it("reading is a bus error with its cause, and can be tried again", () => {
    const { store, space, region } = mapped();
    store.before = on("read");
    const error = thrown(() => space.read(region.base + 5, "u8"));
    expect(error).toBeInstanceOf(BusError);
    expect(error.cause).toBeInstanceOf(StorageError);
    expect(error.message).toContain("cannot be read: made to fail");
    store.before = () => undefined;
    expect(space.read(region.base + 5, "u8")).toBe(5);
  });

  it("writing back fails where it is asked for, and nothing is lost or unmapped", () => {
    const { store, space, region, memory } = mapped();
    space.write(region.base, "u8", 200);
    store.before = on("write");
    for (const act of [() => space.sync(), () => space.unmap(region)]) {
      expect(thrown(act)).toBeInstanceOf(StorageError);
      expect(space.read(region.base, "u8")).toBe(200);
    }
    // Others find room nevertheless, as long as something clean is left.
    const other = space.map({ length: 8 * PAGE });
    for (let page = 0; page < 8; page++) space.write(other.base + page * PAGE, "u8", 1);
    expect(space.region(region.base)!.dirty).toBe(1);
    expect(memory.verify()).toEqual([]);
    store.before = on("sync");
    expect(thrown(() => space.sync()).message).toContain("cannot be written to the disk");
    store.before = () => undefined;
    space.unmap(region);
    expect(store.bytes[0]).toBe(200);
    expect(store.closed).toBe(false);
  });

  it("closing says what could not be written, and closes all the same", () => {
    const { store, space, region, memory } = mapped();
    space.write(region.base, "u8", 200);
    store.before = on("write");
    expect(thrown(() => space.close())).toBeInstanceOf(StorageError);
    expect(memory.spaces).toEqual([]);
  });
});
