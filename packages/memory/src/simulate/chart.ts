/** A report as a chart: faults by frames, a line a policy, as SVG. Scales, ticks and lines are d3's. */
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import type { SimulationReport, SimulationRow } from "./simulate.js";

const WIDTH = 920;
const HEIGHT = 520;
const BOX = { left: 80, right: 770, top: 50, bottom: 460 };
/** As many colours as policies, told apart by brightness too. */
const COLORS = (
  "#1f77b4 #d62728 #2ca02c #ff7f0e #9467bd #8c564b #e377c2 #17becf #bcbd22 " +
  "#08306b #67000d #00441b #7f2704 #3f007d #000000"
).split(" ");

/** An SVG document. */
export function reportChart({ rows, references }: SimulationReport, title = ""): string {
  const frames = rows.map((row) => row.frames);
  const [least, most] = [Math.min(...frames), Math.max(...frames)];
  const x = scaleLinear([least, Math.max(most, least + 1)], [BOX.left + 10, BOX.right - 10]);
  const y = scaleLinear([0, Math.max(1, ...rows.map((row) => row.faults))], [BOX.bottom, BOX.top]).nice();
  const path = line<SimulationRow>(
    (row) => x(row.frames),
    (row) => y(row.faults),
  );
  const across = x.ticks(10).filter((tick) => Number.isInteger(tick));
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(12, 24, title || `faults of ${references} references`, "start", 15),
    ...y.ticks(8).map((tick) => rule(BOX.left, y(tick), BOX.right, y(tick), "#ddd")),
    ...y.ticks(8).map((tick) => text(BOX.left - 8, y(tick) + 4, tick.toLocaleString("en-US"), "end")),
    ...across.map((tick) => rule(x(tick), BOX.bottom, x(tick), BOX.bottom + 5, "#555")),
    ...across.map((tick) => text(x(tick), BOX.bottom + 20, tick.toLocaleString("en-US"), "middle")),
    rule(BOX.left, BOX.bottom, BOX.right, BOX.bottom, "#555"),
    text((BOX.left + BOX.right) / 2, BOX.bottom + 44, "frames", "middle"),
  ];
  for (const [n, policy] of [...new Set(rows.map((row) => row.policy))].entries()) {
    const color = COLORS[n % COLORS.length]!;
    const own = rows.filter((row) => row.policy === policy).sort((a, b) => a.frames - b.frames);
    parts.push(`<path d="${path(own)}" fill="none" stroke="${color}" stroke-width="1.5"/>`);
    for (const row of own) parts.push(`<circle cx="${x(row.frames)}" cy="${y(row.faults)}" r="2.5" fill="${color}"/>`);
    const at = BOX.top + 10 + 22 * n;
    parts.push(`<rect x="${BOX.right + 20}" y="${at - 8}" width="16" height="4" fill="${color}"/>`);
    parts.push(text(BOX.right + 44, at, policy, "start"));
  }
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif">`;
  return `${head}\n${parts.join("\n")}\n</svg>`;
}

const rule = (x1: number, y1: number, x2: number, y2: number, color: string): string =>
  `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}"/>`;

function text(x: number, y: number, content: string, anchor: "start" | "middle" | "end", size = 12): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="${size}">${escaped}</text>`;
}
