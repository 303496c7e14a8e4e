// Pages of 4 KiB, in short: builds that kernel and runs tests of the heap on it, with several threads too. `pnpm test:pages` runs all.

import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { totals, vitest } from "../../scripts/lib/vitest.mjs";
import { root } from "../architecture/repository.js";
import { command } from "../examples/programs.js";

const suites = ["pages", "threads"].map((name) => `packages/heap/test/${name}.test.ts`);
const place = mkdtempSync(path.join(tmpdir(), "ungil-4kib-"));
const from = (...parts: string[]) => path.join(root, ...parts);
const to = (...parts: string[]) => path.join(place, ...parts);

/** A repository with nothing in it but the heap as it is built, and a kernel for pages of 4 KiB. */
beforeAll(async () => {
  for (const name of [
    "package.json",
    "tsconfig.json",
    "vitest.config.ts",
    "packages/kernel/package.json",
    "packages/heap",
  ])
    cpSync(from(name), to(name), { recursive: true, verbatimSymlinks: true });
  symlinkSync(from("node_modules"), to("node_modules"), "junction");
  const script = ["scripts/build.mjs", "kernel", to("packages/kernel/dist")];
  process.env.UNGIL_PAGE_SIZE = "4KiB";
  const [compiled] = await Promise.all([
    command(process.execPath, script, from("packages/kernel"), 100_000),
    build({
      entryPoints: [from("packages/kernel/src/index.ts")],
      outfile: to("packages/kernel/dist/index.js"),
      bundle: true,
      format: "esm",
      platform: "node",
      define: { KERNEL_PAGE_SHIFT: "12" },
      logLevel: "silent",
    }),
  ]);
  expect(compiled).toEqual({ code: 0, stdout: "", stderr: "" });
}, 110_000);

afterAll(() => rmSync(place, { recursive: true, force: true }));

test("the heap works with pages of 4 KiB, and its lists and counts are exact", async () => {
  const { Layout } = await import(pathToFileURL(to("packages/kernel/dist/index.js")).href);
  expect(Layout.PAGE_SIZE).toBe(4096);
  const report = to("report.json");
  const args = [vitest, "run", "--reporter=default", "--reporter=json", `--outputFile=${report}`, ...suites];
  const { code, stdout, stderr } = await command(process.execPath, args, place, 100_000);
  expect({ code, totals: totals(report) }, `${stdout}\n${stderr}`).toMatchObject({ code: 0, totals: { failed: 0 } });
  expect(totals(report)?.passed).toBeGreaterThan(15);
}, 110_000);
