// The simulator as a library: rows, the TLB, frames as text, OPT over a long trace, tables and charts.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  createPolicy,
  nextUses,
  type Opt,
  POLICIES,
  PolicyError,
  parseFrames,
  reportChart,
  reportTable,
  SimulationError,
  simulate,
  Tlb,
  TraceError,
  tlbShape,
} from "@ungil/memory";
import { afterEach, describe, expect, test } from "vitest";
import { Spool } from "../src/simulate/spool.js";
import { below, random, zipf } from "./support.js";

const short = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1];

test("rows come by policy, then by frames; hits and faults are all references", async () => {
  const { rows, references } = await simulate(short, { frames: [3, 4], policies: ["lru", "opt", "fifo"] });
  expect(references).toBe(20);
  expect(rows).toEqual([
    { policy: "lru", frames: 3, faults: 12, hits: 8, params: {} },
    { policy: "lru", frames: 4, faults: 8, hits: 12, params: {} },
    { policy: "opt", frames: 3, faults: 9, hits: 11, params: {} },
    { policy: "opt", frames: 4, faults: 8, hits: 12, params: {} },
    { policy: "fifo", frames: 3, faults: 15, hits: 5, params: {} },
    { policy: "fifo", frames: 4, faults: 10, hits: 10, params: {} },
  ]);
});

test("all policies if none is named; options reach them and are told in params", async () => {
  const { rows } = await simulate(short, { frames: [3], options: { aging: { bits: 4 }, "working-set": { tau: 2 } } });
  expect(rows.map((row) => row.policy)).toEqual([...POLICIES.keys()]);
  expect(rows.find((row) => row.policy === "aging")!.params).toEqual({ period: 3, bits: 4 });
  expect(rows.find((row) => row.policy === "working-set")!.params).toMatchObject({
    tau: 2,
    meanResident: expect.any(Number),
  });
});

test("what cannot be is refused", async () => {
  await expect(simulate(short, { frames: [] })).rejects.toThrow(SimulationError);
  await expect(simulate(short, { frames: [] })).rejects.toMatchObject({ name: "SimulationError", code: "SIMULATION" });
  await expect(simulate(short, { frames: [0] })).rejects.toThrow(PolicyError);
  await expect(simulate(short, { frames: [3], policies: ["mru"] })).rejects.toThrow("there is no policy mru");
  await expect(simulate(short, { frames: [3], options: { mru: {} } })).rejects.toThrow(PolicyError);
  await expect(simulate(short, { frames: [3], tlb: "64x3" })).rejects.toThrow(SimulationError);
  await expect(simulate([], { frames: [3] })).rejects.toThrow(TraceError);
  await expect(simulate([1, -2], { frames: [3] })).rejects.toThrow("-2 is no page number");
});

test("a signal ends a simulation with its reason", async () => {
  const stop = new AbortController();
  const trace = (function* () {
    for (let n = 0; ; n++) yield n % 5000;
  })();
  setTimeout(() => stop.abort(new Error("enough")), 100);
  await expect(simulate(trace, { frames: [100], policies: ["lru"], signal: stop.signal })).rejects.toThrow("enough");
});

describe("frames as text", () => {
  test.each([
    ["3", [3]],
    ["3,4", [3, 4]],
    ["10-40:10", [10, 20, 30, 40]],
    ["5-7,3, 6", [3, 5, 6, 7]],
  ])("%s", (text, frames) => expect(parseFrames(text)).toEqual(frames));

  test.each(["", "0", "x", "3,", "4-3", "1-5:0", "-3", "1.5", "1-1000000", "99999999999"])("%j is refused", (text) => {
    expect(() => parseFrames(text)).toThrow(SimulationError);
  });
});

describe("the TLB", () => {
  test("shapes", () => {
    expect(tlbShape("64x4")).toEqual({ entries: 64, ways: 4 });
    expect(tlbShape("16")).toEqual({ entries: 16, ways: 16 });
    for (const bad of ["", "0", "64x0", "64x5", "4x8", "x", "64x4x2"])
      expect(() => tlbShape(bad)).toThrow(SimulationError);
  });

  test("one set is LRU", async () => {
    const { tlb, rows } = await simulate(short, { frames: [3], policies: ["lru"], tlb: "3" });
    expect(tlb).toEqual({ entries: 3, ways: 3, hits: 8, walks: 12, hitRatio: 0.4 });
    expect(rows[0]!.faults).toBe(tlb!.walks);
  });

  test("is a set of LRU lists (200 seeds)", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const draw = random(seed);
      const ways = 1 + below(draw, 5);
      const sets = 1 + below(draw, 6);
      const tlb = new Tlb({ entries: sets * ways, ways });
      const lists = Array.from({ length: sets }, () => createPolicy("lru", ways));
      for (let n = 0; n < 200; n++) {
        const page = below(draw, 40);
        if (tlb.access(page) !== lists[page % sets]!.access(page)) expect.fail(`seed ${seed}, reference ${n}`);
      }
    }
  });
});

describe("OPT's spool", () => {
  let folder = "";
  afterEach(() => {
    delete process.env.TMPDIR;
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  test.each([0, 1000, 65_536, 100_000])(
    "gives the trace and its next uses, %i references of it in memory",
    async (memory) => {
      folder = mkdtempSync(path.join(tmpdir(), "ungil-spool-"));
      process.env.TMPDIR = folder;
      const pages = zipf(3, 200_000, 3000, 0.8);
      const spool = new Spool(memory);
      for (let at = 0; at < pages.length; at += 7777) {
        const some = Float64Array.from(pages.slice(at, at + 7777));
        spool.append({ pages: some, writes: new Uint8Array(some.length), count: some.length });
      }
      await spool.lookAhead(async () => {});
      expect(readdirSync(folder)).toHaveLength(1);
      const ids = new Map<number, number>();
      const expected = nextUses(pages);
      let at = 0;
      for (const block of spool.blocks()) {
        for (let n = 0; n < block.pages.length; n++, at++) {
          if (block.future[n] !== expected[at]) expect.fail(`reference ${at}`);
          const id = ids.get(pages[at]!);
          if (id === undefined) ids.set(pages[at]!, block.pages[n]!);
          else if (id !== block.pages[n]) expect.fail(`page at ${at}`);
        }
      }
      expect(at).toBe(pages.length);
      expect(spool.distinct).toBe(ids.size);
      spool.close();
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test("simulate gives the same faults as OPT with the whole future at once", async () => {
    const pages = zipf(4, 100_000, 3000, 0.8);
    const opt = createPolicy("opt", 300) as Opt;
    opt.foresee(nextUses(pages));
    const faults = pages.filter((page) => !opt.access(page)).length;
    const { rows } = await simulate(pages, { frames: [300], policies: ["opt"] });
    expect(rows[0]!.faults).toBe(faults);
  });
});

test("the table has a line a policy, and the TLB", async () => {
  const table = reportTable(await simulate(short, { frames: [3, 4], policies: ["fifo", "opt"], tlb: "4x2" }));
  expect(table).toMatch(/^faults of 20 references\n\npolicy +3 frames +hit % +4 frames +hit %\n/);
  expect(table).toMatch(/^fifo +15 +25\.00 +10 +50\.00$/m);
  expect(table).toMatch(/^TLB 4x2: hit ratio [\d.]+ %, \d+ page walks$/m);
});

test("for many numbers of frames the table has a line for each", async () => {
  const frames = [1, 2, 3, 4, 5, 6];
  const table = reportTable(await simulate(short, { frames, policies: ["fifo", "opt"] }));
  expect(table).toMatch(/^frames +fifo +opt$/m);
  expect(table).toMatch(/^3 +15 +9$/m);
  expect(table.split("\n")).toHaveLength(4 + frames.length);
});

test("the chart is SVG with a line and a name for each policy, from one number of frames too", async () => {
  for (const frames of [[3], [2, 3, 4, 5]]) {
    const svg = reportChart(await simulate(short, { frames }), "a <title> & more");
    expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg.trimEnd().endsWith("</svg>")).toBe(true);
    for (const slug of POLICIES.keys()) expect(svg).toContain(`>${slug}</text>`);
    expect(svg).toContain("a &lt;title&gt; &amp; more");
    expect(unclosed(svg)).toEqual([]);
  }
});

/** Tags that are not closed in order. */
function unclosed(xml: string): string[] {
  const open: string[] = [];
  for (const [, close, name = "", self] of xml.matchAll(/<(\/?)([a-zA-Z][\w:-]*)(?:\s+[\w:-]+="[^"<]*")*\s*(\/?)>/g)) {
    if (close) {
      if (open.pop() !== name) return [`</${name}>`];
    } else if (!self) open.push(name);
  }
  return open;
}
