// What the whole repository must satisfy for a change to be finished: it type-checks, and the linter has nothing to say.

import { createRequire } from "node:module";
import path from "node:path";
import { expect, test } from "vitest";
import { command } from "../examples/programs.js";
import { read, root } from "./repository.js";

const require = createRequire(import.meta.url);
const bin = (name: string, file: string) => path.join(path.dirname(require.resolve(`${name}/package.json`)), file);

test("every source and every test type-checks, the tests of the types included", async () => {
  const tsc = bin("typescript", "lib/tsc.js");
  const { stdout } = await command(
    process.execPath,
    [tsc, "-p", "tsconfig.all.json", "--pretty", "false"],
    root,
    120_000,
  );
  expect(stdout.trim()).toBe("");
}, 130_000);

test("the linter and formatter has nothing to say", async () => {
  const biome = bin("@biomejs/biome", "bin/biome");
  const { code, stdout, stderr } = await command(process.execPath, [biome, "check", "--colors=off", "."], root);
  expect(code, `${stdout}\n${stderr}\npnpm format repairs most of this`).toBe(0);
});

test("no lock file or configuration names a registry's host", () => {
  const files = read(".", /(^|\/)(pnpm-lock\.yaml|pnpm-workspace\.yaml|\.npmrc|package\.json)$/);
  expect(files.size).toBeGreaterThan(5);
  for (const [file, text] of files) {
    expect({ file, hosts: text.match(/(tarball|registry|resolved)"?: *"?https?:\/\/\S+/g) }).toEqual({
      file,
      hosts: null,
    });
  }
});
