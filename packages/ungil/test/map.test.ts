// `ungil vm map` as a person uses it, and faults as a coroutine meets them.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Layout } from "@ungil/kernel";
import { afterAll, beforeAll, expect, test } from "vitest";

const { PAGE_SIZE } = Layout;
const bin = fileURLToPath(new URL("../bin/ungil.mjs", import.meta.url));
const dist = (name: string) => new URL(`../dist/${name}.js`, import.meta.url).href;

const spaces = `
import { Worker, isMainThread } from "node:worker_threads";
import { AddressSpace, PhysicalMemory } from "${dist("memory")}";
const memory = new PhysicalMemory({ size: "32KiB" });
const space = new AddressSpace(memory, { name: isMainThread ? "first" : "in a worker" });
const heap = space.map({ length: "64KiB", name: "heap" });
for (let n = 0; n < 16; n++) space.write(heap.base + n * 4096, "u8", 1);
const mode = process.argv[2];
if (mode === "close") memory.close();
if (mode === "worker" && isMainThread) new Worker(new URL(import.meta.url), { argv: ["worker"] });
if (mode === "long") {
  let rounds = 0;
  const timer = setInterval(() => (space.map({ length: 4096, name: "round " + rounds }), ++rounds === 20 && clearInterval(timer)), 50);
}
if (mode === "fail") process.exit(3);
`;

const coroutine = `
import { isMainThread } from "node:worker_threads";
import { coroutines, ProtectionFaultError, Runtime } from "${dist("index")}";
import { AddressSpace, PhysicalMemory } from "${dist("memory")}";
export const { poke } = coroutines(import.meta, {
  *poke(address) {
    const space = new AddressSpace(new PhysicalMemory({ size: "64KiB" }));
    const { base } = space.map({ length: "4KiB", protection: "r", name: "text" });
    space.write(base, "u8", 1);
  },
});
if (isMainThread) {
  const rt = await Runtime.start({ threads: 1, gil: process.argv[2] === "gil", memory: "16MiB" });
  const error = await rt.run(poke, 7).catch((error) => error);
  console.log(JSON.stringify([error instanceof ProtectionFaultError, error.code, error.coroutine, error.thread, error.region]));
  console.log(error.message);
  await rt.close();
}
`;

const heap = `
import { Runtime, List, f64, struct } from "${dist("index")}";
class Point extends struct("Point", { x: f64, y: f64 }) {}
const rt = await Runtime.start({ threads: 1, gil: process.argv[2] === "gil", memory: "16MiB" });
const points = rt.new(List, Array.from({ length: 1000 }, () => rt.new(Point, { x: 1 })));
const list = rt.new(List, Array.from({ length: 100_000 }, (_, n) => n));
process.exit(points.length + list.length > 0 ? 0 : 1);
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ungil-map-"));
  writeFileSync(path.join(folder, "spaces.mjs"), spaces);
  writeFileSync(path.join(folder, "coroutine.mjs"), coroutine);
  writeFileSync(path.join(folder, "heap.mjs"), heap);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, args, { cwd: folder, timeout: 25_000, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

const map = (...args: string[]) => run(bin, "vm", "map", ...args);
const node = [process.execPath, "spaces.mjs"];

test.each([
  ["end", "at exit"],
  ["close", "when it was closed"],
])("the map of a program, at its %s", async (mode, when) => {
  const { code, stdout, stderr } = await map("--", ...node, mode);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(new RegExp(`=== process \\d+, memory 1, ${when}`));
  expect(stdout).toContain("physical memory: 8 frames of 4096 bytes");
  expect(stdout).toContain("address space first (id 1)");
  expect(stdout).toContain("00010000-00020000 rw-p 00000000 anonymous heap");
  expect(stdout).toMatch(/ {4}0001f000 {2}prwad--- {2}frame \d/);
});

test("of its workers too, and while it runs", async () => {
  const both = await map("--", ...node, "worker");
  expect(both.code).toBe(0);
  expect(both.stdout).toContain("address space first");
  expect(both.stdout).toMatch(/memory 1 of worker \d+, at exit\n.*\n.*\n\naddress space in a worker/);
  const often = await map("--every", "100ms", "--", ...node, "long");
  expect(often.stdout.match(/, running$/gm)!.length).toBeGreaterThan(2);
  expect(often.stdout).toContain("round 19");
});

test.each(["gil", "free"])("the map of a runtime's heap (%s)", async (mode) => {
  const { code, stdout } = await map("--", process.execPath, "heap.mjs", mode);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    new RegExp(
      `=== process \\d+, heap 1, at exit\nheap: ${2 ** 24 / PAGE_SIZE} frames of ${PAGE_SIZE} bytes, \\d+ free; (GIL|free) build`,
    ),
  );
  expect(stdout).toContain(`${mode === "gil" ? "GIL" : "free"} build`);
  expect(stdout).toMatch(/^[0-9a-f]{8}-[0-9a-f]{8} rw-s heap {6}arena of small pages$/m);
  const [, used] = /blocks of 32 bytes, main: \d+ kB, (\d+) of \d+ taken/.exec(stdout)!;
  expect(Number(used)).toBeGreaterThan(999);
  const runs = [...stdout.matchAll(/^ {4}([0-9a-f]{8})-([0-9a-f]{8}) run, main: (\d+) kB$/gm)];
  const [, from, to, size] = runs.find((run) => Number(run[3]) >= 800)!;
  expect(Number.parseInt(to!, 16) - Number.parseInt(from!, 16)).toBe(1024 * Number(size));
  expect(stdout).toMatch(new RegExp(`^ {4}${from}-[0-9a-f]{8} {2}prw..- {2}frame`, "m"));
  expect(stdout).toMatch(/^ {4}main: \d+, \d+$/m);
  expect(stdout).toMatch(/^ {4}worker 1: \d+, \d+$/m);
});

test("a program that fails, or uses no address space; a wrong option", async () => {
  expect(await map("--", ...node, "fail")).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("address space first"),
    stderr: "error: the program ended with exit code 3\n",
  });
  expect(await map("--", process.execPath, "-e", "0")).toMatchObject({
    code: 1,
    stderr: "error: the program has neither an address space nor a runtime, or not of this ungil\n",
  });
  expect(await map("--", "/no/such/program")).toMatchObject({ code: 2 });
  const { code, stderr } = await map("--every", "soon", "--", ...node);
  expect(code).toBe(2);
  expect(stderr).toContain("it must be a time of 10ms or more");
});

test.each(["gil", "free"])("a fault in a coroutine names it, and arrives as what it is (%s)", async (mode) => {
  const { code, stdout, stderr } = await run("coroutine.mjs", mode);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [json, message] = stdout.trim().split("\n");
  expect(JSON.parse(json!)).toEqual([true, "PROTECTION_FAULT", "poke", "worker 1", "text"]);
  expect(message).toMatch(
    /^write at address 0x10000: the region text .* is read-only; by thread worker 1, coroutine poke$/,
  );
});
