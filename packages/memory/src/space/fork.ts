/**
 * A second address space with the same content. Shared regions stay shared; private pages are the same frames and slots
 * in both until one of them writes (copy on write): neither may write to them, and the first write copies.
 *
 * Copied at once are the pages of runs, and those that somebody writes to through a view: such a write asks nobody.
 */
import { type Account, checkLimit, takeRun } from "../pager/index.js";
import { OBJECT, PINNED, pteNumber, pteOf, READ, SWAPPED, WRITE } from "../paging/index.js";
import { NONE } from "../policies/index.js";
import type { Area } from "./areas.js";
import type { SpaceState } from "./space-state.js";

/** Fills an empty space. If it throws, the child holds a part, and is to be closed. O(pages). */
export function forkInto(parent: SpaceState, child: SpaceState): void {
  for (const area of parent.areas) {
    const copy = { ...area, locked: false, next: 0, window: 0 };
    if (area.huge) copyRun(parent, child, copy);
    child.areas.insert(copy);
    if (area.shared || area.huge) continue;
    for (const [page, pte] of parent.table.entries(area.first, area.end)) {
      // What is still the file's own page, the child finds by itself.
      if (pte & OBJECT) continue;
      checkLimit(child.account, "Forking");
      if (pte & SWAPPED) {
        parent.pager.swap.holders[pteNumber(pte)]!++;
        child.table.set(page, pte);
      } else if (parent.pager.frames.writers[pteNumber(pte)]! > 0)
        copyPage(child, page, pteNumber(pte), pte & (READ | WRITE));
      else sharePage(parent, child, page, pte);
    }
  }
}

function sharePage({ pager, table }: SpaceState, child: SpaceState, page: number, pte: number): void {
  if (pte & WRITE) {
    table.set(page, (pte & ~WRITE) >>> 0);
    pager.tlb.drop(table.id, page);
  }
  pager.map(child.table, page, pteNumber(pte), pte & READ);
}

function copyPage({ pager, table }: SpaceState, page: number, from: number, flags: number): void {
  // The frame that is copied has a view, so it stays.
  const frame = pager.take(NONE, "Forking");
  pager.frames.content(frame).set(pager.frames.content(from));
  pager.admit(frame, pager.newPage(), true);
  pager.frames.dirty[frame] = 1;
  pager.map(table, page, frame, flags);
}

function copyRun({ table }: SpaceState, child: SpaceState, area: Area): void {
  const first = mapRun(child, area);
  const { frames } = child.pager;
  for (let page = area.first; page < area.end; page++) {
    const pte = table.get(page);
    const frame = first + page - area.first;
    frames.content(frame).set(frames.content(pteNumber(pte)));
    child.table.set(page, pteOf(frame, (child.table.get(page) & ~(READ | WRITE)) | (pte & (READ | WRITE))));
  }
}

/** Maps an area on a new run of frames, all zeros. OutOfMemoryError if there is none, and nothing has changed. */
export function mapRun({ pager, table, account }: SpaceState, area: Area): number {
  const count = area.end - area.first;
  checkLimit(account, "A huge region", count);
  const first = takeRun(pager, count);
  for (let n = 0; n < count; n++) {
    pager.frames.content(first + n).fill(0);
    pager.admit(first + n, pager.newPage(), true);
    pager.frames.dirty[first + n] = 1;
    const read = area.protection === "none" ? 0 : READ;
    pager.map(table, area.first + n, first + n, read | (area.protection === "rw" ? WRITE : 0) | PINNED);
  }
  return first;
}

export const accountOf = (name: string, table: Account["table"], limit: number): Account => ({
  name,
  table,
  limit,
  shared: 0,
});
