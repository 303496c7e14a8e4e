import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { specifiers } from "./imports.js";
import { exportConditions, topLevelAwaits } from "./modules.js";
import { floors, list, manifest, root } from "./repository.js";

const built = (floor: string) => list(`packages/${floor}/dist`).filter((file) => file.endsWith(".js"));
const text = (file: string) => readFileSync(path.join(root, file), "utf8");

describe("packages are ES modules only", () => {
  test.each(floors)("%s: conditions of its exports", (floor) => {
    const { type, exports } = manifest(`packages/${floor}`);
    expect(type).toBe("module");
    expect(exports).toBeTypeOf("object");
    expect(exportConditions(floor, exports)).toEqual([]);
  });

  test.each(floors)("%s: every file that its exports name is built", (floor) => {
    const files: string[] = [];
    const collect = (value: unknown): void => {
      if (typeof value === "string") files.push(value);
      else for (const inner of Object.values(value as object)) collect(inner);
    };
    collect(manifest(`packages/${floor}`).exports);
    expect(files.filter((file) => !existsSync(path.join(root, "packages", floor, file)))).toEqual([]);
  });

  test("finds a require condition, types that are not first, no default", () => {
    const good = { types: "./a.d.ts", default: "./a.js" };
    expect(exportConditions("p", { ".": good, "./package.json": "./package.json" })).toEqual([]);
    expect(exportConditions("p", { ".": { types: "./a.d.ts", require: "./a.cjs", default: "./a.js" } })).toHaveLength(
      1,
    );
    expect(
      exportConditions("p", { ".": { node: { require: "./a.cjs", default: "./a.js" }, default: "./a.js" } }),
    ).toEqual(["p . node has a require condition"]);
    expect(exportConditions("p", { ".": { default: "./a.js", types: "./a.d.ts" } })).toHaveLength(2);
    expect(exportConditions("p", { ".": { types: "./a.d.ts" } })).toEqual(["p .: default must come last"]);
  });
});

describe("no top-level await in a built package", () => {
  test.each(floors)("%s", (floor) => {
    const files = built(floor);
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap((file) => topLevelAwaits(file, text(file)))).toEqual([]);
  });

  test("finds every kind, and nothing inside a function", () => {
    const awaits = (code: string) => topLevelAwaits("a.js", code).length;
    expect(awaits("await start();")).toBe(1);
    expect(awaits("if (x) { const { a } = await import('b'); }")).toBe(1);
    expect(awaits("for await (const x of y) ;")).toBe(1);
    expect(awaits("await using a = b();")).toBe(1);
    expect(awaits("export const f = async () => { await g(); };")).toBe(0);
    expect(awaits("class A { async m() { for await (const x of y) await x; } static { function q() {} } }")).toBe(0);
  });
});

test("no package is bundled into another", () => {
  for (const floor of floors) {
    const declared = Object.keys(manifest(`packages/${floor}`).dependencies ?? {});
    const sources = list(`packages/${floor}/src`).filter((file) => file.endsWith(".ts"));
    const named = new Set(sources.flatMap((file) => specifiers(text(file))));
    const kept = new Set(built(floor).flatMap((file) => specifiers(text(file))));
    // A types-only import leaves nothing behind, so ask only about what a bundle would have swallowed.
    const own = declared.filter((name) => name === "ungil" || name.startsWith("@ungil/"));
    const swallowed = built(floor).filter((file) => own.some((name) => text(file).includes(`node_modules/${name}/`)));
    expect({ floor, swallowed }).toEqual({ floor, swallowed: [] });
    for (const name of kept) {
      if (!name.startsWith(".") && !name.startsWith("node:")) expect(named, `${floor} imports ${name}`).toContain(name);
    }
  }
});
