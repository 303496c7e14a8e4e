/** Recomputes what must hold of frames, swap slots, the reverse map, the policy and the TLB, from the page tables alone. */
import {
  ACCESSED,
  DIRTY,
  OBJECT,
  type PageTable,
  PINNED,
  PRESENT,
  pteNumber,
  READ,
  SWAPPED,
  WRITE,
} from "../paging/index.js";
import { NO_PAGE, NO_SLOT } from "./frames.js";
import { FilePages, type SharedMemory } from "./memory-object.js";
import type { Pager } from "./pager.js";

/** `tables`: of all open spaces, by id. `shared`: all shared memory. */
export function verifyFrames(
  pager: Pager,
  tables: ReadonlyMap<number, PageTable>,
  shared: ReadonlySet<SharedMemory>,
): string[] {
  const wrong: string[] = [];
  const mapped = new Map<number, { entries: number; dirty: boolean; object: number; pinned: number }>();
  const holders = new Map<number, number>();
  for (const object of shared)
    for (const slot of object.slots.values()) holders.set(slot, (holders.get(slot) ?? 0) + 1);
  for (const table of tables.values()) {
    wrong.push(...table.verify());
    for (const [page, pte] of table.entries()) {
      const where = `space ${table.id}, page ${page}`;
      const number = pteNumber(pte);
      if (pte & SWAPPED) {
        if (pte & ~(SWAPPED | (number << 8))) wrong.push(`${where}: swapped, with flags of a frame`);
        holders.set(number, (holders.get(number) ?? 0) + 1);
        continue;
      }
      if (!(pte & PRESENT)) wrong.push(`${where}: neither present nor swapped`);
      if (pte & WRITE && !(pte & READ)) wrong.push(`${where}: may be written to but not read`);
      const seen = mapped.get(number) ?? { entries: 0, dirty: false, object: 0, pinned: 0 };
      mapped.set(number, seen);
      seen.entries++;
      if (pte & DIRTY) seen.dirty = true;
      if (pte & OBJECT) seen.object++;
      if (pte & PINNED) seen.pinned++;
      if (pte & WRITE && !(pte & OBJECT) && pager.reverse.counts[number]! > 1)
        wrong.push(`${where}: may write to frame ${number}, which others see`);
    }
  }
  verifyEach(pager, mapped, wrong);
  verifySwap(pager, holders, wrong);
  verifyTlb(pager, tables, wrong);
  wrong.push(...pager.policy.verify().map((line) => `policy: ${line}`));
  return wrong;
}

function verifyEach(
  pager: Pager,
  mapped: Map<number, { entries: number; dirty: boolean; object: number; pinned: number }>,
  wrong: string[],
): void {
  const { frames, policy, reverse, swap } = pager;
  let [free, evictable] = [0, 0];
  for (let frame = 0; frame < frames.count; frame++) {
    const { entries = 0, dirty = false, object = 0, pinned = 0 } = mapped.get(frame) ?? {};
    const say = (text: string) => wrong.push(`frame ${frame}: ${text}`);
    if (reverse.counts[frame] !== entries)
      say(`${entries} entries map it, the reverse map has ${reverse.counts[frame]}`);
    reverse.each(frame, (table, page) => {
      const pte = table.get(page);
      if (!(pte & PRESENT) || pteNumber(pte) !== frame)
        say(`the reverse map leads to page ${page} of space ${table.id}`);
    });
    if (frames.isFree(frame)) {
      free++;
      if (entries > 0 || frames.pages[frame] !== NO_PAGE || frames.pins[frame]! > 0) say("free, and in use");
      continue;
    }
    const page = frames.pages[frame]!;
    if (page === NO_PAGE) say("taken, and nothing is in it");
    const owner = frames.objects[frame];
    if (object !== (owner === undefined ? 0 : entries)) say(`${object} entries say that an object has it`);
    if (owner && owner.frames.get(frames.indexes[frame]!) !== frame) say(`its object does not know it`);
    if (pinned > frames.pins[frame]!) say(`${pinned} entries pin it, it has ${frames.pins[frame]} pins`);
    if (frames.writers[frame]! > frames.pins[frame]!) say("it has more writers than pins");
    const isPinned = frames.pins[frame]! > 0;
    if (policy.has(page) === isPinned) say(isPinned ? "pinned, and the policy has it" : "the policy does not have it");
    if (!isPinned) evictable++;
    const slot = frames.slots[frame]!;
    const isDirty = dirty || frames.dirty[frame] === 1;
    if (slot !== NO_SLOT && isDirty) say("dirty, and said to equal its slot");
    if (slot !== NO_SLOT && swap.frames[slot] !== frame) say(`its slot ${slot} does not know it`);
    if (entries === 0 && !owner && !isPinned && (slot === NO_SLOT || swap.holders[slot] === 0))
      say("nobody can reach it");
    if (!isDirty && slot === NO_SLOT && !(owner instanceof FilePages) && !isZero(frames.content(frame)))
      say("clean, and not zeros, and no copy of it exists");
  }
  if (free !== frames.freeCount) wrong.push(`${free} frames are free, counted ${frames.freeCount}`);
  if (evictable !== policy.size) wrong.push(`${evictable} pages can be evicted, the policy has ${policy.size}`);
}

function verifySwap({ swap, frames }: Pager, holders: Map<number, number>, wrong: string[]): void {
  let used = 0;
  for (let slot = 0; slot < swap.end; slot++) {
    const frame = swap.frames[slot]!;
    const held = holders.get(slot) ?? 0;
    if (held !== swap.holders[slot]) wrong.push(`slot ${slot}: held ${held} times, counted ${swap.holders[slot]}`);
    if (frame >= 0 && frames.slots[frame] !== slot) wrong.push(`slot ${slot}: frame ${frame} has another slot`);
    const isUsed = frame >= 0 || swap.holders[slot]! > 0;
    if (isUsed !== swap.isUsed(slot)) wrong.push(`slot ${slot}: ${isUsed ? "in use, and free" : "lost"}`);
    if (isUsed) used++;
  }
  if (used !== swap.used) wrong.push(`${used} slots are in use, counted ${swap.used}`);
}

function verifyTlb({ tlb }: Pager, tables: ReadonlyMap<number, PageTable>, wrong: string[]): void {
  for (const { space, page, frame, writable } of tlb.entries()) {
    const pte = tables.get(space)?.get(page) ?? 0;
    const needed = PRESENT | READ | ACCESSED | (writable ? WRITE | DIRTY : 0);
    if ((pte & needed) !== needed || pteNumber(pte) !== frame)
      wrong.push(`TLB: page ${page} of space ${space} is not in frame ${frame}${writable ? ", writable" : ""}`);
  }
}

function isZero(bytes: Uint8Array): boolean {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  return words.every((word) => word === 0);
}
