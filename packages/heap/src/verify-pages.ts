/** The verifier's first half: pages and their blocks, and the lists that pages stand in. */
import { Layout as L } from "@ungil/kernel";
import { hex, type Objects, type Reader } from "./verify-reader.js";

/** Pages and their blocks; fills `objects`. Returns the number of pages in use. */
export function checkPages(reader: Reader, objects: Objects): number {
  const lists = checkPageLists(reader);
  let used = 0;
  for (let page = 1; page < reader.pages; page++) {
    const state = reader.word(reader.descriptor(page) + L.PD_STATE);
    if (state === L.PAGE_FREE) continue;
    used++;
    if (!reader.bit(reader.kernel.control(L.CB_ARENA_MAP), page))
      reader.violation("arena-map", `page ${page} is in use but free in its arena's map`);
    if (state === L.PAGE_SMALL) checkSmallPage(reader, page, objects, lists);
    else if (state === L.PAGE_RUN) checkRun(reader, page, objects, lists);
    else if (state !== L.PAGE_RUN_TAIL) reader.violation("page-state", `page ${page} has state ${state}`);
  }
  return used;
}

/** Pages that stand in a list of a thread. */
interface PageLists {
  readonly listed: Set<number>;
  readonly announced: Set<number>;
  readonly retired: Set<number>;
  /** Open pages: blocks that are still to be handed out, [next, end). */
  readonly open: Map<number, readonly [next: number, end: number]>;
}

/** The lists that threads have of their pages: by size class, announced by others, retired. */
function checkPageLists(reader: Reader): PageLists {
  const lists: PageLists = { listed: new Set(), announced: new Set(), retired: new Set(), open: new Map() };
  for (const [slot, block] of reader.threads()) {
    for (let size = 0; size < L.SMALL_CLASSES; size++) {
      let previous = 0;
      for (const descriptor of reader.descriptors(reader.word(block + L.TB_BINS + 4 * size), L.PD_NEXT)) {
        const page = reader.pageOf(descriptor);
        const field = (offset: number) => reader.word(descriptor + offset);
        const right = field(L.PD_STATE) === L.PAGE_SMALL && field(L.PD_OWNER) === slot && field(L.PD_CLASS) === size;
        if (!right || field(L.PD_FULL) !== 0 || field(L.PD_PREVIOUS) !== previous || lists.listed.has(page))
          reader.violation("page-list", `thread ${slot}: page ${page} does not belong in its list of class ${size}`);
        lists.listed.add(page);
        previous = descriptor;
      }
      checkOpenPage(reader, slot, size, lists);
    }
    for (const at of reader.descriptors(reader.word(block + L.TB_UNFULL), L.PD_UNFULL_NEXT))
      lists.announced.add(reader.pageOf(at));
    for (const at of reader.descriptors(reader.word(block + L.TB_RETIRED_HEAD), L.PD_NEXT))
      lists.retired.add(reader.pageOf(at));
  }
  return lists;
}

/** A thread has one open page a size class at most; it is carved whole. */
function checkOpenPage(reader: Reader, slot: number, size: number, lists: PageLists): void {
  const bump = reader.kernel.threadBlock(slot) + L.TB_BUMP + 8 * size;
  const [next, end] = [reader.word(bump), reader.word(bump + 4)];
  if (next === end) return;
  const page = Math.floor((end - 1) / L.PAGE_SIZE);
  const isPage = page > 0 && page < reader.pages;
  const field = (offset: number) => (isPage ? reader.word(reader.descriptor(page) + offset) : 0);
  const [block, capacity] = [field(L.PD_BLOCK_SIZE), field(L.PD_CAPACITY)];
  const base = page * L.PAGE_SIZE;
  const isItsPage = field(L.PD_STATE) === L.PAGE_SMALL && field(L.PD_OWNER) === slot && field(L.PD_CLASS) === size;
  const isWhole = field(L.PD_CARVED) === capacity && end === base + capacity * block;
  if (!isItsPage || !isWhole || next < base || next > end || (next - base) % block !== 0 || lists.open.has(page)) {
    reader.violation(
      "open-page",
      `thread ${slot}: ${hex(next)} to ${hex(end)} are no blocks to hand out of class ${size}`,
    );
    return;
  }
  lists.open.set(page, [next, end]);
}

function checkSmallPage(reader: Reader, page: number, objects: Objects, lists: PageLists): void {
  const descriptor = reader.descriptor(page);
  const field = (offset: number) => reader.word(descriptor + offset);
  const size = field(L.PD_BLOCK_SIZE);
  const [capacity, carved, usedCount] = [field(L.PD_CAPACITY), field(L.PD_CARVED), field(L.PD_USED)];
  const base = page * L.PAGE_SIZE;
  if (size < 16 || capacity !== Math.floor(L.PAGE_SIZE / size) || carved > capacity) {
    reader.violation("page-shape", `page ${page}: block size ${size}, capacity ${capacity}, carved ${carved}`);
    return;
  }
  const full = field(L.PD_FULL);
  const lost = full === 0 ? !lists.listed.has(page) : full === 2 && !lists.announced.has(page);
  if ((lost && reader.exact) || (full !== 0 && lists.listed.has(page)) || full > 2)
    reader.violation("page-list", `page ${page} of thread ${field(L.PD_OWNER)} has FULL ${full} and stands elsewhere`);
  const free = checkFreeList(reader, page, field(L.PD_FREE), "free-list");
  const remote = checkFreeList(reader, page, field(L.PD_THREAD_FREE), "thread-free-list");
  if (usedCount + free !== carved) {
    reader.violation("page-equation", `page ${page}: used ${usedCount} + free ${free} != carved ${carved}`);
  }
  let live = 0;
  const [next, end] = lists.open.get(page) ?? [0, 0];
  const toCome = (end - next) / size;
  for (let n = 0; n < carved - toCome; n++) {
    const address = base + n * size;
    const header = reader.at(address, L.OBJECT_TYPE);
    if (header === 0) continue;
    live++;
    const type = header & L.TYPE_MASK;
    if (!reader.isType(type)) reader.violation("type", `object ${hex(address)} has type ${type}`);
    else objects.set(address, size);
  }
  const known = live + free + remote + toCome;
  if (known > carved || (known < carved && reader.exact)) {
    reader.violation(
      "blocks",
      `page ${page}: ${live} live + ${free} free + ${remote} freed remotely + ${toCome} to hand out != carved ${carved}`,
    );
  }
}

/** Length of a free list; each member must be a block of the page, marked free, once. */
function checkFreeList(reader: Reader, page: number, head: number, name: string): number {
  const size = reader.word(reader.descriptor(page) + L.PD_BLOCK_SIZE);
  const seen = new Set<number>();
  for (let block = head; block !== 0; block = reader.at(block, 4)) {
    const offset = block - page * L.PAGE_SIZE;
    if (offset < 0 || offset >= L.PAGE_SIZE || offset % size !== 0) {
      reader.violation(name, `page ${page}: ${hex(block)} is no block of it`);
      break;
    }
    if (seen.has(block)) {
      reader.violation(name, `page ${page}: a cycle at ${hex(block)}`);
      break;
    }
    if (reader.at(block, 0) !== 0)
      reader.violation(name, `page ${page}: block ${hex(block)} is in a free list but not marked free`);
    seen.add(block);
  }
  return seen.size;
}

function checkRun(reader: Reader, page: number, objects: Objects, lists: PageLists): void {
  const pages = reader.word(reader.descriptor(page) + L.PD_RUN_PAGES);
  const address = page * L.PAGE_SIZE;
  const first = reader.walk(address);
  if (pages < 1 || pages > reader.pages - page || !first) {
    reader.violation("run", `run ${page} has ${pages} pages, the first at ${hex(first)}`);
    return;
  }
  for (let n = 1; n < pages; n++) {
    if (reader.word(reader.descriptor(page + n) + L.PD_STATE) !== L.PAGE_RUN_TAIL)
      reader.violation("run", `page ${page + n} is not the tail of run ${page}`);
    if (reader.walk(address + n * L.PAGE_SIZE) !== first + n * L.PAGE_SIZE)
      reader.violation("run", `run ${page} is not contiguous at page ${page + n}`);
  }
  const header = reader.at(address, 0);
  if (header === 0 ? reader.exact && !lists.retired.has(page) : lists.retired.has(page))
    reader.violation("retired", `run ${page} ${header === 0 ? "is free and" : "is an object, but"} in no list, or one`);
  if (header === 0) return;
  if (!reader.isType(header & L.TYPE_MASK))
    reader.violation("type", `object ${hex(address)} has type ${header & L.TYPE_MASK}`);
  else objects.set(address, pages * L.PAGE_SIZE);
}
