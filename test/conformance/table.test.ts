// The table names tests that there are, and each test here ports something.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { table } from "./table.js";

const files: Record<string, string> = {
  weakref: "weakref.test.ts",
  dicts: "weak-dicts.test.ts",
  weakset: "weakset.test.ts",
  finalization: "finalization.test.ts",
};
/** Of ours, not of CPython's. */
const ours = ["an address that is another object's now is another key", "threads: copies while objects die"];

function titlesOf(file: string): string[] {
  const text = readFileSync(join(import.meta.dirname, file), "utf8");
  const single = [...text.matchAll(/^ {2}it\("(.*?)", async/gm)].map(([, title]) => title as string);
  const tabled = [...text.matchAll(/^ {4}\["(.*?)",/gm)].map(([, title]) => title as string);
  return [...single, ...tabled];
}

const entries = Object.values(table).flatMap((cases) => Object.values(cases));

test.each(Object.entries(files))(
  "%s: what the table says is ported is there, and the other way round",
  (name, file) => {
    const titles = titlesOf(file);
    const ported = new Set(
      entries.flatMap((entry) => (entry.startsWith(`${name}: `) ? [entry.slice(name.length + 2)] : [])),
    );
    expect(titles.length).toBeGreaterThan(5);
    expect([...ported].filter((title) => !titles.includes(title))).toEqual([]);
    expect(titles.filter((title) => !ported.has(title) && !ours.includes(title))).toEqual([]);
  },
);

test("every case is ported, or has a reason", () => {
  expect(entries.length).toBeGreaterThan(150);
  for (const entry of entries) expect(entry).toMatch(/^(\w+: .+|C API|internals|tp_del|no \w+|Python)$/);
});
