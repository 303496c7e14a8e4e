/** The figures as text, which reads like CPython's `sys._debugmallocstats()`. */
import type { FramePurposes, HeapFigures, ThreadHeapStats } from "./shape.js";

const NUMBER = new Intl.NumberFormat("en-US");
const show = (value: number) => NUMBER.format(value);
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const s = (n: number) => (n === 1 ? "" : "s");

const PURPOSES: Record<keyof FramePurposes, string> = {
  smallPages: "pages of blocks",
  runs: "large objects",
  retired: "retired pages, until no thread can reach them",
  emptyPages: "empty pages that keep their frame",
  newborns: "newborn lists",
  borrows: "borrow lists",
  limbo: "limbo lists",
  dying: "destroy stacks",
  spareChunks: "spare chunks of lists",
  versions: "versions of pages, for snapshots",
  views: "copies of readers of snapshots",
  versionRecords: "version records",
  queues: "task queues",
  tasks: "tables of started tasks",
  waiters: "waiters",
  held: "held locks and handles",
  arriving: "pages on their way from the swap file",
  trace: "notes of references",
};

export function heapText(stats: HeapFigures): string {
  const parts = [
    stats.exact ? "Heap, while no thread ran: exact." : "Heap, while threads go on: figures of several moments.",
    classes(stats),
    pages(stats),
    frames(stats),
    threads(stats),
  ];
  if (stats.types) parts.push(table(["type", "objects", "bytes"], types(stats)));
  return parts.join("\n\n");
}

function classes(stats: HeapFigures): string {
  const rows = stats.classes.map(({ size, pages, inUse, available, remote, fresh, fragmentation }) => [
    ...[size, pages, inUse, available, remote, fresh].map(show),
    percent(fragmentation),
  ]);
  return table(["size", "pages", "blocks in use", "avail blocks", "freed by others", "never used", "unused"], rows);
}

function pages({ arenas, pageSize, pages, bytes, runs }: HeapFigures): string {
  const total = pages.total * pageSize;
  return [
    sum(`${show(arenas.total)} arenas (${arenas.small} of blocks, ${arenas.runs} of large objects)`, arenas.total * 64),
    sum("# pages in use", pages.total),
    sum("# pages free in these arenas", pages.free),
    sum("# pages lost to the ends of arenas", pages.padding),
    sum("# pages in memory", pages.resident),
    sum("# pages in the swap file", pages.swapped),
    "",
    sum("# bytes in allocated blocks", bytes.allocated),
    sum(`    of these in ${show(runs.objects)} large object${s(runs.objects)}`, runs.bytes),
    sum("# bytes in available blocks", bytes.available),
    sum("# bytes in blocks freed by other threads", bytes.remote),
    sum("# bytes in blocks never used", bytes.fresh),
    sum("# bytes in retired pages", bytes.retired),
    sum("# bytes lost to quantization", bytes.quantization),
    sum("Total", total),
  ].join("\n");
}

function frames({ frames, pageSize, versions, tables }: HeapFigures): string {
  const used = Object.entries(frames.by).filter(([, n]) => n > 0) as [keyof FramePurposes, number][];
  return [
    ...used.map(([purpose, n]) => sum(`# frames of ${PURPOSES[purpose]}`, n)),
    sum("# frames in a thread's hands, or lost with one", frames.unaccounted),
    sum(`${show(frames.inUse)} frames in use * ${show(pageSize)} bytes`, frames.inUse * pageSize),
    sum(`${show(frames.free)} frames free * ${show(pageSize)} bytes`, frames.free * pageSize),
    sum(`# versions of pages kept for ${versions.snapshots} snapshot${s(versions.snapshots)}`, versions.pages),
    sum("# bytes of the kernel's tables", tables),
  ].join("\n");
}

function threads({ threads }: HeapFigures): string {
  const rows = threads.map((thread) => [name(thread), ...threadFigures(thread).map(show)]);
  const head = ["thread", "pages", "blocks", "bytes", "runs", "newborn", "borrowed", "limbo", "dying", "frames"];
  return table([...head, "allocations"], rows);
}

const name = ({ id }: ThreadHeapStats) => (id === 0 ? "main" : `worker ${id}`);

function threadFigures({ pages, blocks, bytes, runs, lists, frames, allocations }: ThreadHeapStats): number[] {
  const { newborn, borrowed, limbo, dying } = lists;
  return [pages, blocks, bytes, runs, newborn, borrowed, limbo, dying, frames, allocations];
}

function types({ types }: HeapFigures): string[][] {
  return (types ?? []).map(({ name, objects, bytes }) => [name, show(objects), show(bytes)]);
}

function sum(what: string, value: number): string {
  return `${what.padEnd(54)} = ${show(value).padStart(16)}`;
}

/** Numbers to the right; what is no number in the first column to the left. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const isText = rows.some((row) => !/^[\d,]+$/.test(row[0]!)) || rows.length === 0;
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, n) => (n === 0 && isText ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!)))
      .join("   ")
      .trimEnd();
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
