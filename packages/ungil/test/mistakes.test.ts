// What people get wrong with `ungil vm`, and what they are told.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bin, ungilIn } from "./command.js";

const pages = ["--trace", "pages.txt", "--frames", "3"];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ungil-mistakes-"));
  writeFileSync(path.join(folder, "pages.txt"), "\uFEFF7,0,1,2,0,3,0,4\n");
  writeFileSync(path.join(folder, "addresses.txt"), "\uFEFF0x1000\n0x2000\n0x4fff\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ungil = (...args: string[]) => ungilIn(folder, args);

const simulate = (...args: string[]) => ungil("vm", "simulate", ...args);

test.each([
  [["nope"], 'error: there is no command "nope": there are info, vm'],
  [["vm", "nope"], 'error: there is no command "nope": there are record, map, simulate'],
  [
    ["vm", "simulate", ...pages, "--policy", "lru", "--seed", "5"],
    "error: --seed is for nru, which is not simulated: --policy is lru",
  ],
  [["vm", "simulate", ...pages, "--policy", "lru", "--tau", "5"], "error: --tau is for working-set, which is"],
  [["vm", "simulate", ...pages, "--policy", "lru", "--set", "aging.bits=4"], "error: --set is for aging, which is"],
  [["vm", "simulate", ...pages, "--no-instructions"], "error: a trace of pages does not tell instruction fetches"],
  [["vm", "simulate", ...pages, "--json", "-", "--svg", "-"], "error: --json - and --svg - both want standard output"],
  [["vm", "simulate", ...pages, "--page-size", "big"], "it must be a size, such as 4096 or 16KiB"],
  [["vm", "record", "--out", "nowhere/t.gz", "--", "node"], "the folder "],
])("ungil %s: a usage error that says what is wrong", async (args, told) => {
  const { code, stdout, stderr } = await ungil(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(told);
});

test("the folder that is missing is named, not the file that would have been packed", async () => {
  const { stderr } = await ungil("vm", "record", "--out", "nowhere/t.gz", "--", process.execPath, "-e", "0");
  expect(stderr).toMatch(/^error: cannot write .*nowhere.t\.gz: the folder .*nowhere does not exist/);
});

test("a program that fails before it makes a reference has its exit code told", async () => {
  const { code, stderr } = await ungil("vm", "record", "--out", "t", "--", process.execPath, "-e", "process.exit(3)");
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: "error: the program ended with exit code 3, and made no reference to shared memory\n",
  });
});

test("a trace may begin with a byte order mark, and a page size have a unit", async () => {
  expect((await simulate(...pages, "--policy", "lru")).stdout).toMatch(/^lru +6 /m);
  const sizes = await Promise.all(
    ["4096", "4KiB", "16KiB"].map((size) =>
      simulate("--trace", "addresses.txt", "--frames", "4", "--policy", "lru", "--page-size", size),
    ),
  );
  expect(sizes.map(({ stdout }) => /^lru +(\d+)/m.exec(stdout)?.[1])).toEqual(["3", "3", "2"]);
});

test("Ctrl-C keeps what has been recorded, whole lines of it", async () => {
  const index = new URL("../dist/index.js", import.meta.url).href;
  const program = `import { List, Runtime } from "${index}";
const rt = await Runtime.start({ threads: 1, memory: "16MiB" });
const list = rt.new(List, Array.from({ length: 50_000 }, (_, n) => n));
for (let sum = 0; ; ) { rt.scope(() => { for (let n = 0; n < 50_000; n += 10) sum += list.get(n); }); await new Promise((resolve) => setTimeout(resolve, 1)); }`;
  writeFileSync(path.join(folder, "endless.mjs"), program);
  const args = [bin, "vm", "record", "--out", "cut.trace", "--", process.execPath, "endless.mjs"];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    detached: true,
    timeout: 25_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  const size = () => statSync(path.join(folder, "cut.trace"), { throwIfNoEntry: false })?.size ?? 0;
  await expect.poll(size, { timeout: 15_000 }).toBeGreaterThan(100_000);
  process.kill(-(child.pid as number), "SIGINT"); // as a terminal does
  expect(await closed).toBe(130);
  expect(stderr).toMatch(/^error: stopped; what had been recorded is in .*cut\.trace$/m);
  expect(stdout).toMatch(/[\d,]+ references to \d+ pages/);
  const lines = readFileSync(path.join(folder, "cut.trace"), "utf8").split("\n");
  expect(lines.pop()).toBe("");
  expect(lines.filter((line) => !/^ [LS] [0-9a-f]+,4$/.test(line))).toEqual([]);
  const { code } = await simulate("--trace", "cut.trace", "--frames", "3", "--policy", "lru");
  expect(code).toBe(0);
}, 30_000);

test("--svg - prints the drawing instead of the table", async () => {
  const { code, stdout } = await simulate(...pages, "--policy", "lru", "--svg", "-");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^<svg [\s\S]*<\/svg>\s*$/);
  expect(existsSync(path.join(folder, "-"))).toBe(false);
});
