// `ungil vm simulate` as a person uses it: exit codes, what is printed, what is written.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const bin = fileURLToPath(new URL("../bin/ungil.mjs", import.meta.url));
const string = "7,0,1,2,0,3,0,4,2,3,0,3,2,1,2,0,1,7,0,1\n";

let folder: string;
const at = (name: string) => path.join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ungil-simulate-"));
  writeFileSync(at("pages.txt"), string);
  writeFileSync(at("pages.gz"), gzipSync(string));
  writeFileSync(
    at("lackey.log"),
    "==1== Lackey\nI  04001000,3\n L 1ffeff000,8\n S 1ffefeffc,8\n M 04001ff0,4\n==1== end\n",
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function simulate(args: string[], input = "", during?: (pid: number) => void): Promise<Outcome> {
  const child = spawn(process.execPath, [bin, "vm", "simulate", ...args], {
    cwd: folder,
    env: { ...process.env, TMPDIR: folder },
    timeout: 25_000,
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  // A command that stops early does not read on.
  child.stdin.on("error", () => {});
  if (during === undefined) child.stdin.end(input);
  else {
    child.stdin.write(input);
    during(child.pid!);
  }
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

test.each(["pages.txt", "pages.gz"])("%s: the textbook's counts", async (file) => {
  const { code, stdout, stderr } = await simulate(["--trace", file, "--frames", "3,4", "--policy", "fifo,lru,opt"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^fifo +15 .* 10 /m);
  expect(stdout).toMatch(/^lru +12 .* 8 /m);
  expect(stdout).toMatch(/^opt +9 .* 8 /m);
});

test("standard input, plain and gzip, all policies unless some are named", async () => {
  for (const input of [string, gzipSync(string)]) {
    const { code, stdout } = await simulate(["--trace", "-", "--frames", "3"], input as string);
    expect(code).toBe(0);
    expect(stdout.match(/^[\w-]+ +\d+ +[\d.]+$/gm)).toHaveLength(15);
  }
});

test("--json: the rows, to a file and to standard output", async () => {
  const args = ["--trace", "pages.txt", "--frames", "3-4", "--policy", "lru,nru", "--seed", "5", "--tlb", "4x2"];
  expect((await simulate([...args, "--json", "out.json"])).code).toBe(0);
  const report = JSON.parse(readFileSync(at("out.json"), "utf8"));
  expect(report.rows).toHaveLength(4);
  for (const row of report.rows) {
    expect(Object.keys(row)).toEqual(["policy", "frames", "faults", "hits", "params"]);
    expect(row.faults + row.hits).toBe(20);
  }
  expect(report.rows[0]).toEqual({ policy: "lru", frames: 3, faults: 12, hits: 8, params: {} });
  expect(report.rows[2].params).toEqual({ period: 3, seed: 5 });
  expect(report.tlb).toMatchObject({ entries: 4, ways: 2 });
  expect(JSON.parse((await simulate([...args, "--json", "-"])).stdout)).toEqual(report);
});

test("--svg draws a chart", async () => {
  const args = ["--trace", "pages.txt", "--frames", "1-6", "--policy", "fifo,opt", "--svg", "out.svg"];
  expect(await simulate(args)).toMatchObject({ code: 0, stderr: "" });
  const svg = readFileSync(at("out.svg"), "utf8");
  expect(svg).toMatch(/^<svg [^>]*xmlns=/);
  expect(svg).toContain(">opt</text>");
  expect(svg.trimEnd()).toMatch(/<\/svg>$/);
});

test("lackey: instructions count unless they are left out; the page size divides addresses", async () => {
  const faults = async (...args: string[]) => {
    const command = ["--trace", "lackey.log", "--frames", "8", "--policy", "lru", "--json", "-", ...args];
    return JSON.parse((await simulate(command)).stdout);
  };
  expect(await faults()).toMatchObject({ references: 5, rows: [{ faults: 3 }] });
  expect(await faults("--no-instructions")).toMatchObject({ references: 4, rows: [{ faults: 3 }] });
  expect(await faults("--page-size", "16384")).toMatchObject({ references: 4, rows: [{ faults: 2 }] });
});

test("--set and --tau reach the policies", async () => {
  const args = ["--trace", "pages.txt", "--frames", "4", "--policy", "aging,working-set", "--json", "-"];
  const { stdout } = await simulate([...args, "--set", "aging.bits=3", "--set", "aging.period=2", "--tau", "9"]);
  const { rows } = JSON.parse(stdout);
  expect(rows[0].params).toEqual({ period: 2, bits: 3 });
  expect(rows[1].params.tau).toBe(9);
});

describe("exit codes", () => {
  test.each([
    ["no trace", ["--frames", "3"], /required option/],
    ["no frames", ["--trace", "pages.txt"], /required option/],
    ["bad frames", ["--trace", "pages.txt", "--frames", "0"], /no number of frames/],
    ["an unknown policy", ["--trace", "pages.txt", "--frames", "3", "--policy", "mru"], /no policy "mru"/],
    ["an unknown option", ["--trace", "pages.txt", "--frames", "3", "--nope"], /unknown option/],
    ["an option out of range", ["--trace", "pages.txt", "--frames", "3", "--set", "aging.bits=99"], /aging\.bits/],
    ["a bad TLB", ["--trace", "pages.txt", "--frames", "3", "--tlb", "64x5"], /64x5/],
    ["a bad page size", ["--trace", "pages.txt", "--frames", "3", "--page-size", "1000"], /powers of two/],
    ["a bad format", ["--trace", "pages.txt", "--frames", "3", "--format", "elf"], /Allowed choices/],
    ["nowhere to write", ["--trace", "pages.txt", "--frames", "3", "--json", "no/such/folder.json"], /cannot write/],
  ])("2: %s", async (_what, args, message) => {
    const { code, stdout, stderr } = await simulate(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });

  test.each([
    ["no such file", ["--trace", "absent.txt"], "", /there is no trace absent\.txt/],
    ["a folder", ["--trace", "."], "", /is a folder/],
    ["a bad line", ["--trace", "-"], "1\n2\nx\n", /line 3 of the trace is "x": expected page numbers/],
    ["an empty trace", ["--trace", "-"], "", /the trace is empty/],
  ])("1: %s", async (_what, args, input, message) => {
    const { code, stdout, stderr } = await simulate([...args, "--frames", "3"], input);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test("130: Ctrl-C, while it waits for its input and while it works; nothing stays behind", async () => {
    const interrupt = (pid: number) => setTimeout(() => process.kill(pid, "SIGINT"), 1500);
    const waiting = await simulate(["--trace", "-", "--frames", "3"], "1\n2\n", interrupt);
    expect(waiting).toMatchObject({ code: 130, stdout: "", stderr: "error: stopped\n" });
    const args = ["--trace", "-", "--frames", "1000-9000:10"];
    const working = await simulate(
      args,
      `${Array.from({ length: 200_000 }, (_, n) => (n * 7919) % 20_011).join("\n")}\n`,
      interrupt,
    );
    expect(working).toMatchObject({ code: 130, stdout: "" });
    expect(readdirSync(folder).filter((name) => name.startsWith("ungil-opt-"))).toEqual([]);
  });

  test("0: --help, which has the policies and examples; vm alone shows its commands", async () => {
    const { code, stdout } = await simulate(["--help"]);
    expect(code).toBe(0);
    for (const word of ["working-set.tau=0", "clock.referenced=true", "Examples:", "Exit codes:"])
      expect(stdout).toContain(word);
  });
});
