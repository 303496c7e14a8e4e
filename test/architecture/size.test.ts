import { expect, test } from "vitest";
import { type Files, read } from "./repository.js";

const limit = 400;

/** Files that are longer, and why that reads better than two files would. */
const justified: Record<string, string> = {};

const lines = (text: string) => text.split("\n").length - 1;

const tooLong = (files: Files, exceptions: Record<string, string>): string[] =>
  [...files]
    .filter(([file, text]) => lines(text) > limit && !exceptions[file])
    .map(([file, text]) => `${file}: ${lines(text)} lines`);

const sources = new Map(
  ["packages", "bench", "scripts", "test"].flatMap((folder) => [...read(folder, /\.(ts|mts|js|mjs)$/)]),
);

test(`a source file holds one idea: at most ${limit} lines, or a reason here`, () => {
  expect(sources.size).toBeGreaterThan(20);
  expect(tooLong(sources, justified)).toEqual([]);
});

test("every exception is still needed", () => {
  expect(Object.keys(justified).filter((file) => lines(sources.get(file) ?? "") <= limit)).toEqual([]);
});

test("a file that is too long is found", () => {
  const files = new Map([
    ["a.ts", "x\n".repeat(limit)],
    ["b.ts", "x\n".repeat(limit + 1)],
    ["c.ts", "x\n".repeat(limit + 1)],
  ]);
  expect(tooLong(files, { "c.ts": "a table" })).toEqual(["b.ts: 401 lines"]);
});
