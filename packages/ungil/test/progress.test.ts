// Progress of a simulation: nothing for two seconds, then a line now and then in a file, one changing line on a terminal.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { traceProgress } from "../src/progress.js";

beforeEach(() => vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => vi.useRealTimers());

function watch(isTTY: boolean, length: number) {
  const written: string[] = [];
  const stream = { isTTY, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  const progress = traceProgress(length, stream);
  const after = (ms: number, references: number) => {
    vi.advanceTimersByTime(ms);
    progress.bytes(references);
    progress.show({ phase: "trace", references: references * 1e6, total: 0 });
  };
  return { written, progress, after };
}

test("in a file: the first line after two seconds, then one every five", () => {
  const { written, after, progress } = watch(false, 200);
  after(1900, 10);
  expect(written).toEqual([]);
  after(200, 20);
  expect(written).toEqual(["10 %  reading: 20.0 million references, 9.5 million a second\n"]);
  after(4000, 30);
  expect(written).toHaveLength(1);
  after(1100, 40);
  expect(written).toHaveLength(2);
  progress.end();
  expect(written).toHaveLength(2);
});

test("on a terminal: one line, taken away at the end; no share of a trace of unknown length", () => {
  const { written, after, progress } = watch(true, 0);
  after(2500, 10);
  after(100, 20);
  expect(written).toHaveLength(2);
  expect(written[1]).toMatch(/^\r.*Kreading: 20\.0 million/);
  progress.show({ phase: "opt", references: 50, total: 100 });
  expect(written[2]).toContain("50 %  opt: ");
  progress.end();
  expect(written[3]).toMatch(/^\r.*K$/);
});
