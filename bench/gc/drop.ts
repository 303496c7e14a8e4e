// A long list is dropped at once: gaps between the operations of the thread that drops it, before and after.
import { Runtime } from "ungil";
import { figure, median } from "../report/numbers.js";
import type { Row } from "../report/shape.js";
import { table } from "../report/table.js";
import { gapAt, lengths } from "./gaps.js";
import { drop, type Gaps } from "./jobs.js";

export const DROP = "drop";

export async function dropRow(objects: number, windowMs: number, gil: boolean): Promise<Row> {
  const rt = await Runtime.start({ threads: 1, gil, memory: `${64 + Math.ceil(objects / 20_000)}MiB` });
  try {
    const { off, on } = (await rt.run(drop, objects, windowMs)) as { off: Gaps; on: Gaps };
    const left = rt.verify().objects;
    const spread = ({ operations, buckets, long }: Gaps) => ({ operations, buckets, long: lengths(long) });
    const [without, during] = [spread(off), spread(on)];
    const less = (share: number) => Math.max(0, gapAt(during, share) - gapAt(without, share));
    const longest = during.long.length > 0 ? during.long : [0];
    return {
      suite: "gc",
      name: DROP,
      mode: gil ? "gil" : "free",
      threads: 1,
      params: { objects },
      unit: "ms",
      better: "lower",
      samples: longest,
      median: median(longest),
      floor: null, // it is taken off
      gilWait: 0,
      counters: { operations: on.operations, left, max: gapAt(during, 1), offMax: gapAt(without, 1) },
      checksum: null,
      p50: less(0.5),
      p99: less(0.99),
      max: less(1),
    };
  } finally {
    await rt.close();
  }
}

export function viewDrops(rows: readonly Row[]): string {
  const lines = rows
    .filter(({ name }) => name === DROP)
    .map(({ mode, params, counters, p99, max }) => [
      `${Number(params.objects).toLocaleString("en-US")}, ${mode === "gil" ? "GIL" : "GIL-free"}`,
      figure(p99!),
      figure(max!),
      figure(counters.max as number),
      figure(counters.offMax as number),
      String(counters.left),
    ]);
  return table(
    ["a list of so many is dropped", "p99 less off", "max less off", "max", "max, off", "objects left"],
    lines,
    1,
  );
}
