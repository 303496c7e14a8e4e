/** A report as a chart: faults by frames, a line a policy, as SVG. Drawn by vega, which needs no browser for it. */
import type { Spec } from "vega";
import type { SimulationReport } from "./simulate.js";

/** An SVG document. vega is loaded only now: it is large. */
export async function reportChart({ rows, references }: SimulationReport, title = ""): Promise<string> {
  const { parse, View, Warn } = await import("vega");
  const view = new View(parse(spec(rows, references, title)), { renderer: "none", logLevel: Warn });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

function spec(rows: SimulationReport["rows"], references: number, title: string): Spec {
  const policies = [...new Set(rows.map((row) => row.policy))];
  const counts = new Set(rows.map((row) => row.frames)).size;
  const place = { x: { scale: "x", field: "frames" }, y: { scale: "y", field: "faults" } };
  const color = { scale: "color", field: "policy" };
  return {
    width: 720,
    height: 420,
    padding: 12,
    background: "white",
    title: { text: title || `faults of ${references} references`, anchor: "start" },
    data: [{ name: "rows", values: rows.map(({ policy, frames, faults }) => ({ policy, frames, faults })) }],
    scales: [
      {
        name: "x",
        type: "linear",
        range: "width",
        domain: { data: "rows", field: "frames" },
        zero: false,
        padding: 10,
      },
      { name: "y", type: "linear", range: "height", domain: { data: "rows", field: "faults" }, zero: true, nice: true },
      { name: "color", type: "ordinal", range: { scheme: "category20" }, domain: policies },
    ],
    axes: [
      { orient: "bottom", scale: "x", title: "frames", format: "~s", tickCount: Math.min(10, counts) },
      { orient: "left", scale: "y", title: "faults", grid: true, format: "~s" },
    ],
    legends: [{ stroke: "color", title: "policy", symbolType: "stroke" }],
    marks: [
      {
        type: "group",
        from: { facet: { name: "line", data: "rows", groupby: "policy" } },
        marks: [
          {
            type: "line",
            from: { data: "line" },
            encode: { enter: { ...place, stroke: color, strokeWidth: { value: 1.5 } } },
          },
          {
            type: "symbol",
            from: { data: "line" },
            encode: { enter: { ...place, fill: color, size: { value: 18 } } },
          },
        ],
      },
    ],
  };
}
