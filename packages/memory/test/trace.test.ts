// Traces: formats, how they are told apart, where a stream may be cut, and what is said of a bad line.
import { gzipSync } from "node:zlib";
import { PAGE_MAX, type ReadOptions, readTrace, SimulationError, TraceError } from "@ungil/memory";
import { describe, expect, test } from "vitest";
import { below, random } from "./support.js";

/** A stream that hands out `size` bytes at a time. */
async function* stream(data: string | Uint8Array, size = 1 << 16): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(data as string);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(data: string | Uint8Array, options: ReadOptions = {}, size?: number) {
  const pages: number[] = [];
  const writes: number[] = [];
  for await (const batch of readTrace(stream(data, size), options)) {
    pages.push(...batch.pages.subarray(0, batch.count));
    writes.push(...batch.writes.subarray(0, batch.count));
  }
  return { pages, writes };
}

const pagesOf = async (data: string | Uint8Array, options?: ReadOptions, size?: number) =>
  (await read(data, options, size)).pages;

async function failure(data: string | Uint8Array, options?: ReadOptions, size?: number): Promise<TraceError> {
  try {
    await read(data, options, size);
  } catch (error) {
    expect(error).toBeInstanceOf(TraceError);
    return error as TraceError;
  }
  throw new Error("nothing was thrown");
}

const lackey = `==2311== Lackey, an example Valgrind tool
--2311-- warning: something
I  04001000,3
 L 1ffeffe7e,8
I  04001003,5
 S 1ffeffe80,8
 M 0421c7cc,4
==2311==
`;

describe("page numbers", () => {
  test("one a line, or with blanks and commas, with comments, CRLF and no end of line", async () => {
    expect(await pagesOf("7\n0\n1\n")).toEqual([7, 0, 1]);
    expect(await pagesOf("7,0, 1\t2\r\n3 # 99\n# nothing\n\n4")).toEqual([7, 0, 1, 2, 3, 4]);
  });

  test("they are not divided by the page size, and may be as large as a page can be", async () => {
    expect(await pagesOf(`4096 ${PAGE_MAX}`, { pageSize: 16384 })).toEqual([4096, PAGE_MAX]);
    expect((await failure(`1\n${2 * PAGE_MAX}`)).line).toBe(2);
  });

  test("a bad line is named: number, text, what was expected", async () => {
    const error = await failure("1\n2\n3 x4\n5\n");
    expect(error).toMatchObject({ code: "TRACE", line: 3, text: "3 x4", expected: expect.stringMatching(/decimal/) });
    expect(error.message).toMatch(/^line 3 of the trace is "3 x4": expected page numbers/);
    for (const bad of ["1\n-2", "1\n2.5", "1\n12ab", "1\n0x10"]) expect((await failure(bad)).line).toBe(2);
  });
});

describe("addresses", () => {
  test("are divided by the page size", async () => {
    expect(await pagesOf("0x0 0xfff\n0x1000,0X7FFE5C20\n")).toEqual([0, 0, 1, 0x7ffe5]);
    expect(await pagesOf("0x4000\n0x7fff", { pageSize: 16384 })).toEqual([1, 1]);
    expect(await pagesOf("4000 7fff # no 0x", { format: "addresses" })).toEqual([4, 7]);
  });

  test("of 64 bits are exact", async () => {
    expect(await pagesOf("0xffffffff81000000 0xffffffffffffffff")).toEqual([0xffffffff81000, PAGE_MAX - 1]);
  });

  test.each(["0x1\n0x", "0x1\n0xg", "0x1\n0x12345678123456781", "0x1\nhello", "0x1\n0x1-0x2"])("%j", async (bad) => {
    expect(await failure(bad)).toMatchObject({ line: 2, expected: expect.stringMatching(/hexadecimal/) });
  });

  test("a page beyond 2^52 is refused where pages are small", async () => {
    expect((await failure("0xffffffffffffffff", { pageSize: 1024 })).line).toBe(1);
  });
});

describe("lackey", () => {
  test("instructions, loads, stores and modifies; valgrind's own lines are skipped", async () => {
    expect(await read(lackey)).toEqual({
      pages: [0x4001, 0x1ffeff, 0x4001, 0x1ffeff, 0x421c],
      writes: [0, 0, 0, 1, 1],
    });
    expect(await pagesOf(lackey.replace(/^ /gm, ""))).toHaveLength(5);
    expect(await pagesOf(lackey, { instructions: false })).toEqual([0x1ffeff, 0x1ffeff, 0x421c]);
  });

  test("an access across a page's end is a reference to each page", async () => {
    expect(await read(" S 1ffeffffc,8\n L 1ffefffff,1\n")).toEqual({
      pages: [0x1ffeff, 0x1fff00, 0x1ffeff],
      writes: [1, 1, 0],
    });
    expect(await pagesOf(" L 0000000f,34", { pageSize: 16 })).toEqual([0, 1, 2, 3]);
  });

  test.each([" L 1000", " L 1000,", " L ,8", " X 1000,8", "L1000,8", " I 1000,8", " L 1000,8x", " L 1000,0", "hello"])(
    "a bad line: %j",
    async (bad) => {
      expect(await failure(`I  1000,4\n${bad}\n`)).toMatchObject({ line: 2, text: bad.trim() });
    },
  );
});

test("gzip is seen by its first bytes, several members too; broken data is an error", async () => {
  const packed = Buffer.concat([gzipSync("1 2\n"), gzipSync("3\n")]);
  for (const size of [1, 7, 1000]) expect(await pagesOf(packed, {}, size)).toEqual([1, 2, 3]);
  expect(await pagesOf(gzipSync(lackey))).toHaveLength(5);
  expect((await failure(packed.subarray(0, 12))).message).toMatch(/gzip data is broken/);
  const broken = Buffer.from(gzipSync("1 2 3 4 5 6 7 8 9\n"));
  broken[15]! ^= 0xff;
  expect((await failure(broken)).message).toMatch(/gzip/);
});

test("a trace whose format cannot be seen, formats and page sizes that do not exist", async () => {
  expect(await failure("\n\nhello world\n1\n")).toMatchObject({ line: 3, text: "hello world" });
  await expect(read("1", { format: "elf" as never })).rejects.toThrow(SimulationError);
  await expect(read("0x1", { pageSize: 1000 })).rejects.toThrow("powers of two");
  await expect(read(`I  1000,4\n${"x".repeat(200_000)}`)).rejects.toThrow(TraceError);
  expect(await pagesOf("")).toEqual([]);
});

test("wherever the stream is cut, the references are the same (200 seeds)", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const draw = random(seed);
    const count = below(draw, 300);
    const numbers = Array.from({ length: count }, () => Math.floor(draw() ** 4 * 2 ** 40));
    const separator = [" ", "\n", ",", ", ", "\r\n"][below(draw, 5)]!;
    const size = 1 + below(draw, 50);
    expect(await pagesOf(numbers.join(separator), {}, size), `seed ${seed}`).toEqual(numbers);
    const text = numbers.map((address) => ` S ${address.toString(16).padStart(8, "0")},1\n`).join("");
    const pages = numbers.map((address) => Math.floor(address / 4096));
    expect(await pagesOf(text, {}, size), `seed ${seed}`).toEqual(pages);
    const addresses = numbers.map((address) => `0x${address.toString(16)}`).join(separator);
    expect(await pagesOf(addresses, {}, size), `seed ${seed}`).toEqual(pages);
  }
});

test("one line of 200,000 page numbers, and batches that are full", async () => {
  const numbers = Array.from({ length: 200_000 }, (_, n) => n % 977);
  expect(await pagesOf(numbers.join(","))).toEqual(numbers);
  expect(await pagesOf(`${numbers.join("\n")}\n`)).toEqual(numbers);
});
