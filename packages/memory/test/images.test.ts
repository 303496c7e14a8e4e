// Image files: whatever is cut off, torn or flipped, what is read is exactly one of the generations that were written, or a reason.
import {
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { UngilError } from "@ungil/kernel";
import { ImageReader, ImageWriter } from "@ungil/memory/images";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { below, random } from "./support.js";

/** Small pages make small files, every byte of which can be tried. */
const PAGE = 64;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ungil-image-files-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string) => path.join(folder, name);
const pause = async () => undefined;

/** Whole numbers below n, from a seed that is printed: UNGIL_TEST_SEED=... runs a failure again. */
function draws(name: string): (n: number) => number {
  const seed = Number(process.env.UNGIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${name}: UNGIL_TEST_SEED=${seed}`);
  const draw = random(seed);
  return (n) => below(draw, n);
}

/** What an image holds: its header and each page. */
type Content = { header: unknown; pages: [number, string][] };

function content(generation: number, pages: number): Content {
  const text = (page: number) => `page ${page} of generation ${page % 3 ? 0 : generation}`.padEnd(PAGE, ".");
  return { header: { generation }, pages: Array.from({ length: pages }, (_, n) => [2 * n + 1, text(n)]) };
}

async function write(to: string, { header, pages }: Content) {
  const writer = await ImageWriter.begin(to, PAGE);
  for (const [page, text] of pages) if (writer.add(page, 1, page, Buffer.from(text))) await writer.flush();
  return writer.commit(header, pause);
}

async function read(from: string): Promise<Content> {
  const reader = await ImageReader.open(from, PAGE);
  try {
    const pages: [number, string][] = [];
    await reader.read(({ page }, bytes) => pages.push([page, bytes.toString("latin1")]), pause);
    return { header: reader.manifest.header, pages: pages.sort(([a], [b]) => a - b) };
  } finally {
    await reader.close();
  }
}

/** The generation that a file is, as it was written; 0 if it is refused with a reason. Anything else fails the test. */
async function generationOf(from: string, written: readonly Content[], what: string): Promise<number> {
  try {
    const found = await read(from);
    const at = written.findIndex((one) => JSON.stringify(one) === JSON.stringify(found));
    expect(at, `${what}: it was opened, and is nothing that was written`).toBeGreaterThanOrEqual(0);
    return at + 1;
  } catch (error) {
    expect(error, what).toBeInstanceOf(UngilError);
    expect((error as UngilError).code, what).toMatch(/^(IMAGE_CORRUPTED|NOT_AN_IMAGE|IMAGE_VERSION)$/);
    return 0;
  }
}

describe("an image file", () => {
  test("holds the last generation that was written, and each page once", async () => {
    const to = file("generations");
    for (let generation = 1; generation <= 12; generation++) {
      const one = content(generation, 20 + generation);
      const report = await write(to, one);
      expect(report).toMatchObject({ generation, pages: 20 + generation, bytes: statSync(to).size });
      if (generation > 1)
        expect(report.written).toBe(Math.ceil((20 + generation) / 3) + ((20 + generation) % 3 === 1 ? 0 : 1));
      expect(await read(to)).toEqual(one);
    }
    const twins = {
      header: "twins",
      pages: [1, 2, 3].map((page) => [page, "the same".padEnd(PAGE)] as [number, string]),
    };
    expect(await write(file("twins"), twins)).toMatchObject({ pages: 3, written: 1 });
    expect(await read(file("twins"))).toEqual(twins);
  });

  test("does not take a damaged page of the file for the one that it is to hold", async () => {
    const to = file("reuse");
    const one = content(1, 10);
    await write(to, one);
    const damaged = file("reuse-damaged"); // a file that this process has neither written nor read
    const bytes = readFileSync(to);
    bytes[8192 + 5 * PAGE]! ^= 1;
    writeFileSync(damaged, bytes);
    expect(await write(damaged, one)).toMatchObject({ generation: 2, written: 1 });
    expect(await read(damaged)).toEqual(one);
  });
});

/** A file of one generation, and the same with another one. */
async function two(name: string): Promise<{ written: Content[]; before: Buffer; after: Buffer }> {
  const written = [content(1, 12), content(2, 15)];
  await write(file(name), written[0] as Content);
  const before = readFileSync(file(name));
  await write(file(name), written[1] as Content);
  return { written, before, after: readFileSync(file(name)) };
}

describe("a save that is cut off", () => {
  test("leaves the old image, whatever of its writes has come to the disk before the superblock", async () => {
    const { written, before, after } = await two("cut");
    for (let length = before.length; length <= after.length; length += 7) {
      writeFileSync(file("prefix"), Buffer.concat([before, after.subarray(before.length, length)]));
      expect(await generationOf(file("prefix"), written, `${length} bytes`)).toBe(1);
    }
    // A disk may write blocks in any order, until it is told to have written all.
    const draw = draws("cut");
    for (let round = 0; round < 200; round++) {
      const bytes = Buffer.from(after);
      before.copy(bytes, 0, 0, 8192);
      for (let at = before.length; at < bytes.length; at += 128) if (draw(2)) bytes.subarray(at, at + 128).fill(0);
      writeFileSync(file("holes"), bytes);
      expect(await generationOf(file("holes"), written, "holes")).toBe(1);
    }
  });

  test("leaves the old image or the new one, wherever the superblock is torn", async () => {
    const { written, before, after } = await two("torn");
    const slot = 0; // of generation 2
    const seen = new Set<number>();
    for (let length = 0; length <= 160; length++) {
      const bytes = Buffer.from(after);
      before.copy(bytes, slot, slot, 4096);
      after.copy(bytes, slot, slot, slot + length);
      writeFileSync(file("head"), bytes);
      const generation = await generationOf(file("head"), written, `${length} bytes of the superblock`);
      expect(generation).toBeGreaterThan(0);
      seen.add(generation);
      // The next save goes on from what holds.
      if (length % 16 === 0) {
        expect((await write(file("head"), content(3, 4))).generation).toBe(generation + 1);
        expect(await read(file("head"))).toEqual(content(3, 4));
      }
    }
    expect([...seen]).toEqual([1, 2]);
  });
});

describe("damage", () => {
  test("at any byte is refused, or does not matter, or shows the generation before", async () => {
    const { written, after } = await two("flip");
    const at = openSync(file("flip"), "r+");
    const draw = draws("flip");
    const found = [0, 0, 0];
    const offsets = [...Array(160).keys(), ...Array.from({ length: 160 }, (_, n) => 4096 + n)];
    for (let n = 8192; n < after.length; n += 1 + draw(2)) offsets.push(n);
    for (const offset of offsets) {
      const byte = after[offset] as number;
      writeSync(at, Buffer.of(byte ^ (1 << draw(8))), 0, 1, offset);
      found[await generationOf(file("flip"), written, `byte ${offset}`)]!++;
      writeSync(at, Buffer.of(byte), 0, 1, offset);
    }
    expect(await generationOf(file("flip"), written, "as it was")).toBe(2);
    for (const times of found) expect(times).toBeGreaterThan(50);
  });

  test("of many bytes, and blocks that are gone or exchanged", async () => {
    const { written, after } = await two("many");
    const draw = draws("many");
    for (let round = 0; round < 500; round++) {
      const bytes = Buffer.from(after);
      const [from, to] = [draw(bytes.length), draw(bytes.length)];
      const length = 1 + draw(draw(2) ? 4096 : 64);
      if (draw(3) === 0) bytes.subarray(from, from + length).fill(draw(256));
      else if (draw(2)) after.copy(bytes, to, from, from + length);
      else for (let n = draw(20); n >= 0; n--) bytes[draw(bytes.length)] = draw(256);
      writeFileSync(file("many"), bytes);
      await generationOf(file("many"), written, `round ${round}`);
    }
  });

  test("by cutting the file off anywhere is refused", async () => {
    const { written, after } = await two("short");
    for (let length = 0; length < after.length; length += length < 8192 ? 64 : 5) {
      writeFileSync(file("short"), after.subarray(0, length));
      expect(await generationOf(file("short"), written, `${length} bytes`)).toBe(0);
    }
  });
});

test("a file is rewritten when more than half of it is of no use, and nobody sees that", async () => {
  const to = file("compact");
  const large = (generation: number): Content => ({
    header: { generation },
    pages: Array.from({ length: 9000 }, (_, n) => [n + 1, `page ${n} of ${n % 9 ? generation : 0}`.padEnd(PAGE)]),
  });
  await write(to, large(1));
  const open = await ImageReader.open(to, PAGE);
  const report = await write(to, large(2));
  expect(report).toMatchObject({ generation: 2, written: 8000, compacted: false });
  const reports = [await write(to, large(3)), await write(to, large(4))];
  expect(reports.map(({ compacted }) => compacted)).toContain(true);
  expect(await read(to)).toEqual(large(4));
  expect(statSync(to).size).toBeLessThan(2 * report.bytes);
  // Who has it open still reads what it was.
  const seen: string[] = [];
  await open.read((_, bytes) => seen.push(bytes.toString("latin1")), pause);
  await open.close();
  expect(seen).toEqual(large(1).pages.map(([, text]) => text));
  expect(await write(to, large(5))).toMatchObject({ generation: 5, written: 8000 });
  expect(await read(to)).toEqual(large(5));
  expect(readdirSync(folder).filter((name) => /(saving|new)$/.test(name))).toEqual([]);
});

test("a save that was given up leaves nothing behind", async () => {
  const to = file("given-up");
  await write(to, content(1, 10));
  const before = readFileSync(to);
  const writer = await ImageWriter.begin(to, PAGE);
  writer.add(1, 1, 1, Buffer.from("something else".padEnd(PAGE)));
  await writer.flush();
  await writer.abandon();
  expect(readFileSync(to).equals(before)).toBe(true);
  copyFileSync(to, file("copy"));
  expect(await read(file("copy"))).toEqual(content(1, 10));
});
