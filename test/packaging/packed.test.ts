import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../architecture/repository.js";
import { command, complaints } from "../examples/programs.js";
import { asCommonJs, examples } from "../examples/readme.js";
import { install, pack, published } from "./offline.js";

const require = createRequire(import.meta.url);
const tsc = path.join(path.dirname(require.resolve("typescript/package.json")), "lib/tsc.js");
const first = examples(readFileSync(path.join(root, "README.md"), "utf8")).find((example) => example.name === "first");

let base: string;
let project: string;

beforeAll(async () => {
  base = realpathSync(mkdtempSync(path.join(tmpdir(), "ungil-packed-")));
  project = path.join(base, "my café project");
  await install(project, await pack(path.join(base, "tarballs")), ["@types/node"]);
}, 240_000);

afterAll(() => rmSync(base, { recursive: true, force: true }));

async function runs(file: string, code: string): Promise<void> {
  writeFileSync(path.join(project, file), code);
  const { code: exit, stdout, stderr } = await command(process.execPath, [file], project);
  expect({ exit, stderr: complaints(stderr) }).toEqual({ exit: 0, stderr: "" });
  if (first?.output) expect(stdout.trim()).toBe(first.output.trim());
  else expect(stdout).not.toBe("");
}

describe("packed, and installed offline into an empty project in a path with a space and an é", () => {
  test("each package is there as a folder of its own, with what it needs and no more", () => {
    for (const name of published) {
      const folder = path.join(project, "node_modules", name);
      expect(realpathSync(folder)).toBe(folder);
      const text = readFileSync(path.join(folder, "package.json"), "utf8");
      expect(text).not.toContain("workspace:");
      expect(
        readdirSync(folder).filter((file) => !["bin", "dist", "LICENSE", "README.md", "package.json"].includes(file)),
      ).toEqual([]);
      expect(
        readdirSync(path.join(folder, "dist")).filter((file) => file.startsWith(".stamp") || file.endsWith(".wat")),
      ).toEqual([]);
    }
    const kernel = path.join(project, "node_modules/@ungil/kernel/dist");
    expect(readdirSync(kernel).filter((file) => file.endsWith(".wasm"))).toEqual([
      "kernel.free.wasm",
      "kernel.gil.wasm",
      "kernel.trace.free.wasm",
      "kernel.trace.gil.wasm",
    ]);
  });

  test("the README's first program runs as an ES module", async () => {
    await runs("first.mjs", first?.code ?? "");
  });

  test("the README's first program runs from CommonJS", async () => {
    await runs("first.cjs", asCommonJs(first?.code ?? ""));
  });

  test("require() and import give the same classes", async () => {
    const code =
      'const a = require("ungil");\nimport("ungil").then((b) => console.log(a.Runtime === b.Runtime, typeof a.Runtime));\n';
    writeFileSync(path.join(project, "both.cjs"), code);
    const { stdout } = await command(process.execPath, ["both.cjs"], project);
    expect(stdout.trim()).toBe("true function");
  });

  // A library that exports a struct must be able to name its type: hence `declaration`.
  const strict = {
    strict: true,
    module: "nodenext",
    target: "es2022",
    types: ["node"],
    noEmit: true,
    declaration: true,
  };

  test.each([
    ["and our declarations with it", { skipLibCheck: false }],
    ["without the browser's types", { skipLibCheck: true, lib: ["es2024", "esnext.disposable"] }],
  ])("a TypeScript program type-checks under strict and module nodenext, %s", async (_, more) => {
    copyFileSync(fileURLToPath(new URL("fixtures/typed.ts", import.meta.url)), path.join(project, "typed.mts"));
    const config = { compilerOptions: { ...strict, ...more }, files: ["typed.mts"] };
    writeFileSync(path.join(project, "tsconfig.json"), JSON.stringify(config));
    const { code, stdout } = await command(process.execPath, [tsc, "-p", "."], project);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  });

  test("the ungil command runs", async () => {
    const bin = path.join(project, "node_modules/.bin/ungil");
    expect(existsSync(bin)).toBe(true);
    const { code, stdout, stderr } = await command(bin, ["info"], project);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^kernel\.gil +\d+ bytes/m);
  });
});
