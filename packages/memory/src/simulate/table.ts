/** A report as text: faults by frames. A line a policy; or, for many numbers of frames, a line for each of them. */
import type { SimulationReport } from "./simulate.js";

/** More numbers of frames than this would make lines too wide. */
const WIDE = 5;

export function reportTable({ rows, references, tlb }: SimulationReport): string {
  const policies = [...new Set(rows.map((row) => row.policy))];
  const frames = [...new Set(rows.map((row) => row.frames))];
  const found = new Map(rows.map((row) => [`${row.policy} ${row.frames}`, row]));
  const percent = (part: number) => (references === 0 ? "0" : ((100 * part) / references).toFixed(2));
  const head = ["policy", ...frames.flatMap((count) => [`${count} frames`, "hit %"])];
  const body = policies.map((policy) => [
    policy,
    ...frames.flatMap((count) => {
      const row = found.get(`${policy} ${count}`);
      return row === undefined ? ["", ""] : [String(row.faults), percent(row.hits)];
    }),
  ]);
  const byFrames = frames.map((count) => [
    String(count),
    ...policies.map((policy) => String(found.get(`${policy} ${count}`)?.faults ?? "")),
  ]);
  const cells = frames.length > WIDE ? [["frames", ...policies], ...byFrames] : [head, ...body];
  const lines = [`faults of ${references} references`, "", ...align(cells)];
  if (tlb !== undefined) {
    const { entries, ways, hits, walks } = tlb;
    lines.push("", `TLB ${entries}x${ways}: hit ratio ${percent(hits)} %, ${walks} page walks`);
  }
  return lines.join("\n");
}

function align(lines: string[][]): string[] {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const rows = lines.map((line) =>
    line.map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!))).join("  "),
  );
  return [rows[0]!, widths.map((width) => "-".repeat(width)).join("  "), ...rows.slice(1)];
}
