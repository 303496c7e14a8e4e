// The JSON shape and its validator, medians, and the order in which variants are sampled.
import { describe, expect, it } from "vitest";
import { interleave } from "../report/interleave.js";
import { report } from "../report/machine.js";
import { figure, median, percentile } from "../report/numbers.js";
import type { Row } from "../report/shape.js";
import { validateReport } from "../report/validate.js";

const row: Row = {
  suite: "compare",
  name: "words",
  mode: "free",
  threads: 2,
  params: { passes: 3 },
  unit: "ms",
  better: "lower",
  samples: [3, 1, 2],
  median: 2,
  floor: null,
  gilWait: 0,
  counters: { steps: [1, 2], adoptions: 0 },
  checksum: "abc",
};

describe("validateReport", () => {
  it("accepts what our own writer makes, also as JSON", () => {
    const value = report([
      row,
      { ...row, name: "pause", floor: "words", p50: 1, p99: 2, max: 3, mode: "peer:v8-shared-structs" },
    ]);
    expect(validateReport(value)).toEqual([]);
    expect(validateReport(JSON.parse(JSON.stringify(value)))).toEqual([]);
  });

  it.each<[string, Record<string, unknown>]>([
    ["rows[0].mode", { mode: "fast" }],
    ["rows[0].mode", { mode: "peer:" }],
    ["rows[0].threads", { threads: 0 }],
    ["rows[0].params", { params: { list: [] } }],
    ["rows[0].unit", { unit: "s" }],
    ["rows[0].better", { better: "more" }],
    ["rows[0].samples", { samples: [] }],
    ["rows[0].samples", { samples: [1, Number.NaN] }],
    ["rows[0].median", { median: 3 }],
    ["rows[0].floor", { floor: "no such row" }],
    ["rows[0].gilWait", { gilWait: 1.5 }],
    ["rows[0].counters", { counters: { steps: "many" } }],
    ["rows[0].checksum", { checksum: 7 }],
    ["rows[0].suite", { suite: "" }],
    ["rows[0].name", { name: undefined }],
    ["rows[0]", { p50: 1 }],
    ["rows[0].p99", { p50: 1, p99: "2", max: 3 }],
    ["rows[0].colour", { colour: "red" }],
  ])("names %s", (path, change) => {
    const faults = validateReport(report([{ ...row, ...change } as Row]));
    expect(faults.map((fault) => fault.slice(0, fault.indexOf(":")))).toContain(path);
  });

  it.each<[string, Record<string, unknown>]>([
    ["machine", { machine: null }],
    ["machine.cores", { machine: { cpu: "x", cores: 1.5, memory: 1 } }],
    ["node", { node: "20" }],
    ["date", { date: "22 November 2026" }],
    ["rows", { rows: [] }],
    ["rows[0]", { rows: [7] }],
    ["report.extra", { extra: 1 }],
  ])("names %s", (path, change) => {
    const faults = validateReport({ ...report([row]), ...change });
    expect(faults.map((fault) => fault.slice(0, fault.indexOf(":")))).toContain(path);
  });

  it("refuses what is no object", () => {
    for (const value of [null, undefined, 3, "report", []]) expect(validateReport(value)).not.toEqual([]);
  });
});

describe("numbers", () => {
  it("has the median of odd and even numbers of samples, and leaves them in order", () => {
    const samples = [5, 1, 3];
    expect(median(samples)).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
    expect(samples).toEqual([5, 1, 3]);
  });

  it("has percentiles by rank", () => {
    const samples = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect([
      percentile(samples, 0.5),
      percentile(samples, 0.99),
      percentile(samples, 1),
      percentile(samples, 0),
    ]).toEqual([50, 99, 100, 1]);
  });

  it("shows figures that people can read", () => {
    expect([0.034, 1.234, 12.34, 123.4, 12345].map(figure)).toEqual(["0.03", "1.23", "12.3", "123", "12,345"]);
    expect(figure(Number.NaN)).toBe("-");
  });
});

describe("interleave", () => {
  it("takes turns, every other round backwards", async () => {
    const order: string[] = [];
    const variants = ["a", "b", "c"].map((name) => ({ sample: () => order.push(name) }));
    const taken = await interleave(variants, { least: 3, most: 3, budget: 0, limit: 1000 });
    expect(order.join("")).toBe("abccbaabc");
    expect(taken).toEqual([
      [1, 6, 7],
      [2, 5, 8],
      [3, 4, 9],
    ]);
  });

  it("goes on while there is time, but not beyond the most", async () => {
    const variants = [{ sample: () => 1 }];
    expect(await interleave(variants, { least: 1, most: 5, budget: 10_000, limit: 10_000 })).toEqual([[1, 1, 1, 1, 1]]);
    expect(await interleave(variants, { least: 2, most: 5, budget: 0, limit: 10_000 })).toEqual([[1, 1]]);
    expect(await interleave(variants, { least: 2, most: 5, budget: 0, limit: 0 })).toEqual([[1]]);
    expect(await interleave([{ ...variants[0]!, most: 2 }], { least: 4, most: 4, budget: 0, limit: 10_000 })).toEqual([
      [1, 1],
    ]);
  });
});
