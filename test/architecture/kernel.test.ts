import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { dataSegments, sections } from "../../packages/kernel/scripts/sections.mjs";
import { list, root } from "./repository.js";

const builds = list("packages/kernel/dist").filter((file) => /\/kernel\.[\w.]+\.wasm$/.test(file));
const header = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** A memory of one page and an active segment "hi" at 8: what a string or an assert() leaves in a module. */
const withSegment = Uint8Array.from([...header, 5, 3, 1, 0, 1, 11, 8, 1, 0, 0x41, 8, 0x0b, 2, 0x68, 0x69]);

describe("kernel builds", () => {
  test("both are there", () => {
    expect(builds).toContain("packages/kernel/dist/kernel.gil.wasm");
    expect(builds).toContain("packages/kernel/dist/kernel.free.wasm");
  });

  // Every thread instantiates the module over the same memory: an active segment, or a start function that writes,
  // would run again over memory that other threads are using.
  test.each(builds)("%s has no data segment, no start function, and imports its memory", (file) => {
    const bytes = readFileSync(path.join(root, file));
    const module = new WebAssembly.Module(bytes);
    expect(dataSegments(bytes)).toBe(0);
    expect(sections(bytes).map((section) => section.name)).not.toContain("start");
    expect(WebAssembly.Module.imports(module)).toContainEqual({ module: "env", name: "memory", kind: "memory" });
    expect(WebAssembly.Module.exports(module).filter((item) => item.kind === "memory")).toEqual([]);
  });

  // V8's baseline compiler on Node 20 loses locals that live across this instruction (machine/futex.ts).
  test.each(builds)("%s waits through its host, not by memory.atomic.wait", (file) => {
    const text = readFileSync(path.join(root, `${file}.wat`), "utf8");
    expect(text).toContain('(import "env" "wait"');
    expect(text).not.toContain("memory.atomic.wait");
  });

  test("a data segment is found", () => {
    expect(WebAssembly.validate(withSegment)).toBe(true);
    expect(dataSegments(withSegment)).toBe(1);
    expect(dataSegments(Uint8Array.from(header))).toBe(0);
  });

  test("bytes that are no module, or a cut one, are refused", () => {
    expect(() => sections(Uint8Array.from([1, 2, 3]))).toThrow("not a WebAssembly module");
    expect(() => sections(withSegment.subarray(0, 15))).toThrow();
  });
});
