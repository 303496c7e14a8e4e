// How TypeScript coroutines reach the worker threads: the loader is registered on each of them.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Runtime } from "ungil";
import { describe, expect, it } from "vitest";
import { bump, Counter, fib } from "./fixtures/typed.js";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const env = { ...process.env, NODE_OPTIONS: "", VITEST: "" };

describe.each([true, false])("with gil: %s", (gil) => {
  it("vitest: `preload` registers tsx on each thread, and tests import the same TypeScript", async () => {
    const rt = await Runtime.start({
      threads: 2,
      gil,
      preload: [new URL("./fixtures/register-tsx.mjs", import.meta.url)],
    });
    try {
      const counter = rt.new(Counter, { value: 20 });
      expect(await rt.run(bump, counter, 1)).toBe(42);
      expect(await rt.run(fib, 9)).toBe(34);
      expect(counter.doubled).toBe(42);
    } finally {
      await rt.close();
    }
  });

  it("without it the error says what is missing", async () => {
    const rt = await Runtime.start({ threads: 1, gil });
    try {
      await expect(rt.run(fib, 1)).rejects.toMatchObject({
        code: "MODULE_LOAD",
        message: expect.stringContaining("preload"),
      });
    } finally {
      await rt.close();
    }
  }, 20_000);
});

it("node --import tsx program.ts: the same preload", async () => {
  const ran = await promisify(execFile)(process.execPath, ["--import", "tsx", here("fixtures/program.ts")], {
    cwd: here("."),
    env,
    timeout: 30_000,
  });
  expect(ran).toEqual({ stdout: "6 21\n", stderr: "" });
});
