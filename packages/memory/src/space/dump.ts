/** What an address space looks like, the way /proc/PID/maps and smaps print it; then its page table, and its share of the TLB. */
import { OBJECT, PRESENT, pteFlags, pteNumber, SWAPPED } from "../paging/index.js";
import type { Area } from "./areas.js";
import type { SpaceState } from "./space-state.js";

const pad = (address: number): string => address.toString(16).padStart(8, "0");

export function dumpSpace(space: SpaceState): string {
  const { name, table, areas, account } = space;
  const limit = account.limit === Number.POSITIVE_INFINITY ? "no limit" : `limit ${account.limit} pages`;
  return [
    `address space ${name} (id ${table.id}): ${table.resident} pages resident, ${table.swapped} swapped, ${limit}`,
    ...[...areas].flatMap((area) => dumpArea(space, area)),
    "page table (p present, r read, w write, a accessed, d dirty, s swapped, l locked, o object's):",
    ...dumpEntries(space),
    "TLB (set: page, frame):",
    ...dumpTlb(space),
  ].join("\n");
}

function dumpArea(space: SpaceState, area: Area): string[] {
  const { pageSize } = space.memory;
  const { protection, shared, kind } = area;
  const mode = `${protection === "none" ? "--" : protection === "r" ? "r-" : "rw"}-${shared ? "s" : "p"}`;
  const range = `${pad(area.first * pageSize)}-${pad(area.end * pageSize)}`;
  const file = area.object && kind === "file" ? ` ${area.object.name}` : "";
  const head = `${range} ${mode} ${pad(area.offset * pageSize)} ${kind.padEnd(9)} ${area.name}${file}`;
  if (kind === "guard") return [head];
  const sizes = Object.entries(smaps(space, area)).map(([name, pages]) => `${name} ${(pages * pageSize) / 1024} kB`);
  const flags = [area.locked && "locked", area.huge && "huge", area.advice !== "normal" && area.advice].filter(Boolean);
  return [head, `    ${[...sizes, ...flags].join(", ")}`];
}

/** In pages. Pss shares a frame out among those that map it. */
function smaps({ pager, table }: SpaceState, area: Area): Record<string, number> {
  const sizes = { Size: area.end - area.first, Rss: 0, Pss: 0, Shared_Clean: 0, Shared_Dirty: 0, Private_Clean: 0 };
  const more = { Private_Dirty: 0, Swap: 0 };
  for (const [, pte] of table.entries(area.first, area.end)) {
    if (pte & SWAPPED) more.Swap++;
    if (!(pte & PRESENT)) continue;
    const frame = pteNumber(pte);
    const mappings = pager.reverse.counts[frame]!;
    sizes.Rss++;
    sizes.Pss += 1 / mappings;
    const isDirty = pager.isDirty(frame);
    if (mappings === 1 && isDirty) more.Private_Dirty++;
    else sizes[mappings === 1 ? "Private_Clean" : isDirty ? "Shared_Dirty" : "Shared_Clean"]++;
  }
  return { ...sizes, Pss: Math.round(10 * sizes.Pss) / 10, ...more };
}

function* dumpEntries({ pager, table, memory }: SpaceState): IterableIterator<string> {
  for (const [page, pte] of table.entries()) {
    const number = pteNumber(pte);
    const where = pte & SWAPPED ? `slot  ${number}` : `frame ${number}`;
    const mappings = pte & PRESENT ? pager.reverse.counts[number]! : 1;
    const copied = mappings > 1 && !(pte & OBJECT) ? ", copied when written to" : "";
    const others = mappings > 1 ? `  mapped ${mappings} times${copied}` : "";
    yield `    ${pad(page * memory.pageSize)}  ${pteFlags(pte)}  ${where}${others}`;
  }
}

function* dumpTlb({ pager, table, memory }: SpaceState): IterableIterator<string> {
  for (const { space, set, page, frame, writable } of pager.tlb.entries()) {
    if (space === table.id)
      yield `    ${String(set).padStart(3)}: ${pad(page * memory.pageSize)}  frame ${frame}${writable ? ", writable" : ""}`;
  }
}
