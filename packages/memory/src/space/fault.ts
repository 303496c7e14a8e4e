/**
 * What happens when the TLB does not know a page.
 *
 *     walk: entry present, and allows it?  yes -> set ACCESSED, DIRTY; fill the TLB
 *                                          no  -> fault
 *     fault: no region, or a guard page               SegmentationFaultError
 *            the region does not allow it             ProtectionFaultError
 *            present                                  a write to a page that is not this space's alone: copy it;
 *                                                     otherwise allow the write
 *            swapped                                  swap in, or find it in memory
 *            nothing, in a file or shared memory      ask the object; private and written to: copy it
 *            nothing                                  a page of zeros
 *
 * A fault that fails leaves everything as it was.
 */
import { BusError, ProtectionFaultError, SegmentationFaultError } from "@ungil/kernel";
import {
  type Brought,
  checkLimit,
  FilePages,
  type Missing,
  objectPage,
  swappedPage,
  zeroPage,
} from "../pager/index.js";
import { ACCESSED, DIRTY, OBJECT, PINNED, PRESENT, pteNumber, READ, SWAPPED, WRITE } from "../paging/index.js";
import { NONE } from "../policies/index.js";
import type { Area } from "./areas.js";
import { prepareReadAhead, readAhead } from "./read-ahead.js";
import { hex, type SpaceState } from "./space-state.js";

/** Translates; the frame. The page is present until the next fault. */
export function walk(space: SpaceState, page: number, address: number, write: boolean): number {
  const { pager, table } = space;
  const { frames, counters } = pager;
  counters.walks++;
  if (!(table.get(page) & (write ? WRITE : READ))) fault(space, page, address, write);
  const old = table.get(page);
  const frame = pteNumber(old);
  const pte = old | ACCESSED | (write ? DIRTY : 0);
  if (write && !(old & DIRTY)) pager.written(frame);
  if (pte !== old) table.set(page, pte);
  if (frames.ahead[frame] === 1) {
    frames.ahead[frame] = 0;
    counters.readAhead.hits++;
  }
  pager.tlb.insert(table.id, page, frame, (pte & WRITE) !== 0 && (pte & DIRTY) !== 0);
  return frame;
}

/** Makes the page present, and writable if it is to be written to. */
export function fault(space: SpaceState, page: number, address: number, write: boolean): void {
  try {
    const area = permit(space, page, address, write);
    const pte = space.table.get(page);
    if (pte & PRESENT) {
      if (write) enableWrite(space, area, page);
    } else if (pte & SWAPPED) swapIn(space, area, page, write);
    else if (area.object) fromObject(space, area, page, address, write);
    else {
      checkLimit(space.account, "A new page");
      const frame = zeroPage(space.pager, write);
      space.pager.counters.faults.demandZero++;
      mapPage(space, area, page, frame, READ | writeBit(area));
    }
  } catch (error) {
    space.pager.counters.faults.failed++;
    throw error;
  }
}

/** The area of an address, if it allows the access. */
export function permit(space: SpaceState, page: number, address: number, write: boolean): Area {
  const access = write ? "write" : "read";
  const area = space.areas.find(page);
  if (area === undefined) {
    const reason = page === 0 ? "the null page is never mapped" : "nothing is mapped there";
    throw new SegmentationFaultError(address, access, `${reason}, in the address space ${space.name}`);
  }
  const { pageSize } = space.memory;
  const region = `${area.name} (${hex(area.first * pageSize)}-${hex(area.end * pageSize)}) of ${space.name}`;
  if (area.kind === "guard") throw new SegmentationFaultError(address, access, `a guard page, ${region}`, area.name);
  if (area.protection === "none" || (write && area.protection === "r")) {
    const allows = area.protection === "none" ? "allows no access" : "is read-only";
    throw new ProtectionFaultError(address, access, `the region ${region} ${allows}`, area.name);
  }
  return area;
}

const writeBit = (area: Area): number => (area.protection === "rw" ? WRITE : 0);

function mapPage(space: SpaceState, area: Area, page: number, frame: number, flags: number): void {
  space.pager.map(space.table, page, frame, flags | (area.locked || area.huge ? PINNED : 0));
}

/** A present page is written to, and its entry does not allow that yet. */
function enableWrite(space: SpaceState, area: Area, page: number): void {
  const { pager, table } = space;
  const pte = table.get(page);
  const frame = pteNumber(pte);
  const isAlone = pager.reverse.counts[frame] === 1 && pager.frames.objects[frame] === undefined;
  if (!area.shared && !isAlone) return copy(space, area, page, frame);
  pager.counters.faults.writeEnable++;
  table.set(page, pte | WRITE);
}

/** Copy on write: this space gets a page of its own. The walk that is waiting for it will mark it dirty. */
function copy(space: SpaceState, area: Area, page: number, old: number): void {
  const { pager, table } = space;
  const { frames } = pager;
  if (frames.objects[old] !== undefined) checkLimit(space.account, "Copying a page");
  // Taking a frame may evict the old page.
  const content = frames.content(old).slice();
  const frame = pager.take(NONE, "Copying a page");
  frames.content(frame).set(content);
  pager.admit(frame, pager.newPage(), true);
  pager.unmap(table, page);
  pager.counters.faults.copyOnWrite++;
  mapPage(space, area, page, frame, READ | WRITE);
}

function swapIn(space: SpaceState, area: Area, page: number, write: boolean): void {
  const { pager, table } = space;
  const slot = pteNumber(table.get(page));
  const ahead = pager.swap.frames[slot]! < 0 ? prepareReadAhead(space, area, page, pager.swap.pages[slot]!) : 0;
  const { frame, arrival } = swappedPage(pager, slot, write);
  pager.counters.faults[arrival]++;
  table.set(page, 0);
  pager.swap.holders[slot]!--;
  const isAlone = pager.swap.holders[slot] === 0 && pager.reverse.counts[frame] === 0;
  mapPage(space, area, page, frame, READ | (isAlone ? writeBit(area) : 0));
  finish(space, area, page, write, ahead);
}

function fromObject(space: SpaceState, area: Area, page: number, address: number, write: boolean): void {
  const object = area.object!;
  const index = area.offset + page - area.first;
  const known = object instanceof FilePages ? object.page + index : NONE;
  const ahead = object.frames.has(index) ? 0 : prepareReadAhead(space, area, page, known);
  const brought = objectPage(space.pager, object, index, write && area.shared);
  if (brought.frame < 0) {
    const { reason, cause } = brought as Missing;
    throw new BusError(address, write ? "write" : "read", reason, area.name, cause === undefined ? {} : { cause });
  }
  const { frame, arrival } = brought as Brought;
  space.pager.counters.faults[arrival]++;
  mapPage(space, area, page, frame, OBJECT | READ | (area.shared ? writeBit(area) : 0));
  finish(space, area, page, write, ahead);
}

/** The page is there. Is it to be written to, and is it not the only one's? Does something come with it? */
function finish(space: SpaceState, area: Area, page: number, write: boolean, ahead: number): void {
  if (write && !(space.table.get(page) & WRITE)) enableWrite(space, area, page);
  if (ahead > 0) readAhead(space, area, page + 1, ahead);
}
