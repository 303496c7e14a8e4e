// Gaps as a picture of text: how many of each length, with and without a collection, on a scale of tenfolds.
const WIDTH = 24; // of a bar, for the most there are

/** Bounds in microseconds, ascending; one bucket more than bounds. */
export function histogram(bounds: readonly number[], on: readonly number[], off: readonly number[]): string {
  const most = Math.log10(1 + Math.max(1, ...on, ...off));
  const bar = (count: number) => "#".repeat(Math.ceil((WIDTH * Math.log10(1 + count)) / most));
  const label = (n: number) => (n < bounds.length ? `<= ${bounds[n]} us` : `> ${bounds.at(-1)} us`).padStart(10);
  const line = (n: number) =>
    `${label(n)} ${count(on[n]!)} ${bar(on[n]!).padEnd(WIDTH)} | ${count(off[n]!)} ${bar(off[n]!)}`.trimEnd();
  const rows = on.map((_, n) => n).filter((n) => on[n]! + off[n]! > 0);
  return [`${"".padStart(10)} ${"collecting".padStart(11 + WIDTH)} | without`, ...rows.map(line)].join("\n");
}

const count = (value: number) => value.toLocaleString("en-US").padStart(11);
