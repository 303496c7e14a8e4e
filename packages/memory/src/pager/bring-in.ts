/** Pages come into memory: zeros, from the swap file, from a mapped file. Each returns the frame, admitted. */
import { OutOfMemoryError } from "@ungil/kernel";
import { messageOf, readWhole, sizeOf } from "../backing/index.js";
import { NONE } from "../policies/index.js";
import { type Account, FilePages, type MemoryObject, SharedMemory } from "./memory-object.js";
import type { Pager } from "./pager.js";

/** How a page came: a counter of faults has the same name. */
export type Arrival = "demandZero" | "cached" | "swapIn" | "fileRead";

export interface Brought {
  frame: number;
  arrival: Arrival;
}

/** Why a page of a file is not to be had. */
export interface Missing {
  frame: -1;
  reason: string;
  cause?: unknown;
}

/** OutOfMemoryError if the account has not so many pages left. */
export function checkLimit({ table, shared, limit, name }: Account, what: string, count = 1): void {
  if (table.exclusive + shared + count <= limit) return;
  throw new OutOfMemoryError(what, {}, `the address space ${name} has reached its limit of ${limit} pages`);
}

export function zeroPage(pager: Pager, write: boolean): number {
  const frame = pager.take(NONE, "A new page");
  pager.frames.content(frame).fill(0);
  pager.admit(frame, pager.newPage(), write);
  return frame;
}

/** What lies in a slot that somebody holds. */
export function swappedPage(pager: Pager, slot: number, write: boolean): Brought {
  const { frames, swap } = pager;
  const cached = swap.frames[slot]!;
  if (cached >= 0) return { frame: cached, arrival: "cached" };
  const page = swap.pages[slot]!;
  const frame = pager.take(page, "Swapping a page in");
  try {
    swap.read(slot, frames.content(frame));
  } catch (error) {
    frames.give(frame);
    throw error;
  }
  frames.slots[frame] = slot;
  swap.frames[slot] = frame;
  pager.admit(frame, page, write);
  return { frame, arrival: "swapIn" };
}

/** A page of a memory object. Only a file's can be missing. */
export function objectPage(pager: Pager, object: MemoryObject, index: number, write: boolean): Brought | Missing {
  if (!(object instanceof FilePages)) {
    const cached = object.frames.get(index);
    if (cached !== undefined) return { frame: cached, arrival: "cached" };
    return sharedPage(pager, object as SharedMemory, index, write);
  }
  try {
    refreshSize(pager, object);
  } catch (cause) {
    return { frame: -1, reason: messageOf(cause), cause };
  }
  const cached = object.frames.get(index);
  return cached === undefined ? filePage(pager, object, index, write) : { frame: cached, arrival: "cached" };
}

function sharedPage(pager: Pager, object: SharedMemory, index: number, write: boolean): Brought {
  const slot = object.slots.get(index);
  let brought: Brought;
  if (slot === undefined) {
    checkLimit(object.account, "A new shared page");
    brought = { frame: zeroPage(pager, write), arrival: "demandZero" };
    object.account.shared++;
  } else {
    brought = swappedPage(pager, slot, write);
    object.slots.delete(index);
    pager.swap.holders[slot]!--;
  }
  attach(pager, object, index, brought.frame);
  return brought;
}

function filePage(pager: Pager, object: FilePages, index: number, write: boolean): Brought | Missing {
  const { frames } = pager;
  const position = index * frames.pageSize;
  if (position >= object.size)
    return { frame: -1, reason: `the file ${object.name} ends before it, after ${object.size} bytes` };
  const frame = pager.take(object.page + index, "Reading a page of a file");
  try {
    const content = frames.content(frame);
    const length = Math.min(frames.pageSize, object.size - position);
    readWhole(object.store, content.subarray(0, length), position, `the file ${object.name}`);
    content.fill(0, length);
  } catch (cause) {
    frames.give(frame);
    return { frame: -1, reason: messageOf(cause), cause };
  }
  attach(pager, object, index, frame);
  pager.admit(frame, object.page + index, write);
  return { frame, arrival: "fileRead" };
}

function attach({ frames }: Pager, object: MemoryObject, index: number, frame: number): void {
  frames.objects[frame] = object;
  frames.indexes[frame] = index;
  object.frames.set(index, frame);
}

/** A page leaves its object, and its memory is given up. What was written to it is lost. */
export function dropPage(pager: Pager, object: MemoryObject, index: number, frame: number): void {
  // By itself: a reap must not come in between.
  pager.reverse.each(frame, (table, page) => pager.unmap(table, page));
  object.frames.delete(index);
  pager.frames.objects[frame] = undefined;
  pager.disown(frame);
  pager.reap(frame);
}

/**
 * Looks whether a file has become longer or shorter. StorageError if it does not say, or if its new bytes cannot be read.
 */
export function refreshSize(pager: Pager, object: FilePages): void {
  const { frames, counters } = pager;
  const { pageSize } = frames;
  const size = sizeOf(object.store, `the file ${object.name}`);
  const old = object.size;
  if (size === old) return;
  const edge = Math.floor(Math.min(size, old) / pageSize);
  const offset = Math.min(size, old) % pageSize;
  const tail = object.frames.get(edge);
  if (tail !== undefined && offset > 0) {
    // The page that the file ended in, or ends in now: beyond its bytes there are zeros.
    const end = Math.min(pageSize, size - edge * pageSize);
    const content = frames.content(tail);
    content.fill(0, offset);
    if (end > offset)
      readWhole(object.store, content.subarray(offset, end), Math.min(size, old), `the file ${object.name}`);
  }
  object.size = size;
  for (const [index, frame] of [...object.frames]) {
    if (index * pageSize < size) continue;
    if (pager.isDirty(frame)) counters.lost++;
    dropPage(pager, object, index, frame);
  }
}

/** The last region that mapped it has gone. A file's pages have been written back before. */
export function releaseObject(pager: Pager, object: MemoryObject): void {
  if (object instanceof SharedMemory) object.account.shared -= object.frames.size + object.slots.size;
  for (const [index, frame] of [...object.frames]) dropPage(pager, object, index, frame);
  if (!(object instanceof SharedMemory)) return;
  for (const slot of object.slots.values()) {
    pager.swap.holders[slot]!--;
    pager.reapSlot(slot);
  }
  object.slots.clear();
}
