// `ungil vm record` as a person uses it: a program's references, which `vm simulate` then reads.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { Layout } from "@ungil/kernel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ungilIn } from "./command.js";

const index = new URL("../dist/index.js", import.meta.url).href;

/** Walks a list of so many pages, from the main thread and from two others. */
const program = `
import { isMainThread } from "node:worker_threads";
import { coroutines, List, Runtime } from "${index}";
export const { walk } = coroutines(import.meta, {
  *walk(list, times) {
    let sum = 0;
    for (let n = 0; n < times; n++) for (let k = 0; k < list.length; k += 100) sum += list.get(k);
    return sum;
  },
});
if (isMainThread) {
  const rt = await Runtime.start({ threads: 2, gil: process.argv[2] === "gil", memory: "16MiB" });
  const list = rt.new(List, Array.from({ length: 60_000 }, (_, n) => n));
  const sums = await Promise.all([rt.run(walk, list, 3), rt.run(walk, list, 3)]);
  console.log("sums", ...sums);
  if (process.argv[3] === "close") await rt.close();
  process.exit(Number(process.argv[4] ?? 0));
}
`;

let folder: string;
const at = (name: string) => path.join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ungil-record-"));
  writeFileSync(at("program.mjs"), program);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ungil = (...args: string[]) => ungilIn(folder, args);

const node = [process.execPath, "program.mjs"];

test.each(["gil", "free"])("the references of all threads, packed (%s)", async (mode) => {
  const { code, stdout, stderr } = await ungil("vm", "record", "--out", "run.trace.gz", "--", ...node, mode, "close");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("sums 53910000 53910000");
  expect(stdout).toMatch(/[\d,]+ references to \d+ pages: .*run\.trace\.gz/);
  expect(existsSync(at("run.trace"))).toBe(false);
  const lines = gunzipSync(readFileSync(at("run.trace.gz")))
    .toString()
    .trimEnd()
    .split("\n");
  expect(lines.filter((line) => !/^ [LS] [0-9a-f]+,4$/.test(line))).toEqual([]);
  // The list has 30 pages or more; all are read, and three times by each of two threads.
  const pages = new Map<number, number>();
  for (const line of lines.filter((text) => text.startsWith(" L"))) {
    const page = Number.parseInt(line.slice(3), 16) >>> Layout.PAGE_SHIFT;
    pages.set(page, (pages.get(page) ?? 0) + 1);
  }
  expect(lines.length).toBeGreaterThan(2 * 3 * 600);
  expect(lines.some((line) => line.startsWith(" S"))).toBe(true);
  const simulated = await ungil(
    "vm",
    "simulate",
    "--trace",
    "run.trace.gz",
    "--page-size",
    `${Layout.PAGE_SIZE}`,
    "--frames",
    "2,64",
    "--policy",
    "lru",
  );
  expect(simulated).toMatchObject({ code: 0, stderr: "" });
  const [few, many] = /^lru +(\d+) +[\d.]+ +(\d+)/m.exec(simulated.stdout)!.slice(1).map(Number) as [number, number];
  expect(few).toBeGreaterThan(2 * many);
});

test("what a program has not written when it ends by itself is written then", async () => {
  const { code, stdout } = await ungil("vm", "record", "--out", "exit.trace", "--", ...node, "free", "exit");
  expect(code).toBe(0);
  expect(stdout).toContain("sums");
  expect(readFileSync(at("exit.trace"), "utf8").split("\n").length).toBeGreaterThan(2 * 3 * 600);
});

test("mistakes and failures have their exit codes", async () => {
  writeFileSync(at("idle.mjs"), "console.log('idle');\n");
  const idle = await ungil("vm", "record", "--out", "idle.trace", "--", process.execPath, "idle.mjs");
  expect(idle).toMatchObject({ code: 1, stderr: expect.stringContaining("no reference") });
  const failed = await ungil("vm", "record", "--out", "f.trace", "--", ...node, "free", "close", "3");
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining("exit code 3") });
  expect(readFileSync(at("f.trace"), "utf8").length).toBeGreaterThan(0);
  expect(await ungil("vm", "record", "--", "no-such-program")).toMatchObject({ code: 2 });
  expect(await ungil("vm", "record", "--out", "/no/such/folder/t", "--", ...node)).toMatchObject({ code: 2 });
  expect((await ungil("vm", "record")).code).toBe(2);
});
