// The order in which a save writes. What it asks of the operating system is noted, and then a power failure is tried after each
// request: what was synced is on the disk, of the rest any blocks are, and none, and torn ones.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import promises, { open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { ImageReader, ImageWriter } from "@ungil/memory/images";
import { afterAll, beforeAll, expect, test } from "vitest";
import { below, random } from "./support.js";

const PAGE = 64;
/** What a disk writes at once: less than any does, so that superblocks are torn too. */
const BLOCK = 32;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ungil-image-writes-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Request =
  | { kind: "write"; fd: number; at: number; bytes: Buffer }
  | { kind: "truncate"; fd: number; length: number }
  | { kind: "sync"; fd: number }
  | { kind: "rename"; to: string };

const pause = async () => undefined;

async function save(to: string, generation: number, pages: number): Promise<boolean> {
  const writer = await ImageWriter.begin(to, PAGE);
  for (let n = 0; n < pages; n++) {
    const text = `page ${n} of ${n % 3 ? generation : 0}`.padEnd(PAGE);
    if (writer.add(n + 1, 1, 0, Buffer.from(text))) await writer.flush();
  }
  return (await writer.commit({ generation }, pause)).compacted;
}

/** The generation of an image, all of whose pages are right. */
async function generationOf(from: string): Promise<number> {
  const reader = await ImageReader.open(from, PAGE);
  try {
    await reader.read(() => undefined, pause);
    return (reader.manifest.header as { generation: number }).generation;
  } finally {
    await reader.close();
  }
}

/** Notes what is asked of the operating system meanwhile. */
async function noted(work: () => Promise<unknown>): Promise<Request[]> {
  const requests: Request[] = [];
  const probe = await open(path.join(folder, "probe"), "w");
  const prototype = Object.getPrototypeOf(probe);
  await probe.close();
  const { write, sync, truncate } = prototype;
  const { rename } = promises;
  prototype.write = function (bytes: Buffer, from: number, length: number, at: number) {
    requests.push({ kind: "write", fd: this.fd, at, bytes: Buffer.from(bytes.subarray(from, from + length)) });
    return write.call(this, bytes, from, length, at);
  };
  prototype.sync = function () {
    requests.push({ kind: "sync", fd: this.fd });
    return sync.call(this);
  };
  prototype.truncate = function (length: number) {
    requests.push({ kind: "truncate", fd: this.fd, length });
    return truncate.call(this, length);
  };
  promises.rename = (from, to) => {
    requests.push({ kind: "rename", to: String(to) });
    return rename(from, to);
  };
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    Object.assign(prototype, { write, sync, truncate });
    promises.rename = rename;
    syncBuiltinESMExports();
  }
  return requests;
}

function apply(disk: Buffer, request: Request, keep: () => boolean): Buffer {
  if (request.kind === "truncate") {
    if (!keep()) return disk;
    const cut = Buffer.alloc(request.length);
    disk.copy(cut);
    return cut;
  }
  if (request.kind !== "write") return disk;
  const { at, bytes } = request;
  const grown = Buffer.alloc(Math.max(disk.length, at + bytes.length));
  disk.copy(grown);
  for (let n = 0; n < bytes.length; ) {
    const end = Math.min(bytes.length, n + BLOCK - ((at + n) % BLOCK));
    if (keep()) bytes.copy(grown, at + n, n, end);
    n = end;
  }
  return grown;
}

test("a power failure after any request of a save leaves the old image or the new one", async () => {
  const seed = Number(process.env.UNGIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`writes: UNGIL_TEST_SEED=${seed}`);
  const draw = random(seed);
  const file = path.join(folder, "heap.image");
  const failed = path.join(folder, "failed.image");
  await save(file, 1, 60);
  for (let generation = 2; generation <= 4; generation++) {
    const before = readFileSync(file);
    const requests = await noted(() => save(file, generation, 60 + generation));
    expect(requests.filter(({ kind }) => kind === "sync").length).toBe(2);
    const found = new Set<number>();
    for (let last = 0; last <= requests.length; last++) {
      const synced = requests.slice(0, last).findLastIndex(({ kind }) => kind === "sync");
      for (let round = 0; round < 30; round++) {
        const chance = [0, 0.5, 0.9, 1][below(draw, 4)] as number;
        let disk: Buffer = before;
        requests.slice(0, last).forEach((request, n) => {
          disk = apply(disk, request, () => n <= synced || draw() < chance);
        });
        writeFileSync(failed, disk);
        const there = await generationOf(failed);
        expect([generation - 1, generation]).toContain(there);
        if (last === requests.length) expect(there).toBe(generation);
        found.add(there);
      }
    }
    expect([...found].sort()).toEqual([generation - 1, generation]);
  }
});

test("a new image, and one that is rewritten, is on the disk before it takes its name, and the name after it", async () => {
  const file = path.join(folder, "new.image");
  const kinds = (requests: Request[]) => requests.map(({ kind }) => kind).join(" ");
  const ends = /write truncate sync write sync rename sync$/;
  expect(kinds(await noted(() => save(file, 1, 10_000)))).toMatch(ends);
  let rewritten = 0;
  for (let generation = 2; generation <= 5; generation++) {
    let compacted = false;
    const requests = await noted(async () => {
      compacted = await save(file, generation, 10_000);
    });
    expect(kinds(requests)).toMatch(compacted ? ends : /write truncate sync write sync$/);
    if (compacted) rewritten++;
    expect(await generationOf(file)).toBe(generation);
  }
  expect(rewritten).toBeGreaterThan(0);
});
