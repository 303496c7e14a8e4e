/** A report as a chart: faults by frames, a line a policy, as SVG. Drawn by echarts, which needs no browser for it. */
import type { SimulationReport } from "./simulate.js";

const WIDTH = 920;
const HEIGHT = 520;
/** As many colours as policies, told apart by brightness too. */
const COLORS = (
  "#1f77b4 #d62728 #2ca02c #ff7f0e #9467bd #8c564b #e377c2 #17becf #bcbd22 " +
  "#08306b #67000d #00441b #7f2704 #3f007d #000000"
).split(" ");

/** An SVG document. echarts is loaded only now: it is large. */
export async function reportChart({ rows, references }: SimulationReport, title = ""): Promise<string> {
  const [{ init, use }, { LineChart }, { GridComponent, LegendComponent, TitleComponent }, { SVGRenderer }] =
    await Promise.all([
      import("echarts/core"),
      import("echarts/charts"),
      import("echarts/components"),
      import("echarts/renderers"),
    ]);
  use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT });
  try {
    const policies = [...new Set(rows.map((row) => row.policy))];
    chart.setOption({
      animation: false,
      backgroundColor: "#fff",
      color: COLORS,
      title: { text: title || `faults of ${references} references`, left: 12, top: 8, textStyle: { fontSize: 14 } },
      legend: { orient: "vertical", right: 12, top: 40, data: policies },
      grid: { left: 80, right: 140, top: 50, bottom: 55 },
      xAxis: { type: "value", name: "frames", nameLocation: "middle", nameGap: 30, scale: true, minInterval: 1 },
      yAxis: { type: "value", name: "faults" },
      series: policies.map((policy) => ({
        name: policy,
        type: "line",
        symbolSize: 4,
        data: rows.filter((row) => row.policy === policy).map(({ frames, faults }) => [frames, faults]),
      })),
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}
