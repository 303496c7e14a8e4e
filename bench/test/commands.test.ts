// The commands as a user types them: exit codes, help, JSON, Ctrl-C. They run from dist, in processes of their own.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Report } from "../report/shape.js";
import { validateReport } from "../report/validate.js";
import { SUITES } from "../suites.js";

const FILES = { start: "compare/main.js", bench: "bench.js", soak: "soak/main.js" };

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ungil bench é "));
});
afterAll(() => rmSync(folder, { recursive: true }));

function launch(command: keyof typeof FILES, ...args: string[]): ChildProcess {
  return launchFile(`../dist/${FILES[command]}`, ...args);
}

function launchFile(path: string, ...args: string[]): ChildProcess {
  const file = fileURLToPath(new URL(path, import.meta.url));
  return spawn(process.execPath, [file, ...args], {
    env: { ...process.env, INIT_CWD: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function ended(child: ChildProcess): Promise<Ended> {
  let out = "";
  let err = "";
  child.stdout!.on("data", (text) => (out += text));
  child.stderr!.on("data", (text) => (err += text));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
}

const type = (command: keyof typeof FILES, ...args: string[]): Promise<Ended> => ended(launch(command, ...args));

/** What a command complained of: everything but its progress. */
function faultsIn(err: string): string {
  const lines = err.split("\n").filter((line) => !/^ *\d+ % {2}/.test(line));
  return lines.join("\n").trim();
}

function readReport(file: string): Report {
  const report = JSON.parse(readFileSync(join(folder, file), "utf8"));
  expect(validateReport(report)).toEqual([]);
  return report;
}

describe("exit codes", () => {
  it.each<[keyof typeof FILES, string[], RegExp]>([
    ["start", ["--nonsense"], /unknown option '--nonsense'/],
    ["start", ["words"], /too many arguments/],
    ["start", ["--threads", "0"], /from 1 to 64/],
    ["start", ["--threads", "10000"], /from 1 to 64/],
    ["start", ["--only", "words,wrods"], /There is no "wrods"; there is words, index, routes/],
    ["start", ["--json", "no/such/folder/x.json"], /does not exist/],
    ["bench", ["macro"], /There is no "macro"; there is micro, alloc, vm/],
    ["bench", ["--nonsense"], /unknown option/],
    ["soak", ["--minutes", "0"], /above 0/],
    ["soak", ["--mode", "fast"], /gil or free/],
    ["soak", ["--seed", "1.5"], /whole number/],
  ])("%s %j is wrong usage", async (command, args, message) => {
    const { code, out, err } = await type(command, ...args);
    expect(err).toMatch(message);
    expect(err).toContain("--help");
    expect([code, out]).toEqual([2, ""]);
  });

  it.each<[keyof typeof FILES, RegExp]>([
    ["start", /Workloads:\n {2}words/],
    ["bench", /micro/],
    ["soak", /oracle/],
  ])("%s --help teaches, also after a --", async (command, text) => {
    const [plain, dashed] = await Promise.all([type(command, "--help"), type(command, "--", "--help")]);
    expect(plain.out).toMatch(text);
    expect(plain.code).toBe(0);
    expect(dashed).toEqual(plain);
  });

  it("bench --list names the suites", async () => {
    expect(await type("bench", "--list")).toMatchObject({ code: 0, out: expect.stringMatching(/^micro /) });
  });

  it("Ctrl-C ends with 130, and nothing goes on", async () => {
    const child = launch("start", "--only", "trees");
    const end = ended(child);
    await new Promise<void>((resolve) =>
      child.stderr!.on("data", (text) => String(text).includes("round 1") && resolve()),
    );
    child.kill("SIGINT");
    const { code, err } = await end;
    expect(code).toBe(130);
    expect(err).toContain("start: stopped");
  }, 60_000);

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "%s to a script of the repository alone ends what it runs, with %i",
    async (signal, expected) => {
      const child = launchFile("../../scripts/soak.mjs", "--minutes", "2");
      const end = ended(child);
      await new Promise<void>((resolve) => child.stderr!.on("data", (text) => /%/.test(String(text)) && resolve()));
      const begin = performance.now();
      child.kill(signal);
      const { code, err } = await end;
      expect([code, err]).toEqual([expected, expect.stringContaining("soak: stopped")]);
      expect(performance.now() - begin).toBeLessThan(5000);
    },
    60_000,
  );
});

describe("start", () => {
  it("runs every variant, compares checksums, writes where the user typed", async () => {
    const { code, out, err } = await type("start", "--quick", "--json", "result.json");
    expect({ code, faults: faultsIn(err) }).toEqual({ code: 0, faults: "" });
    expect(out).toContain("All checksums are those of plain JavaScript.");
    const { rows } = readReport("result.json");
    for (const name of ["words", "index", "routes", "bank", "trees", "queens"]) {
      const some = rows.filter((row) => row.name === name);
      const kinds = some.map((row) => `${row.mode} ${row.threads}`);
      expect(kinds).toEqual(expect.arrayContaining(["js 1", "gil 1", "gil 2", "free 1", "free 2"]));
      expect(kinds.includes("peer:piscina 2")).toBe(name !== "bank");
      expect(new Set(some.map((row) => row.checksum)).size).toBe(1);
      expect(some.every((row) => row.suite === "compare")).toBe(true);
    }
  }, 120_000);
});

describe("bench", () => {
  it("measures micro beside its floors", async () => {
    // No suite is named: all of them.
    expect(await type("bench", "--quick", "--json", "all.json")).toMatchObject({ code: 0 });
    const report = readReport("all.json");
    expect(new Set(report.rows.map((row) => row.suite))).toEqual(new Set(SUITES.map(({ name }) => name)));
    const rows = report.rows.filter((row) => row.suite === "micro");
    const floors = new Set(rows.map((row) => row.floor));
    expect(floors).toEqual(
      new Set([null, "floor: wasm load", "floor: wasm load, random", "floor: wasm atomic add", "floor: call from JS"]),
    );
    for (const mode of ["gil", "free"]) {
      const names = rows.filter((row) => row.mode === mode).map((row) => row.name);
      for (const name of [
        "alloc + free",
        "field get",
        "field set",
        "dict get",
        "dict set",
        "list get",
        "list push + pop",
        "lock + unlock",
      ]) {
        expect(names).toEqual(expect.arrayContaining([`${name}, in the kernel`, `${name}, from JS`]));
      }
      expect(names).toEqual(expect.arrayContaining(["count up + down, in the kernel", "spawn + join, from JS"]));
    }
  }, 120_000);
});

describe("bench vm", () => {
  it("measures every online policy beside the floor", async () => {
    expect(await type("bench", "vm", "--quick", "--json", "vm.json")).toMatchObject({ code: 0 });
    const { rows } = readReport("vm.json");
    const floor = "floor: hash lookup + counter";
    const policies = rows.filter((row) => row.floor === floor).map((row) => row.name);
    expect(policies).toHaveLength(14);
    expect(policies).toEqual(expect.arrayContaining(["fifo", "lru", "arc", "lirs", "s3-fifo", "sieve", "w-tinylfu"]));
    expect(rows.every((row) => row.unit === "ops/s" && row.median > 0)).toBe(true);
  }, 60_000);
});

describe("soak", () => {
  it.each(["gil", "free"])(
    "a short one is clean (%s)",
    async (mode) => {
      const { code, out, err } = await type(
        "soak",
        "--minutes",
        "0.1",
        "--seed",
        "7",
        "--mode",
        mode,
        "--json",
        `${mode}.json`,
      );
      expect({ code, faults: faultsIn(err) }).toEqual({ code: 0, faults: "" });
      expect(out).toContain("seed 7");
      const [row] = readReport(`${mode}.json`).rows;
      for (const name of ["remoteFrees", "resurrections", "adoptions", "safepoints"]) {
        expect(out).toContain(name);
        expect(row!.counters[name]).toBeGreaterThan(0);
      }
    },
    60_000,
  );
});
