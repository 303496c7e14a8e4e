// micro: what single operations cost, in the kernel and from JavaScript, each beside what the bare machine takes.
import { Runtime } from "ungil";
import { figure, times } from "../report/numbers.js";
import type { Progress } from "../report/progress.js";
import type { Row } from "../report/shape.js";
import { table } from "../report/table.js";
import type { Suite } from "../suites.js";
import { apiOperations } from "./api.js";
import { kernelOperations } from "./kernel.js";
import { type Effort, measure } from "./measure.js";

const FULL: Effort = { samples: 7, sampleMs: 15, warmUpMs: 120 };
const QUICK: Effort = { samples: 1, sampleMs: 1, warmUpMs: 5 };

export const micro: Suite = { name: "micro", about: "single operations, each beside its floor", run, view };

async function run(show: Progress, quick: boolean): Promise<Row[]> {
  const runtimes: Runtime[] = [];
  try {
    for (const gil of [true, false]) runtimes.push(await Runtime.start({ threads: 1, gil, memory: "64MiB" }));
    const operations = [
      ...kernelOperations("gil"),
      ...kernelOperations("free"),
      ...runtimes.flatMap((rt) => apiOperations(rt)),
    ];
    return await measure(operations, quick ? QUICK : FULL, (share, what) => show.at(share, what));
  } finally {
    for (const rt of runtimes) await rt.close();
  }
}

function view(rows: readonly Row[]): string {
  const lines: string[][] = [];
  for (const name of new Set(rows.map((row) => row.name))) {
    const cells = (["gil", "free"] as const).flatMap((mode) => {
      const row = rows.find((other) => other.name === name && other.mode === mode)!;
      const floor = rows.find((other) => other.name === row.floor && other.mode === mode);
      return [figure(row.median), floor === undefined ? "" : times(row.median / floor.median)];
    });
    lines.push([name, ...cells, rows.find((row) => row.name === name)!.floor?.replace("floor: ", "") ?? ""]);
  }
  return table(["operation", "GIL, ns", "/ floor", "GIL-free, ns", "/ floor", "floor"], lines, 1);
}
