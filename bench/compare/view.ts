// The table of the main job, and the sentences that say what it means: every word in them follows from the figures.
import { figure, median, percent, times } from "../report/numbers.js";
import type { Row } from "../report/shape.js";
import { table } from "../report/table.js";
import { label } from "./variants.js";

export function compareTable(rows: readonly Row[]): string {
  const lines = rows.map((row, at) => [
    at > 0 && rows[at - 1]!.name === row.name ? "" : row.name,
    label(row),
    figure(row.median),
    row.threads > 1 ? times(speedUp(rows, row)) : "",
    row.mode === "js" ? "" : times(againstPlain(rows, row)),
    row.mode === "gil" ? percent(row.gilWait) : "",
  ]);
  return table(["workload", "run as", "ms", "against 1 thread", "against plain JS", "GIL wait"], lines, 2);
}

/** How many times as fast as the same mode on one thread; NaN if that was not run. */
export function speedUp(rows: readonly Row[], row: Row): number {
  const one = rows.find((other) => other.name === row.name && other.mode === row.mode && other.threads === 1);
  return one === undefined ? Number.NaN : one.median / row.median;
}

/** How many times as fast as plain JavaScript. */
export function againstPlain(rows: readonly Row[], row: Row): number {
  const plain = rows.find((other) => other.name === row.name && other.mode === "js");
  return plain === undefined ? Number.NaN : plain.median / row.median;
}

export function meaning(rows: readonly Row[]): string {
  const threads = Math.max(...rows.map((row) => row.threads));
  const one = rows.filter((row) => row.mode === "free" && row.threads === 1);
  const plainRatios = one.map((row) => ({ name: row.name, ratio: 1 / againstPlain(rows, row) }));
  const sentences: string[] = [];
  if (threads > 1) {
    const free = ups(rows, "free", threads);
    const gil = ups(rows, "gil", threads);
    const wait = median(rows.filter((row) => row.mode === "gil" && row.threads === threads).map((row) => row.gilWait));
    sentences.push(
      `Without the GIL, ${threads} threads are ${verdict(free)} (${range(free)}); under it they are ${verdict(gil)} ` +
        `(${range(gil)}), for one runs at a time and each waits ${percent(wait)} of its time.`,
    );
  }
  sentences.push(
    `What sharing costs: on one thread, shared objects take ${range(plainRatios)} the time of plain JavaScript objects, which no other thread can see.`,
  );
  const wins = rows.filter((row) => row.mode === "free" && row.threads === threads && againstPlain(rows, row) > 1);
  if (threads > 1) {
    sentences.push(
      wins.length === 0
        ? `On ${threads} threads no workload is faster than plain JavaScript on one.`
        : `On ${threads} threads, GIL-free, ${list(wins.map((row) => `${row.name} (${times(againstPlain(rows, row))})`))} ${wins.length === 1 ? "is" : "are"} faster than plain JavaScript on one.`,
    );
  }
  return sentences.join("\n");
}

interface Named {
  name: string;
  ratio: number;
}

function ups(rows: readonly Row[], mode: string, threads: number): Named[] {
  const some = rows.filter((row) => row.mode === mode && row.threads === threads);
  return some.map((row) => ({ name: row.name, ratio: speedUp(rows, row) }));
}

function verdict(ratios: Named[]): string {
  const middle = median(ratios.map(({ ratio }) => ratio));
  if (middle >= 1.1) return `${times(middle)} as fast as one in the median workload`;
  if (middle > 0.9) return "about as fast as one";
  return `slower than one, ${times(middle)} in the median workload`;
}

function range(ratios: Named[]): string {
  const sorted = [...ratios].sort((a, b) => a.ratio - b.ratio);
  const least = sorted[0]!;
  const most = sorted.at(-1)!;
  if (sorted.length === 1) return `${times(least.ratio)} on ${least.name}`;
  return `${times(least.ratio)} on ${least.name} to ${times(most.ratio)} on ${most.name}`;
}

function list(words: string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
