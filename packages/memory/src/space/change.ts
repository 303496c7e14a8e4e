/** What is done to ranges of an address space: unmap, protect, advise, lock, unlock, sync. */
import { StorageError } from "@ungil/kernel";
import { DiskFile } from "../backing/index.js";
import { VirtualMemoryError } from "../errors.js";
import { FilePages, refreshSize, SharedMemory } from "../pager/index.js";
import { PINNED, PRESENT, pteNumber, pteOf, READ, WRITE } from "../paging/index.js";
import type { Advice, Area, Protection } from "./areas.js";
import { fault } from "./fault.js";
import { readAhead } from "./read-ahead.js";
import type { PageRange, SpaceState } from "./space-state.js";

/** Empties a range. What was written to shared mappings of files is written back first; if that fails, nothing has changed. */
export function unmapPages(space: SpaceState, { first, end }: PageRange): void {
  writeBack(space, { first, end });
  drop(space, { first, end });
}

/** Empties the whole space, whether everything could be written back or not. */
export function unmapAll(space: SpaceState): void {
  const all = { first: 0, end: space.table.pages };
  try {
    writeBack(space, all);
  } finally {
    drop(space, all);
  }
}

function drop(space: SpaceState, { first, end }: PageRange): void {
  const { pager, table, areas, memory } = space;
  for (const area of areas.cut(first, end)) {
    for (const [page] of table.entries(area.first, area.end)) pager.unmap(table, page);
    areas.remove(area);
    if (area.object) memory.abandon(area.object);
  }
}

export function protectPages(
  { pager, table, areas }: SpaceState,
  { first, end }: PageRange,
  protection: Protection,
): void {
  for (const area of areas.overlapping(first, end)) {
    if (area.kind === "guard") throw new VirtualMemoryError(`${area.name} is a guard: it allows no access, ever`);
    const { object, shared } = area;
    if (shared && protection === "rw" && object instanceof FilePages && object.store instanceof DiskFile)
      object.store.allowWrites();
  }
  for (const area of areas.cut(first, end)) {
    area.protection = protection;
    for (const [page, pte] of table.entries(area.first, area.end)) {
      if (!(pte & PRESENT)) continue;
      // That it may be written to is found out at the first write: the page may be another's too.
      table.set(page, pteOf(pteNumber(pte), (pte & 0xff & ~(READ | WRITE)) | (protection === "none" ? 0 : READ)));
      pager.tlb.drop(table.id, page);
    }
  }
}

export function advisePages(space: SpaceState, range: PageRange, advice: Advice): void {
  for (const area of space.areas.cut(range.first, range.end)) {
    area.advice = advice;
    area.next = 0;
    area.window = 0;
  }
}

/** Brings pages in, as far as frames are free or can be made so. */
export function willNeed(space: SpaceState, { first, end }: PageRange): void {
  const { pager, areas } = space;
  pager.makeRoom(Math.min(end - first, pager.frames.count >> 1));
  for (const area of areas.overlapping(first, end)) {
    const from = Math.max(area.first, first);
    readAhead(space, area, from, Math.min(area.end, end) - from);
  }
}

/** Private pages become what they were before the first write: zeros, or the file's. Of shared ones only the entries go. */
export function dontNeed({ pager, table, areas }: SpaceState, { first, end }: PageRange): void {
  for (const area of areas.overlapping(first, end))
    if (area.locked) throw new VirtualMemoryError(`the region ${area.name} is locked: unlock it first`);
  for (const area of areas.overlapping(first, end)) {
    for (const [page, pte] of table.entries(Math.max(first, area.first), Math.min(end, area.end))) {
      if (area.huge) pager.frames.content(pteNumber(pte)).fill(0);
      else pager.unmap(table, page);
    }
  }
}

/** Brings all pages in and pins them. If one cannot be had, the range is as it was (but for pages that came in). */
export function lockPages(space: SpaceState, { first, end }: PageRange): void {
  const { pager, table, areas } = space;
  for (const area of areas.overlapping(first, end))
    if (area.protection === "none")
      throw new VirtualMemoryError(`the region ${area.name} allows no access: it cannot be locked`);
  const locked: Area[] = [];
  try {
    for (const area of areas.cut(first, end)) {
      if (area.locked) continue;
      area.locked = true;
      locked.push(area);
      for (let page = area.first; page < area.end; page++) {
        if (!(table.get(page) & PRESENT)) fault(space, page, page * pager.frames.pageSize, false);
        const pte = table.get(page);
        if (pte & PINNED) continue;
        table.set(page, pte | PINNED);
        pager.pin(pteNumber(pte));
      }
    }
  } catch (error) {
    for (const area of locked) unlockArea(space, area);
    throw error;
  }
}

export function unlockPages(space: SpaceState, { first, end }: PageRange): void {
  for (const area of space.areas.cut(first, end)) if (area.locked) unlockArea(space, area);
}

function unlockArea({ pager, table }: SpaceState, area: Area): void {
  area.locked = false;
  if (area.huge) return;
  for (const [page, pte] of table.entries(area.first, area.end)) {
    if (!(pte & PINNED)) continue;
    table.set(page, (pte & ~PINNED) >>> 0);
    pager.unpin(pteNumber(pte));
  }
}

/** Writes what was written to shared mappings of files, and returns when it is on the disk. */
export function syncPages(space: SpaceState, range: PageRange): void {
  for (const object of writeBack(space, range)) {
    try {
      object.store.sync();
    } catch (cause) {
      throw new StorageError(`the file ${object.name} cannot be written to the disk`, { cause });
    }
  }
}

/** Writes dirty pages of shared mappings of files to the files; returns these. Goes on after an error, and throws it then. */
function writeBack({ pager, areas }: SpaceState, { first, end }: PageRange): Set<FilePages> {
  const files = new Set<FilePages>();
  const errors: unknown[] = [];
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (error) {
      errors.push(error);
    }
  };
  for (const area of areas.overlapping(first, end)) {
    const { object, shared, offset } = area;
    if (!(object instanceof FilePages) || !shared) continue;
    if (!files.has(object)) attempt(() => refreshSize(pager, object));
    files.add(object);
    const from = offset + Math.max(first, area.first) - area.first;
    const to = offset + Math.min(end, area.end) - area.first;
    for (const [index, frame] of object.frames) if (index >= from && index < to) attempt(() => pager.clean(frame));
  }
  if (errors.length > 0) throw errors[0];
  return files;
}

/** How many pages of an area are in memory, in the swap file, and written to. O(pages). */
export function countPages(
  { pager, table }: SpaceState,
  area: Area,
): { resident: number; swapped: number; dirty: number } {
  let [resident, swapped, dirty] = [0, 0, 0];
  for (const [, pte] of table.entries(area.first, area.end)) {
    if (!(pte & PRESENT)) swapped++;
    else {
      resident++;
      if (pager.isDirty(pteNumber(pte))) dirty++;
    }
  }
  const { object, offset } = area;
  if (object instanceof SharedMemory)
    for (const index of object.slots.keys()) if (index >= offset && index < offset + area.end - area.first) swapped++;
  return { resident, swapped, dirty };
}
