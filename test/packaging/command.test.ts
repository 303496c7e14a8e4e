import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { root } from "../architecture/repository.js";
import { command } from "../examples/programs.js";

const ungil = (...args: string[]) =>
  command(process.execPath, [path.join(root, "packages/ungil/bin/ungil.mjs"), ...args], root);
const { version } = JSON.parse(readFileSync(path.join(root, "packages/ungil/package.json"), "utf8"));

test("ungil --help names its commands", async () => {
  const { code, stdout } = await ungil("--help");
  expect(code).toBe(0);
  expect(stdout).toMatch(/Usage: ungil/);
  expect(stdout).toMatch(/^ {2}info /m);
  expect(stdout).toMatch(/^ {2}vm /m);
  expect((await ungil()).stdout).toBe(stdout);
});

test("ungil --version", async () => {
  expect(await ungil("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

test("ungil info --json describes the machine and both kernel builds", async () => {
  const { code, stdout } = await ungil("info", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    ungil: version,
    node: process.version,
    "kernel.gil": expect.stringMatching(/^\d+ bytes, \d+ exports, sha256 [0-9a-f]{12}$/),
    "kernel.free": expect.stringMatching(/^\d+ bytes/),
  });
});

test.each([["--nope"], ["nope"], ["info", "--nope"], ["info", "extra"]])(
  "ungil %s %s is a usage error: exit code 2",
  async (...args) => {
    const { code, stdout, stderr } = await ungil(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: /);
  },
);
