/**
 * The verifier: with the world stopped, walks the frames, page tables, pages, blocks, lists and objects and checks the
 * invariants that the kernel's files state. It reads memory by itself, with none of the kernel's code.
 */
import { type Kernel, Layout as L } from "@ungil/kernel";

export interface Verification {
  /** Live objects, internal ones included. */
  readonly objects: number;
  /** Heap pages in use. */
  readonly pages: number;
  /** Bytes of live objects' blocks. */
  readonly bytes: number;
  /** Empty if all is well; else one line for each violation, at most 100. */
  readonly violations: string[];
}

const hex = (address: number) => `0x${address.toString(16)}`;

/** Memory as the verifier reads it. */
class Reader {
  readonly violations: string[] = [];
  readonly pages: number;
  readonly types: number;

  constructor(readonly kernel: Kernel) {
    this.pages = kernel.control(L.CB_VIRTUAL_PAGES);
    this.types = kernel.control(L.CB_TYPE_COUNT);
  }

  word(physical: number): number {
    return this.kernel.u32[physical >>> 2] as number;
  }

  /** A word of an object; 0 where nothing is mapped. */
  at(address: number, offset: number): number {
    const physical = this.kernel.walk(address);
    return physical ? this.word(physical + offset) : 0;
  }

  descriptor(page: number): number {
    return this.kernel.control(L.CB_DESCRIPTORS) + page * L.PAGE_DESCRIPTOR_SIZE;
  }

  violation(name: string, what: string): void {
    if (this.violations.length < 100) this.violations.push(`${name}: ${what}`);
  }

  /** Entries of a chunk list of the thread block, oldest first; `words` of each. */
  *list(block: number, fields: number, words = 1, head = 0): Generator<number> {
    const top = this.word(block + fields);
    let chunk = this.word(block + fields + 8);
    let at = head;
    if (head && (head & L.PAGE_MASK) === 0) {
      chunk = this.word(head - L.PAGE_SIZE + 4);
      at = 0;
    }
    while (chunk && top) {
      const end = top > chunk && top <= chunk + L.PAGE_SIZE ? top : chunk + L.PAGE_SIZE;
      for (let p = at || chunk + L.CHUNK_HEADER; p < end; p += 4 * words) yield this.word(p);
      if (end === top) return;
      at = 0;
      chunk = this.word(chunk + 4);
    }
  }
}

/** How often each object is referred to, by address. */
type Counts = Map<number, number>;

const add = (counts: Counts, address: number, by = 1) => counts.set(address, (counts.get(address) ?? 0) + by);

/**
 * Checks everything. The caller has stopped the world, so that all threads stand between operations: then a count greater
 * than the references found is a violation too, a leak. `held`: addresses counted from outside the heap (kept handles,
 * queues, locks), each as often as it is counted.
 */
export function verifyHeap(kernel: Kernel, held: Iterable<number>, exact = true): Verification {
  const reader = new Reader(kernel);
  const objects = new Map<number, number>();
  const pages = checkPages(reader, objects);
  checkFrames(reader);
  const counts: Counts = new Map();
  let bytes = 0;
  for (const [address, size] of objects) {
    bytes += size;
    countReferences(reader, address, objects, counts);
  }
  const lists = checkThreads(reader, objects, counts);
  countTypes(reader, counts);
  for (const address of held) add(counts, address >>> 0);
  for (const address of objects.keys()) checkCount(reader, address, counts.get(address) ?? 0, lists, exact);
  checkIntern(reader, objects);
  return { objects: objects.size, pages, bytes, violations: reader.violations };
}

/** Pages and their blocks; fills `objects` with address -> block size. Returns the number of pages in use. */
function checkPages(reader: Reader, objects: Map<number, number>): number {
  let used = 0;
  for (let page = 1; page < reader.pages; page++) {
    const descriptor = reader.descriptor(page);
    const state = reader.word(descriptor + L.PD_STATE);
    if (state === L.PAGE_FREE) continue;
    used++;
    const map = reader.kernel.control(L.CB_ARENA_MAP) + (page >>> 5) * 4;
    if (!((reader.word(map) >>> (page & 31)) & 1))
      reader.violation("arena-map", `page ${page} is in use but free in its arena's map`);
    if (state === L.PAGE_SMALL) checkSmallPage(reader, page, objects);
    else if (state === L.PAGE_RUN) checkRun(reader, page, objects);
    else if (state !== L.PAGE_RUN_TAIL) reader.violation("page-state", `page ${page} has state ${state}`);
  }
  return used;
}

function checkSmallPage(reader: Reader, page: number, objects: Map<number, number>): void {
  const descriptor = reader.descriptor(page);
  const field = (offset: number) => reader.word(descriptor + offset);
  const size = field(L.PD_BLOCK_SIZE);
  const [capacity, carved, usedCount] = [field(L.PD_CAPACITY), field(L.PD_CARVED), field(L.PD_USED)];
  const base = page * L.PAGE_SIZE;
  if (size < 16 || capacity !== Math.floor(L.PAGE_SIZE / size) || carved > capacity) {
    reader.violation("page-shape", `page ${page}: block size ${size}, capacity ${capacity}, carved ${carved}`);
    return;
  }
  const free = checkFreeList(reader, page, field(L.PD_FREE), "free-list");
  const remote = checkFreeList(reader, page, field(L.PD_THREAD_FREE), "thread-free-list");
  if (usedCount + free !== carved) {
    reader.violation("page-equation", `page ${page}: used ${usedCount} + free ${free} != carved ${carved}`);
  }
  let live = 0;
  for (let n = 0; n < carved; n++) {
    const address = base + n * size;
    const header = reader.at(address, L.OBJECT_TYPE);
    if (header === 0) continue;
    live++;
    const type = header & L.TYPE_MASK;
    if (!isType(reader, type)) reader.violation("type", `object ${hex(address)} has type ${type}`);
    else objects.set(address, size);
  }
  if (live + free + remote !== carved) {
    reader.violation(
      "blocks",
      `page ${page}: ${live} live + ${free} free + ${remote} freed remotely != carved ${carved}`,
    );
  }
}

function isType(reader: Reader, type: number): boolean {
  return (type >= L.TYPE_STR && type <= L.TYPE_BIGINT) || (type >= L.TYPE_FIRST_USER && type < reader.types);
}

/** Length of a free list; each member must be a block of the page, marked free, once. */
function checkFreeList(reader: Reader, page: number, head: number, name: string): number {
  const descriptor = reader.descriptor(page);
  const size = reader.word(descriptor + L.PD_BLOCK_SIZE);
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

function checkRun(reader: Reader, page: number, objects: Map<number, number>): void {
  const descriptor = reader.descriptor(page);
  const pages = reader.word(descriptor + L.PD_RUN_PAGES);
  const address = page * L.PAGE_SIZE;
  const first = reader.kernel.walk(address);
  for (let n = 1; n < pages; n++) {
    if (reader.word(reader.descriptor(page + n) + L.PD_STATE) !== L.PAGE_RUN_TAIL)
      reader.violation("run", `page ${page + n} is not the tail of run ${page}`);
    if (reader.kernel.walk(address + n * L.PAGE_SIZE) !== first + n * L.PAGE_SIZE)
      reader.violation("run", `run ${page} is not contiguous at page ${page + n}`);
  }
  const header = reader.at(address, 0);
  if (header === 0) return; // retired
  if (!isType(reader, header & L.TYPE_MASK))
    reader.violation("type", `object ${hex(address)} has type ${header & L.TYPE_MASK}`);
  else objects.set(address, pages * L.PAGE_SIZE);
}

/** No two pages share a frame, and mapped frames are in use. */
function checkFrames(reader: Reader): void {
  const { kernel } = reader;
  const owners = new Map<number, number>();
  for (let page = 0; page < reader.pages; page++) {
    const pte = kernel.control(L.CB_PAGE_TABLE) + page * 8;
    if (!(reader.word(pte) & L.PTE_PRESENT)) continue;
    const frame = reader.word(pte + 4);
    if (page === 0) reader.violation("null-page", "page 0 is mapped");
    if (owners.has(frame))
      reader.violation("frame", `frame ${frame} is mapped at pages ${owners.get(frame)} and ${page}`);
    owners.set(frame, page);
    const map = kernel.control(L.CB_FRAME_MAP) + (frame >>> 5) * 4;
    if (!((reader.word(map) >>> (frame & 31)) & 1))
      reader.violation("frame-map", `frame ${frame} of page ${page} is free in the frame map`);
  }
}

/** Counts what an object refers to. */
function countReferences(reader: Reader, address: number, objects: Map<number, number>, counts: Counts): void {
  const physical = reader.kernel.walk(address);
  const refer = (target: number) => {
    if (target === 0) return;
    if (!objects.has(target))
      reader.violation("dangling", `object ${hex(address)} refers to ${hex(target)}, which is no object`);
    else add(counts, target);
  };
  const type = reader.word(physical) & L.TYPE_MASK;
  const entry = reader.kernel.control(L.CB_TYPES) + type * L.TYPE_ENTRY_SIZE;
  for (const half of [0, 1]) {
    let mask = reader.word(entry + L.TYPE_REF_MASK + 4 * half);
    for (let n = 0; mask !== 0; n++, mask >>>= 1) if (mask & 1) refer(reader.word(physical + 4 * (n + 32 * half)));
    mask = reader.word(entry + L.TYPE_VALUE_MASK + 4 * half);
    for (let n = 0; mask !== 0; n++, mask >>>= 1) if (mask & 1) refer(boxedRef(reader, physical + 8 * (n + 32 * half)));
  }
  if (type === L.TYPE_VALUES) {
    const from = reader.word(physical + L.VALUES_PROGRESS);
    const capacity = reader.word(physical + L.VALUES_CAPACITY);
    for (let n = from; n < capacity; n++) refer(boxedRef(reader, physical + L.VALUES_DATA + 8 * n));
  } else if (type === L.TYPE_TABLE) {
    checkTable(reader, address, physical, refer);
  } else if (type === L.TYPE_PINS) {
    const pins = reader.word(physical + L.PINS_COUNT);
    for (let n = 0; n < pins; n++) refer(reader.word(physical + L.PINS_DATA + 4 * n));
  } else if (type === L.TYPE_TASK) {
    const pins = reader.word(physical + L.TASK_PINS);
    if (pins) refer(pins); // owned, count 1
  }
}

function boxedRef(reader: Reader, slot: number): number {
  return reader.word(slot + 4) >>> 16 === L.BOX_REF ? reader.word(slot) : 0;
}

function checkTable(reader: Reader, address: number, physical: number, refer: (target: number) => void): void {
  const capacity = reader.word(physical + L.TABLE_CAPACITY);
  const from = reader.word(physical + L.TABLE_PROGRESS);
  let [live, used] = [0, 0];
  for (let n = from; n < capacity; n++) {
    const entry = physical + L.TABLE_DATA + n * L.ENTRY_SIZE;
    const high = reader.word(entry + 4) >>> 16;
    if (high === L.BOX_HOLE) continue;
    used++;
    if (high === L.BOX_TOMBSTONE) continue;
    live++;
    refer(boxedRef(reader, entry));
    refer(boxedRef(reader, entry + 8));
  }
  if (from > 0) return; // being released
  if (live !== reader.word(physical + L.TABLE_COUNT) || used !== reader.word(physical + L.TABLE_USED)) {
    reader.violation(
      "table",
      `table ${hex(address)} counts ${reader.word(physical + L.TABLE_COUNT)} live, ${reader.word(physical + L.TABLE_USED)} used; found ${live}, ${used}`,
    );
  }
}

interface ThreadLists {
  readonly limbo: Set<number>;
  readonly newborn: Set<number>;
  readonly dying: Set<number>;
}

/** The lists of all threads: newborns, borrows, limbo, destroy stack, own pins, held locks. */
function checkThreads(reader: Reader, objects: Map<number, number>, counts: Counts): ThreadLists {
  const lists: ThreadLists = { limbo: new Set(), newborn: new Set(), dying: new Set() };
  const { kernel } = reader;
  for (let slot = 1; slot < kernel.control(L.CB_SLOTS); slot++) {
    const block = kernel.threadBlock(slot);
    const known = (address: number, list: string) => {
      if (!objects.has(address)) reader.violation(list, `thread ${slot}: ${hex(address)} is no object`);
      return objects.has(address);
    };
    for (const address of reader.list(block, L.TB_NEWBORN_TOP)) lists.newborn.add(address);
    for (const address of reader.list(block, L.TB_BORROW_TOP)) known(address, "borrow-list");
    for (const address of reader.list(block, L.TB_DESTROY_TOP))
      if (known(address, "destroy-stack")) lists.dying.add(address);
    checkLimbo(reader, slot, lists.limbo, known);
    for (const field of [L.TB_OWN_PINS, L.TB_CACHE_PINS, L.TB_CACHE_OLD]) {
      const pins = reader.word(block + field);
      if (pins && known(pins, "pins")) add(counts, pins);
    }
  }
  return lists;
}

function checkLimbo(
  reader: Reader,
  slot: number,
  limbo: Set<number>,
  known: (address: number, list: string) => boolean,
): void {
  const block = reader.kernel.threadBlock(slot);
  let entries = 0;
  for (const address of reader.list(block, L.TB_LIMBO_TOP, 2, reader.word(block + L.TB_LIMBO_HEAD))) {
    entries++;
    if (!known(address, "limbo")) continue;
    if (limbo.has(address)) reader.violation("limbo", `${hex(address)} stands in limbo twice`);
    if (!(reader.at(address, L.OBJECT_COUNT) & L.COUNT_LIMBO))
      reader.violation("limbo", `${hex(address)} stands in limbo without LIMBO`);
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

function checkCount(reader: Reader, address: number, found: number, lists: ThreadLists, exact: boolean): void {
  const word = reader.at(address, L.OBJECT_COUNT);
  if (word >= L.COUNT_IMMORTAL) return;
  const count = word >>> L.COUNT_SHIFT;
  const [newborn, limbo, dying] = [L.COUNT_NEWBORN, L.COUNT_LIMBO, L.COUNT_DYING].map((bit) => (word & bit) !== 0);
  if (count < found) reader.violation("count", `object ${hex(address)} has count ${count} but ${found} references`);
  if (exact && count > found)
    reader.violation("leak", `object ${hex(address)} has count ${count} but only ${found} references`);
  if (count === 0 && Number(newborn) + Number(limbo) + Number(dying) !== 1)
    reader.violation("count-state", `object ${hex(address)} has count 0 and flags ${word & L.COUNT_FLAGS}`);
  if (newborn && !lists.newborn.has(address))
    reader.violation("newborn", `object ${hex(address)} is a newborn in no list`);
  if (limbo && !lists.limbo.has(address))
    reader.violation("limbo", `object ${hex(address)} has LIMBO but stands in no limbo list`);
  if (dying && !lists.dying.has(address))
    reader.violation("dying", `object ${hex(address)} is dying but on no destroy stack`);
}

/** Every interned string stands in its bucket, once. */
function checkIntern(reader: Reader, objects: Map<number, number>): void {
  const { kernel } = reader;
  const buckets = kernel.control(L.CB_INTERN_BUCKETS);
  const seen = new Set<number>();
  for (let bucket = 0; bucket < buckets; bucket++) {
    const head = reader.word(kernel.control(L.CB_INTERN) + 4 * bucket);
    if (head & 1) reader.violation("intern-lock", `bucket ${bucket} is locked`);
    for (let address = head & ~1; address; address = reader.at(address, L.STR_NEXT)) {
      address >>>= 0;
      if (!objects.has(address) || seen.has(address) || (reader.at(address, L.STR_HASH) & (buckets - 1)) !== bucket) {
        reader.violation("intern", `bucket ${bucket}: ${hex(address)} does not belong there`);
        break;
      }
      seen.add(address);
    }
  }
  for (const address of objects.keys()) {
    const header = reader.at(address, 0);
    if ((header & L.TYPE_MASK) === L.TYPE_STR && header & L.HEADER_INTERNED && !seen.has(address))
      reader.violation("intern", `string ${hex(address)} is interned but in no bucket`);
  }
}
