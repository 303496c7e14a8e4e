import { describe, expect, test } from "vitest";
import { folderCycles, folderImports, packageCycles, packageImports } from "./imports.js";
import { floors, manifest, nameOf, read } from "./repository.js";

const source = /\.(ts|mts|js|mjs)$/;
const order = floors.map(nameOf);

/**
 * Floors of the kernel. containers/ lies below sync/: a task's result and a channel's items are container values,
 * while a container never waits.
 */
const assembly = ["layout", "machine", "paging", "heap", "containers", "sync", "collect"];

describe("packages import only downwards", () => {
  test.each(floors)("%s", (floor) => {
    const folder = `packages/${floor}`;
    const declared = Object.keys(manifest(folder).dependencies ?? {});
    expect(packageImports(folder, nameOf(floor), read(`${folder}/src`, source), order, declared)).toEqual([]);
  });

  test.each(floors)("%s declares only packages below it", (floor) => {
    const declared = Object.keys(manifest(`packages/${floor}`).dependencies ?? {}).filter((name) =>
      order.includes(name),
    );
    expect(declared.filter((name) => order.indexOf(name) >= floors.indexOf(floor))).toEqual([]);
  });

  test("finds an upward import, an undeclared one, one past the package, a builtin without node:", () => {
    const check = (text: string) =>
      packageImports("packages/heap", "@ungil/heap", new Map([["packages/heap/src/a/b.ts", text]]), order, [
        "@ungil/kernel",
        "@ungil/runtime",
      ]);
    expect(check('import { a } from "@ungil/kernel"; import "../c.js"; import "node:fs";')).toEqual([]);
    expect(check('import { Runtime } from "@ungil/runtime";')).toEqual([expect.stringContaining("imports upwards")]);
    expect(check('export type { Runtime } from "@ungil/runtime";')).toEqual([
      expect.stringContaining("imports upwards"),
    ]);
    expect(check('const r = await import("@ungil/runtime/worker");')).toEqual([
      expect.stringContaining("imports upwards"),
    ]);
    expect(check('import "piscina";')).toEqual([expect.stringContaining("does not depend on")]);
    expect(check('import "../../../runtime/src/index.js";')).toEqual([expect.stringContaining("reaches out")]);
    expect(check('import "fs";')).toEqual([expect.stringContaining("without node:")]);
  });
});

describe("no import cycle", () => {
  test("between packages", () => {
    const dependencies = new Map(
      floors.map((floor) => [nameOf(floor), Object.keys(manifest(`packages/${floor}`).dependencies ?? {})]),
    );
    expect(packageCycles(dependencies)).toEqual([]);
  });

  test.each([...floors.map((floor) => `packages/${floor}/src`), "packages/kernel/assembly", "bench"])(
    "between the folders of %s",
    (base) => {
      expect(folderCycles(base, read(base, source))).toEqual([]);
    },
  );

  test("finds one between packages", () => {
    const dependencies = new Map([
      ["a", ["b"]],
      ["b", ["c", "other"]],
      ["c", ["a"]],
    ]);
    expect(packageCycles(dependencies)).toEqual(["a -> b -> c -> a"]);
  });

  test("finds one between folders", () => {
    const files = new Map([
      ["p/src/one/x.ts", 'import "../two/y.js"; import "./z.js";'],
      ["p/src/one/z.ts", 'import "./x.js";'],
      ["p/src/two/y.ts", 'import type { T } from "../three/w.js"; import "../index.js";'],
      ["p/src/three/w.ts", 'export * from "../one/z.js";'],
      ["p/src/index.ts", 'export * from "./one/x.js";'],
    ]);
    expect(folderCycles("p/src", files)).toEqual(["one/ -> two/ -> three/ -> one/"]);
    files.delete("p/src/three/w.ts");
    expect(folderCycles("p/src", files)).toEqual([]);
  });
});

describe("the kernel's folders import only downwards", () => {
  test("packages/kernel/assembly", () => {
    expect(folderImports("packages/kernel/assembly", read("packages/kernel/assembly", source), assembly)).toEqual([]);
  });

  test("finds an upward import and an unknown folder", () => {
    const check = (file: string, text: string) => folderImports("k", new Map([[file, text]]), assembly);
    expect(check("k/sync/lock.ts", 'import { tb } from "../machine/registers"; import "../layout";')).toEqual([]);
    expect(check("k/machine/futex.ts", 'import { countIncrement } from "../heap/count";')).toHaveLength(1);
    expect(check("k/misc/a.ts", "")).toEqual(["k/misc/a.ts: no floor is given to misc/"]);
  });
});
