import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { floors, root } from "../architecture/repository.js";
import { command, complaints } from "./programs.js";
import { asCommonJs, danglingMarks, examples } from "./readme.js";

const documents = [
  "README.md",
  "docs/vm.md",
  "bench/README.md",
  ...floors.map((floor) => `packages/${floor}/README.md`),
]
  .filter((file) => existsSync(path.join(root, file)))
  .map((file) => ({ file, text: readFileSync(path.join(root, file), "utf8") }));
const programs = documents.flatMap(({ file, text }) => examples(text).map((example) => ({ file, ...example })));

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ungil-examples-"));
  mkdirSync(path.join(folder, "node_modules"));
  symlinkSync(path.join(root, "packages/ungil"), path.join(folder, "node_modules/ungil"), "junction");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("every marked example runs as it stands", () => {
  test("the README has its first program", () => {
    expect(programs.map(({ file, name }) => `${file} ${name}`)).toContain("README.md first");
  });

  test.each(documents)("no mark of $file stands alone", ({ text }) => {
    expect(danglingMarks(text)).toEqual([]);
  });

  test.each(programs)("$file: $name", async ({ name, code, output }) => {
    const program = path.join(folder, `${name}.mjs`);
    writeFileSync(program, code);
    const { code: exit, stdout, stderr } = await command(process.execPath, [program], folder);
    expect({ exit, stderr: complaints(stderr) }).toEqual({ exit: 0, stderr: "" });
    if (output === undefined) expect(stdout).not.toBe("");
    else expect(stdout.trim()).toBe(output.trim());
  });
});

describe("how examples are found", () => {
  const text =
    "<!-- example: a -->\n```js\nconst x = 1;\n```\n\n<!-- output: a -->\n```text\n1\n```\n<!-- example: b -->\n```ts\n```\n";

  test("a marked block, its output, and a mark with no block", () => {
    expect(examples(text)).toEqual([{ name: "a", code: "const x = 1;\n", output: "1" }]);
    expect(danglingMarks(text)).toEqual(["b"]);
  });

  test("as CommonJS", () => {
    const code = 'import { a as b } from "x";\nexport const c = f(import.meta);\nawait c;\n';
    const common = asCommonJs(code);
    expect(common).toContain('const { a: b } = require("x");');
    expect(common).toContain("const c = f(module);\nawait c;");
    expect(common).not.toMatch(/import|export /);
  });
});
