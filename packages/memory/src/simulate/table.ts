/** A report as text: faults by frames, a column a policy (or a row a policy, where there are many). */
import type { SimulationReport } from "./simulate.js";

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
  const lines = [`faults of ${references} references`, "", ...align([head, ...body])];
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
