// An image that is larger than memory: with a swap file it opens all the same, and can be saved again.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Dict, List } from "@ungil/heap";
import { Runtime, type RuntimeOptions } from "@ungil/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { at, faults, fill, move, textOf } from "./fixtures/image-swap.mjs";
import { failure, fixture, inBothModes, type LooseRuntime, node, opened, start, within } from "./helpers.js";

const ENTRIES = 80_000; // 24 MiB

let folder: string;
let large: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "ungil-image-swap-"));
  large = path.join(folder, "large.image");
  const rt = (await Runtime.start({ threads: 1, memory: "64MiB" })) as unknown as LooseRuntime;
  const [sheets, dict] = [rt.new(List), rt.new(Dict)];
  rt.scope(() => fill(sheets, 0, ENTRIES));
  rt.scope(() => {
    for (let n = 0; n < 20_000; n++) dict.set(n % 2 ? n : `key ${n}`, new List([n, at(sheets, n)]));
  });
  const snapshot = await rt.snapshot();
  await snapshot.save(large, { roots: { sheets, dict } });
  await rt.close();
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open = (from: string, options: RuntimeOptions) => opened(Runtime.open(from, { threads: 2, ...options }));
const faultsOf = (rt: LooseRuntime) => faults(rt.root("sheets"), (work: () => void) => rt.scope(work));
const more = (rt: LooseRuntime, entries: number) =>
  fill(rt.root("sheets"), ENTRIES, ENTRIES + entries, (work: () => void) => rt.scope(work));

function seedOf(name: string): number {
  const seed = Number(process.env.UNGIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${name}: UNGIL_TEST_SEED=${seed}`);
  return seed;
}

inBothModes("an image that is larger than memory", (gil) => {
  it("opens with a swap file, whole, and goes on", async () => {
    const rt = await open(large, { gil, memory: "6MiB", swap: "64MiB" });
    expect(rt.stats().evictions).toBeGreaterThan(1000);
    expect(rt.verify().violations).toEqual([]);
    expect(faultsOf(rt)).toEqual([]);
    const dict = rt.root("dict") as any;
    expect(dict.size).toBe(20_000);
    for (let n = 0; n < 20_000; n += 77) {
      const [number, text] = rt.scope(() => {
        const pair = dict.get(n % 2 ? n : `key ${n}`);
        return [pair.get(0), pair.get(1).text];
      });
      expect([number, text]).toEqual([n, textOf(n)]);
    }
    more(rt, 5000);
    for (let n = 0; n < 20_000; n += 2) dict.delete(`key ${n}`);
    expect(faultsOf(rt)).toEqual([]);
    expect(rt.verify().violations).toEqual([]);
  }, 60_000);

  it("is saved again while coroutines change it, and that again opens with more memory, or with less", async () => {
    const seed = seedOf(`image-swap ${gil ? "gil" : "free"}`);
    const rt = await open(large, { gil, threads: 3, memory: "10MiB", swap: "96MiB" });
    const stop = rt.new(List);
    const sheets = rt.root("sheets");
    const work = Promise.all([0, 1, 2].map((n) => rt.run(move, sheets, stop, n, 3, seed + n)));
    work.catch(() => undefined);
    const files: string[] = [];
    for (let round = 0; round < 3; round++) {
      const snapshot = await rt.snapshot();
      const file = path.join(folder, `again-${gil}-${round}.image`);
      await within(60_000, snapshot.save(file, { roots: rt.roots as any }));
      snapshot.dispose();
      files.push(file);
    }
    stop.push(1);
    const steps = await within(60_000, work);
    expect(Math.min(...steps)).toBeGreaterThan(0);
    expect(rt.verify().violations).toEqual([]);
    expect(faultsOf(rt)).toEqual([]);
    await rt.close();
    for (const [n, file] of files.entries()) {
      const again = await open(file, { gil: !gil, memory: n === 1 ? "64MiB" : "8MiB", swap: "40MiB" });
      expect(faultsOf(again)).toEqual([]);
      expect(again.verify().violations).toEqual([]);
      await again.close();
    }
  }, 120_000);

  it("is refused if it does not fit into memory and swap, and fits into what that says", async () => {
    const error = await failure(Runtime.open(large, { gil, threads: 1, memory: "4MiB", swap: "8MiB" }));
    expect(error).toMatchObject({
      code: "MEMORY_SIZE",
      message: expect.stringMatching(/^memory is 4194304 bytes and swap 8388608; .* needs \d+ .* with 1 threads/),
    });
    const all = Number(/needs (\d+)/.exec(error.message)?.[1]);
    const swap = all - (4 << 20);
    const less = await failure(Runtime.open(large, { gil, threads: 1, memory: "4MiB", swap: swap - 16384 }));
    expect(less.code).toBe("MEMORY_SIZE");
    const rt = await open(large, { gil, threads: 1, memory: "4MiB", swap });
    expect(faultsOf(rt)).toEqual([]);
    more(rt, 600);
    expect(faultsOf(rt)).toEqual([]);
    expect(rt.verify().violations).toEqual([]);
  }, 60_000);

  it("holds its longest run in memory", async () => {
    const rt = await start({ gil, memory: "128MiB" });
    const [list, lists] = [rt.new(List), rt.new(List)];
    rt.scope(() => {
      for (let n = 0; n < 500_000; n++) list.push(n);
      for (let n = 0; n < 60; n++) lists.push(new List(Array.from({ length: 20_000 }, (_, k) => k + n)));
    });
    const file = path.join(folder, `runs-${gil}.image`);
    await (await rt.snapshot()).save(file, { roots: { list, lists } });
    const error = await failure(Runtime.open(file, { gil, threads: 1, memory: "4MiB", swap: "64MiB" }));
    expect(error).toMatchObject({
      code: "MEMORY_SIZE",
      message: expect.stringMatching(/(\d+) \(\d+ MiB\) of it in memory/),
    });
    const memory = Number(/, (\d+) \(\d+ MiB\) of it in memory/.exec(error.message)?.[1]);
    const again = await open(file, { gil, threads: 1, memory, swap: "64MiB" });
    const [there, runs] = [again.root("list") as any, again.root("lists") as any];
    expect(again.stats().evictions).toBeGreaterThan(100);
    for (let n = 0; n < 60; n++)
      again.scope(() => {
        const items = runs.get(n);
        for (const k of [0, 1, 9999, 19_999]) expect(items.get(k)).toBe(k + n);
      });
    for (let n = 0; n < 500_000; n += 4999) expect(there.get(n)).toBe(n);
    expect(again.verify().violations).toEqual([]);
  }, 60_000);
});

it("without a word about memory it takes what it had, or what it needs beside the swap file", async () => {
  const rt = await open(large, { threads: 1, swap: "96MiB" });
  expect(rt.stats().evictions).toBe(0);
  const small = await open(large, { threads: 1, memory: "6MiB", swap: "64MiB" });
  const file = path.join(folder, "small.image");
  await (await small.snapshot()).save(file, { roots: small.roots as any });
  await small.close();
  const again = await open(file, { threads: 1, swap: "16MiB" });
  expect(faultsOf(again)).toEqual([]);
  expect(again.stats().evictions).toBeGreaterThan(100);
}, 60_000);

it("a disk that fails while it is opened leaves nothing behind", async () => {
  const options = JSON.stringify({ threads: 1, memory: "6MiB", swap: "64MiB" });
  for (const call of ["writeSync", "readSync"]) {
    const whole = JSON.parse((await node([fixture("image-swap.mjs"), large, options, call, "1e9"])).out);
    expect(whole.calls).toBeGreaterThan(500);
    for (const after of [0, 1, Math.floor(whole.calls / 2), whole.calls - 30]) {
      const { code, out, err } = await node([fixture("image-swap.mjs"), large, options, call, `${after}`]);
      expect([code, err]).toEqual([0, ""]);
      expect(JSON.parse(out)).toMatchObject({ code: "STORAGE", cause: "EIO", left: [0, true] });
    }
  }
}, 120_000);
