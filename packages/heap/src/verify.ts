/**
 * The verifier: with the world stopped, walks the frames, page tables, pages, blocks, lists and objects and checks the
 * invariants that the kernel's files state. It reads memory by itself, with none of the kernel's code.
 */
import { type Kernel, Layout as L } from "@ungil/kernel";
import { checkFrames } from "./verify-frames.js";
import { checkCount, checkIntern, countReferences, type ThreadLists } from "./verify-objects.js";
import { checkPages } from "./verify-pages.js";
import { add, type Counts, hex, type Objects, Reader } from "./verify-reader.js";
import { checkSwap } from "./verify-swap.js";
import { checkWeak } from "./verify-weak.js";

export interface Verification {
  /** Live objects, internal ones included. */
  readonly objects: number;
  /** Heap pages in use. */
  readonly pages: number;
  /** Bytes of live objects' blocks. */
  readonly bytes: number;
  /** Frames in use that are nobody's: what threads that were killed had in hand. Else there are none. */
  readonly framesLost: number;
  /** Empty if all is well; else one line for each violation, at most 100. */
  readonly violations: string[];
}

/**
 * Checks everything. The caller has stopped the world, so that all threads stand between operations. `held`: addresses
 * counted from outside the heap (kept handles, queues, locks), each as often as it is counted. Unless `exact` is false,
 * what is lost is a violation too: a count greater than the references found, a block or a page in no list.
 */
export function verifyHeap(kernel: Kernel, held: Iterable<number>, exact = true): Verification {
  const reader = new Reader(kernel, exact);
  const objects: Objects = new Map();
  const pages = checkPages(reader, objects);
  const framesLost = checkFrames(reader);
  checkSwap(reader);
  const counts: Counts = new Map();
  let bytes = 0;
  for (const [address, size] of objects) {
    bytes += size;
    countReferences(reader, address, objects, counts);
  }
  const lists = checkThreads(reader, objects, counts);
  countTypes(reader, counts);
  checkWeak(reader, objects, counts, lists);
  for (const address of held) add(counts, address >>> 0);
  for (const address of objects.keys()) checkCount(reader, address, counts.get(address) ?? 0, lists);
  checkIntern(reader, objects);
  return { objects: objects.size, pages, bytes, framesLost, violations: reader.violations };
}

/** The lists of all threads: newborns, borrows, limbo, destroy stack, own pins; and the locks they hold. */
function checkThreads(reader: Reader, objects: Objects, counts: Counts): ThreadLists {
  const lists: ThreadLists = { limbo: new Set(), newborn: new Set(), dying: new Set() };
  for (const [slot, block] of reader.threads()) {
    const known = (address: number, list: string) => {
      if (!objects.has(address)) reader.violation(list, `thread ${slot}: ${hex(address)} is no object`);
      return objects.has(address);
    };
    for (const address of reader.list(block, L.TB_NEWBORN_TOP)) lists.newborn.add(address);
    for (const address of reader.list(block, L.TB_BORROW_TOP)) known(address, "borrow-list");
    for (const address of reader.list(block, L.TB_DESTROY_TOP))
      if (known(address, "destroy-stack")) lists.dying.add(address);
    checkLimbo(reader, slot, lists, known);
    for (const field of [L.TB_OWN_PINS, L.TB_CACHE_PINS, L.TB_CACHE_OLD]) {
      const pins = reader.word(block + field);
      if (pins && known(pins, "pins")) add(counts, pins);
    }
    const held = reader.word(block + L.TB_JOURNAL_LOCK);
    if (held) reader.violation("lock", `thread ${slot} holds the lock at ${hex(held)}`);
  }
  if (reader.kernel.control(L.CB_TYPE_LOCK)) reader.violation("lock", "the type table is locked");
  return lists;
}

function checkLimbo(
  reader: Reader,
  slot: number,
  { limbo, dying }: ThreadLists,
  known: (address: number, list: string) => boolean,
): void {
  const block = reader.kernel.threadBlock(slot);
  let entries = 0;
  for (const address of reader.list(block, L.TB_LIMBO_TOP, 2, reader.word(block + L.TB_LIMBO_HEAD))) {
    entries++;
    if (!known(address, "limbo")) continue;
    if (limbo.has(address)) reader.violation("limbo", `${hex(address)} stands in limbo twice`);
    const state = reader.at(address, L.OBJECT_COUNT) & (L.COUNT_LIMBO | L.COUNT_DYING);
    if (state === L.COUNT_DYING && reader.at(address, L.OBJECT_TYPE) & L.HEADER_HAS_WEAK) dying.add(address);
    else if (state !== L.COUNT_LIMBO) reader.violation("limbo", `${hex(address)} stands in limbo without LIMBO`);
    limbo.add(address);
  }
  if (entries !== reader.word(block + L.TB_LIMBO_COUNT))
    reader.violation(
      "limbo",
      `thread ${slot}: ${entries} entries, but it counts ${reader.word(block + L.TB_LIMBO_COUNT)}`,
    );
}

/** The type table counts the strings of its entries. */
function countTypes(reader: Reader, counts: Counts): void {
  for (let type = L.TYPE_FIRST_USER; type < reader.types; type++) {
    const entry = reader.kernel.control(L.CB_TYPES) + type * L.TYPE_ENTRY_SIZE;
    for (const field of [L.TYPE_NAME, L.TYPE_URL, L.TYPE_SCHEMA]) add(counts, reader.word(entry + field));
  }
}
