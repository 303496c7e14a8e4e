/**
 * The heap becomes again what it was at a cut (paging/restore.ts does so for pages). The world stands still at yields, and no
 * other thread is attached: none holds an address or a translation, and what it has besides pages is of a kind that can be
 * put right from here.
 *
 *   restoreBegin   all that leads into pages that have changed ends: bins, retired runs, the heads of intern chains
 *                  (then the host puts back the words of thread blocks and types that it has copied when the cut was taken)
 *   restoreEnd     pages, lists of objects, bins, intern chains are what they were
 *
 * A page that has not changed since the cut stands in the same lists now as then, and so do its objects: whoever enters a list
 * or leaves it has its count word changed. So of each list those entries stay that are of such pages, and what else belongs
 * into it is found in the pages that were put back. Nobody else's pages are written.
 *
 * An intern chain runs through the strings themselves, new ones before old ones. So once the pages are what they were only its
 * head may be wrong: first it leaves those of changed pages behind, and afterwards each string that was there and cannot be
 * reached from the head has been before it.
 */
import * as L from "../layout";
import { control, descriptors, threadBlock } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import {
  changesBegin, changesFind, changesKeep, changesNext, frameAt, framesPlan, hasChanged, pagePutBack, putBackFailed, restoreCut,
} from "../paging/restore";
import { pastIsNeeded } from "../paging/snapshots";
import { swapIsThere } from "../paging/swap";
import { cutAcknowledge, readAddress, translationDrop, translationsFlush } from "../paging/translate";
import { pagesGiveBack, pagesTakeBack, runRetire } from "./arenas";
import { binIn, binPush, binRemove, unfullSettle } from "./bins";
import { chunkFree } from "./chunks";
import { limboPush } from "./count";
import { destroyPush } from "./destroy";
import { newbornPush, newbornReserve } from "./handle";
import { bucketOf, filterBit, filterOf } from "./intern";
import { isCell, weakBucket } from "./weak-table";

// @ts-ignore: decorator
@inline function descriptorAt(page: u32): usize {
  return descriptors + (<usize>page << 6);
}

/**
 * Physical address of a page that stays in memory until `pageLetGo`. Without a swap file all pages do, and no translation is made,
 * for it would have to be dropped.
 */
// @ts-ignore: decorator
@inline function pageHold(page: u32): usize {
  return swapIsThere() ? readAddress(page << L.PAGE_SHIFT) : frameAt(page);
}

// @ts-ignore: decorator
@inline function pageLetGo(page: u32): void {
  translationDrop(page << L.PAGE_SHIFT);
}

/** The next string of a chain. `held`: a page that is held. */
function chainNext(va: u32, held: u32): u32 {
  const page = va >>> L.PAGE_SHIFT;
  const next = load<u32>(pageHold(page) + (va & L.PAGE_MASK) + L.STR_NEXT);
  if (page != held) pageLetGo(page);
  return next;
}

/**
 * Pages will become what they were at cut `cut`; memory at cut `since` was the same. `garbage`: how many objects stood in limbo, on
 * destroy stacks or in newborn lists then. `spare`: frames that must be free afterwards. 0, or E_MEMORY: then nothing has changed.
 */
export function restoreBegin(cut: u32, since: u32, garbage: u32, spare: u32): u32 {
  stackProbe();
  const slots = load<u32>(control() + L.CB_SLOTS);
  // First: the plan stands where pages are linked in these stacks.
  for (let slot: u32 = 1; slot < slots; slot++) unfullSettle(threadBlock(slot));
  changesFind(cut, since);
  pastIsNeeded(true);
  changesKeep();
  if (!framesPlan(spare + garbage / ((L.PAGE_SIZE - L.CHUNK_HEADER) >>> 3))) {
    pastIsNeeded(false);
    return L.E_MEMORY;
  }
  for (let slot: u32 = 1; slot < slots; slot++) retiredFilter(threadBlock(slot));
  for (let page = changesBegin(); page; page = changesNext(page)) pageLeave(page);
  return 0;
}

/** What a page is now ends. */
function pageLeave(page: u32): void {
  const descriptor = descriptorAt(page);
  const state = load<u32>(descriptor + L.PD_STATE);
  if (state == L.PAGE_RUN) pagesGiveBack(page, load<u32>(descriptor + L.PD_RUN_PAGES));
  if (state != L.PAGE_SMALL) return;
  if (atomic.load<u32>(descriptor + L.PD_FULL) == 0) binRemove(binIn(descriptor), descriptor);
  if (mayHold(descriptor, L.PAGE_HAS_STRINGS)) stringsEach(page, false);
  if (mayHold(descriptor, L.PAGE_HAS_CELLS)) cellsEach(page, false);
  pagesGiveBack(page, 1);
}

function retiredFilter(block: usize): void {
  let link = block + L.TB_RETIRED_HEAD;
  let descriptor = <usize>load<u32>(link);
  while (descriptor) {
    const next = load<u32>(descriptor + L.PD_NEXT);
    if (hasChanged(<u32>(descriptor - descriptorAt(0)) >>> 6)) store<u32>(link, next);
    else link = descriptor + L.PD_NEXT;
    descriptor = <usize>next;
  }
}

/**
 * The words of thread blocks are what they were: so is everything else. Then a cut of what memory is again; its number. 0: the disk
 * has failed, and the heap is broken.
 */
export function restoreEnd(garbage: u32): u32 {
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 1; slot < slots; slot++) listsFilter(threadBlock(slot));
  for (let page = changesBegin(); page; page = changesNext(page)) if (pagePutBack(page)) pageEnter(page, garbage != 0);
  pastIsNeeded(false);
  if (putBackFailed()) return 0;
  for (let page = changesBegin(); page; page = changesNext(page)) {
    if (mayHold(descriptorAt(page), L.PAGE_HAS_STRINGS)) stringsEach(page, true);
    if (mayHold(descriptorAt(page), L.PAGE_HAS_CELLS)) cellsEach(page, true);
  }
  atomic.store<u32>(control() + L.CB_SMALL_HINT, 0);
  const cut = restoreCut();
  cutAcknowledge();
  translationsFlush();
  return cut;
}

/** A page that is what it was takes its place. */
function pageEnter(page: u32, findsGarbage: bool): void {
  const descriptor = descriptorAt(page);
  const state = load<u32>(descriptor + L.PD_STATE);
  if (state == L.PAGE_RUN) {
    pagesTakeBack(page, load<u32>(descriptor + L.PD_RUN_PAGES));
    const p = frameAt(page); // it has been put back a moment ago
    const word = load<u32>(p + L.OBJECT_COUNT);
    if (!load<u32>(p)) runRetire(descriptor);
    else objectEnter(page << L.PAGE_SHIFT, word);
  }
  if (state != L.PAGE_SMALL) return;
  pagesTakeBack(page, 1);
  const isFull = !load<u32>(descriptor + L.PD_FREE) && !atomic.load<u32>(descriptor + L.PD_THREAD_FREE) &&
    load<u32>(descriptor + L.PD_CARVED) == load<u32>(descriptor + L.PD_CAPACITY) && !isOpen(page, descriptor);
  atomic.store<u32>(descriptor + L.PD_FULL, isFull ? 1 : 0);
  if (!isFull) binPush(binIn(descriptor), descriptor);
  if (findsGarbage) garbageFind(page, descriptor);
}

// Blocks of a page.

// @ts-ignore: decorator
@inline function bumpOf(descriptor: usize): usize {
  return threadBlock(load<u32>(descriptor + L.PD_OWNER)) + L.TB_BUMP + (<usize>load<u32>(descriptor + L.PD_CLASS) << 3);
}

/** Whether the page is open for bump allocation: what is in [NEXT, END) are no objects. */
function isOpen(page: u32, descriptor: usize): bool {
  const bump = bumpOf(descriptor);
  return load<u32>(bump) != load<u32>(bump + 4) && (load<u32>(bump + 4) - 1) >>> L.PAGE_SHIFT == page;
}

/** Address after the last block that was ever handed out: blocks are, in order. */
function handedOut(page: u32, descriptor: usize): u32 {
  if (isOpen(page, descriptor)) return load<u32>(bumpOf(descriptor));
  return (page << L.PAGE_SHIFT) + load<u32>(descriptor + L.PD_CARVED) * load<u32>(descriptor + L.PD_BLOCK_SIZE);
}

function garbageFind(page: u32, descriptor: usize): void {
  const end = handedOut(page, descriptor);
  const size = load<u32>(descriptor + L.PD_BLOCK_SIZE);
  let p = pageHold(page);
  for (let va = page << L.PAGE_SHIFT; va < end; va += size, p += size) {
    const word = load<u32>(p + L.OBJECT_COUNT);
    if (word & (L.COUNT_LIMBO | L.COUNT_DYING | L.COUNT_NEWBORN) && load<u32>(p)) objectEnter(va, word);
  }
  pageLetGo(page);
}

/** An object that was put back takes its place in the list that its count word tells of. */
function objectEnter(va: u32, word: u32): void {
  if (word & L.COUNT_LIMBO) limboPush(va);
  else if (word & L.COUNT_DYING) destroyPush(va);
  else if (word & L.COUNT_NEWBORN && newbornReserve()) newbornPush(va);
}

// @ts-ignore: decorator
@inline function mayHold(descriptor: usize, what: u32): bool {
  return load<u32>(descriptor + L.PD_STATE) == L.PAGE_SMALL && (load<u32>(descriptor + L.PD_BIRTH) & what) != 0;
}

/**
 * Buckets of weak cells are linked both ways, so a cell that is in a bucket and has none before it is its head; and whoever enters
 * before it, or leaves it, writes to it.
 */
function cellsEach(page: u32, enter: bool): void {
  const descriptor = descriptorAt(page);
  const end = handedOut(page, descriptor);
  const size = load<u32>(descriptor + L.PD_BLOCK_SIZE);
  let p = pageHold(page);
  for (let va = page << L.PAGE_SHIFT; va < end; va += size, p += size) {
    if (!isCell(load<u32>(p) & L.TYPE_MASK) || !(load<u32>(p + L.WEAK_STATE) & L.WEAK_LINKED)) continue;
    if (!load<u32>(p + L.WEAK_PREVIOUS)) store<u32>(weakBucket(load<u32>(p + L.WEAK_TARGET)) + L.BUCKET_CELLS, enter ? va : 0);
  }
  pageLetGo(page);
}

// Interned strings.

/** The chains of all strings of a page: are left by them, or led to them. */
function stringsEach(page: u32, enter: bool): void {
  const descriptor = descriptorAt(page);
  const end = handedOut(page, descriptor);
  const size = load<u32>(descriptor + L.PD_BLOCK_SIZE);
  let p = pageHold(page);
  for (let va = page << L.PAGE_SHIFT; va < end; va += size, p += size) {
    const header = load<u32>(p);
    if ((header & L.TYPE_MASK) != L.TYPE_STR || !(header & L.HEADER_INTERNED)) continue;
    const hash = load<u32>(p + L.STR_HASH);
    const bucket = bucketOf(hash);
    const filter = filterOf(bucket); // strings whose pages have not changed have stood in the chain all the time
    if (enter) store<u32>(filter, load<u32>(filter) | filterBit(hash));
    if (enter) chainLead(bucket, va);
    else chainLeave(bucket, page);
  }
  pageLetGo(page);
}

function chainLeave(bucket: usize, held: u32): void {
  let head = load<u32>(bucket);
  while (head && hasChanged(head >>> L.PAGE_SHIFT)) head = chainNext(head, held);
  store<u32>(bucket, head);
}

function chainLead(bucket: usize, va: u32): void {
  let at = load<u32>(bucket);
  while (at && at != va) at = chainNext(at, va >>> L.PAGE_SHIFT);
  if (!at) store<u32>(bucket, va);
}

// Lists in chunks.

// @ts-ignore: decorator
@inline function listStart(block: usize, fields: u32): usize {
  return <usize>load<u32>(block + fields + 8) + L.CHUNK_HEADER;
}

/** Objects in limbo, on destroy stacks and in newborn lists of all threads, which stand still. */
export function garbageCount(): u32 {
  let sum: u32 = 0;
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 1; slot < slots; slot++) {
    const block = threadBlock(slot);
    sum += load<u32>(block + L.TB_LIMBO_COUNT) + listLength(block, L.TB_DESTROY_TOP) + listLength(block, L.TB_NEWBORN_TOP);
  }
  return sum;
}

/** Entries of one word in a list. */
function listLength(block: usize, fields: u32): u32 {
  const top = load<u32>(block + fields);
  let length: u32 = 0;
  let chunk = load<u32>(block + fields + 8);
  while (chunk && !(top > chunk && top <= chunk + L.PAGE_SIZE)) {
    length += (L.PAGE_SIZE - L.CHUNK_HEADER) >>> 2;
    chunk = load<u32>(<usize>chunk + 4);
  }
  return chunk ? length + ((top - chunk - L.CHUNK_HEADER) >>> 2) : length;
}

function listsFilter(block: usize): void {
  listFilter(block, L.TB_NEWBORN_TOP, 1, listStart(block, L.TB_NEWBORN_TOP));
  listFilter(block, L.TB_DESTROY_TOP, 1, listStart(block, L.TB_DESTROY_TOP));
  if (!load<u32>(block + L.TB_LIMBO_COUNT)) return;
  let head = <usize>load<u32>(block + L.TB_LIMBO_HEAD);
  if (!head) head = listStart(block, L.TB_LIMBO_TOP);
  store<u32>(block + L.TB_LIMBO_HEAD, <u32>head);
  store<u32>(block + L.TB_LIMBO_COUNT, listFilter(block, L.TB_LIMBO_TOP, 2, head));
}

/** Takes the objects of changed pages out of a list, from position `from` on; entries of `words` words. How many are left. */
function listFilter(block: usize, fields: u32, words: u32, from: usize): u32 {
  const top = <usize>load<u32>(block + fields);
  if (!top) return 0;
  let to = from;
  let left: u32 = 0;
  while (from != top) {
    from = entryAt(from);
    const va = load<u32>(from);
    if (!hasChanged(va >>> L.PAGE_SHIFT)) {
      to = entryAt(to);
      store<u32>(to, va);
      if (words == 2) store<u32>(to + 4, load<u32>(from + 4));
      to += <usize>words << 2;
      left++;
    }
    from += <usize>words << 2;
  }
  listEnd(block, fields, to);
  return left;
}

/** The end of a chunk is the beginning of the next one for whoever reads or writes there. */
// @ts-ignore: decorator
@inline function entryAt(position: usize): usize {
  return position & L.PAGE_MASK ? position : <usize>load<u32>(position - L.PAGE_SIZE + 4) + L.CHUNK_HEADER;
}

function listEnd(block: usize, fields: u32, top: usize): void {
  const chunk = (top - 1) & ~(<usize>L.PAGE_MASK);
  let after = <usize>load<u32>(chunk + 4);
  store<u32>(chunk + 4, 0);
  store<u32>(block + fields, <u32>top);
  store<u32>(block + fields + 4, <u32>chunk + L.PAGE_SIZE);
  while (after) {
    const next = <usize>load<u32>(after + 4);
    chunkFree(after);
    after = next;
  }
}
