/** The verifier's second half: objects, what they refer to, their counts, and the intern table. */
import { Layout as L } from "@ungil/kernel";
import { add, type Counts, hex, type Objects, type Reader } from "./verify-reader.js";

/** Objects that stand in lists of threads. */
export interface ThreadLists {
  readonly limbo: Set<number>;
  readonly newborn: Set<number>;
  readonly dying: Set<number>;
}

/** Counts what an object refers to. */
export function countReferences(reader: Reader, address: number, objects: Objects, counts: Counts): void {
  const physical = reader.walk(address);
  const refer = (target: number) => {
    if (target === 0) return;
    if (!objects.has(target))
      reader.violation("dangling", `object ${hex(address)} refers to ${hex(target)}, which is no object`);
    else add(counts, target);
  };
  // A thread that was killed while it destroyed an object has lost it, half released.
  if (!reader.exact && reader.word(physical + L.OBJECT_COUNT) & L.COUNT_DYING) return;
  const header = reader.word(physical);
  const type = header & L.TYPE_MASK;
  if (!hasShape(reader, physical, header, objects.get(address) as number)) {
    reader.violation("object-shape", `object ${hex(address)} of type ${type} does not fit its block, or itself`);
    return;
  }
  if (isLocked(reader, physical, header)) reader.violation("lock", `container ${hex(address)} is locked`);
  const entry = reader.kernel.control(L.CB_TYPES) + type * L.TYPE_ENTRY_SIZE;
  for (const half of [0, 1]) {
    let mask = reader.word(entry + L.TYPE_REF_MASK + 4 * half);
    for (let n = 0; mask !== 0; n++, mask >>>= 1) if (mask & 1) refer(reader.word(physical + 4 * (n + 32 * half)));
    mask = reader.word(entry + L.TYPE_VALUE_MASK + 4 * half);
    for (let n = 0; mask !== 0; n++, mask >>>= 1) if (mask & 1) refer(boxedRef(reader, physical + 8 * (n + 32 * half)));
  }
  if (type === L.TYPE_VALUES) {
    const capacity = reader.word(physical + L.VALUES_CAPACITY);
    for (let n = reader.word(physical + L.VALUES_PROGRESS); n < capacity; n++)
      refer(boxedRef(reader, physical + L.VALUES_DATA + 8 * n));
  } else if (type === L.TYPE_TABLE) {
    checkTable(reader, address, physical, refer);
  } else if (type === L.TYPE_DICT) {
    checkShards(reader, address, physical);
  } else if (type === L.TYPE_PINS) {
    const pins = reader.word(physical + L.PINS_COUNT);
    for (let n = 0; n < pins; n++) refer(reader.word(physical + L.PINS_DATA + 4 * n));
  } else if (type === L.TYPE_TASK) {
    const pins = reader.word(physical + L.TASK_PINS);
    if (pins) refer(pins); // owned, count 1
  }
}

/** True if an object's counts of its own parts agree with each other and with its block of `size` bytes. */
function hasShape(reader: Reader, physical: number, header: number, size: number): boolean {
  const field = (offset: number) => reader.word(physical + offset);
  switch (header & L.TYPE_MASK) {
    case L.TYPE_STR:
      return L.STR_DATA + field(L.STR_LENGTH) * (header & L.HEADER_WIDE ? 2 : 1) <= size;
    case L.TYPE_VALUES: {
      const capacity = field(L.VALUES_CAPACITY);
      return L.VALUES_DATA + 8 * capacity <= size && field(L.VALUES_PROGRESS) <= capacity;
    }
    case L.TYPE_TABLE: {
      const capacity = field(L.TABLE_CAPACITY);
      const fits = L.TABLE_DATA + L.ENTRY_SIZE * capacity <= size && field(L.TABLE_PROGRESS) <= capacity;
      return fits && (capacity & (capacity - 1)) === 0 && field(L.TABLE_USED) * 4 <= capacity * 3;
    }
    case L.TYPE_PINS:
      return L.PINS_DATA + 4 * field(L.PINS_CAPACITY) <= size && field(L.PINS_COUNT) <= field(L.PINS_CAPACITY);
    case L.TYPE_LIST:
    case L.TYPE_ARRAY:
    case L.TYPE_RECORD:
    case L.TYPE_BIGINT: {
      const [length, items] = [field(L.LIST_LENGTH), field(L.LIST_ITEMS)];
      const dying = (field(L.OBJECT_COUNT) & L.COUNT_DYING) !== 0; // its items may have gone already
      return dying || length <= (items ? reader.at(items, L.VALUES_CAPACITY) : 0);
    }
    default:
      return true;
  }
}

/** Between operations no container is locked. */
function isLocked(reader: Reader, physical: number, header: number): boolean {
  const type = header & L.TYPE_MASK;
  if (type === L.TYPE_DICT) return reader.word(physical + L.DICT_LOCKS) !== 0;
  return type !== L.TYPE_STR && (header & L.HEADER_SPIN) !== 0;
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
    if (from === 0 && reader.word(entry + 12) >>> 16 === L.BOX_FROZEN)
      reader.violation(
        "frozen",
        `table ${hex(address)}: the value of entry ${n} is frozen, but no change is under way`,
      );
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

/** A key stands in the shard that its hash names. Strings only: the hash of a number is nowhere to be read. */
function checkShards(reader: Reader, address: number, physical: number): void {
  for (let shard = 0; shard < L.DICT_SHARDS; shard++) {
    const table = reader.walk(reader.word(physical + L.DICT_TABLES + 4 * shard));
    if (!table || (reader.word(table) & L.TYPE_MASK) !== L.TYPE_TABLE) continue; // none, or dangling
    const capacity = reader.word(table + L.TABLE_CAPACITY);
    for (let n = reader.word(table + L.TABLE_PROGRESS); n < capacity; n++) {
      const key = boxedRef(reader, table + L.TABLE_DATA + n * L.ENTRY_SIZE);
      if (key && (reader.at(key, L.STR_HASH) & (L.DICT_SHARDS - 1)) !== shard)
        reader.violation("shard", `dict ${hex(address)}: key ${hex(key)} does not belong in shard ${shard}`);
    }
  }
}

export function checkCount(reader: Reader, address: number, found: number, lists: ThreadLists): void {
  const word = reader.at(address, L.OBJECT_COUNT);
  if (word >= L.COUNT_IMMORTAL) return;
  const count = word >>> L.COUNT_SHIFT;
  const [newborn, limbo, dying] = [L.COUNT_NEWBORN, L.COUNT_LIMBO, L.COUNT_DYING].map((bit) => (word & bit) !== 0);
  if (count < found)
    reader.violation(
      "count",
      `object ${hex(address)} of type ${reader.at(address, 0) & L.TYPE_MASK} has count ${count} but ${found} references`,
    );
  if (reader.exact && count > found)
    reader.violation(
      "leak",
      `object ${hex(address)} of type ${reader.at(address, 0) & L.TYPE_MASK} has count ${count} but only ${found} references`,
    );
  const right = count === 0 ? Number(newborn) + Number(limbo) + Number(dying) === 1 : !newborn && !dying;
  if (!right)
    reader.violation("count-state", `object ${hex(address)} has count ${count} and flags ${word & L.COUNT_FLAGS}`);
  if (newborn && !lists.newborn.has(address))
    reader.violation("newborn", `object ${hex(address)} is a newborn in no list`);
  if (reader.exact && limbo && !lists.limbo.has(address))
    reader.violation("limbo", `object ${hex(address)} has LIMBO but stands in no limbo list`);
  if (reader.exact && dying && !lists.dying.has(address))
    reader.violation("dying", `object ${hex(address)} is dying but on no destroy stack`);
}

/** Every interned string stands in its bucket, once, no other one there has its content, and the bucket's filter lets it through. */
export function checkIntern(reader: Reader, objects: Objects): void {
  const { kernel } = reader;
  const buckets = kernel.control(L.CB_INTERN_BUCKETS);
  const seen = new Set<number>();
  for (let bucket = 0; bucket < buckets; bucket++) {
    const head = reader.word(kernel.control(L.CB_INTERN) + 4 * bucket);
    if (head & 1) reader.violation("intern-lock", `bucket ${bucket} is locked`);
    const filter = reader.word(kernel.control(L.CB_INTERN_FILTERS) + 4 * bucket);
    const contents = new Set<string>();
    for (let address = (head & ~1) >>> 0; address; address = reader.at(address, L.STR_NEXT)) {
      if (!objects.has(address) || seen.has(address) || (reader.at(address, L.STR_HASH) & (buckets - 1)) !== bucket) {
        reader.violation("intern", `bucket ${bucket}: ${hex(address)} does not belong there`);
        break;
      }
      seen.add(address);
      if (!((filter >>> (reader.at(address, L.STR_HASH) >>> 27)) & 1))
        reader.violation("intern-filter", `bucket ${bucket}: its filter hides ${hex(address)}`);
      if (reader.at(address, L.OBJECT_COUNT) & L.COUNT_DYING) continue; // a new one may have its content
      const content = contentOf(reader, address, objects.get(address) as number);
      if (contents.has(content)) reader.violation("intern", `bucket ${bucket}: ${hex(address)} exists twice`);
      contents.add(content);
    }
  }
  for (const address of objects.keys()) {
    const header = reader.at(address, 0);
    if ((header & L.TYPE_MASK) === L.TYPE_STR && header & L.HEADER_INTERNED && !seen.has(address))
      reader.violation("intern", `string ${hex(address)} is interned but in no bucket`);
  }
}

function contentOf(reader: Reader, address: number, size: number): string {
  const physical = reader.walk(address);
  const wide = (reader.word(physical) & L.HEADER_WIDE) !== 0;
  const bytes = Math.min(reader.word(physical + L.STR_LENGTH) * (wide ? 2 : 1), size);
  return `${wide}${String.fromCharCode(...reader.bytes(physical + L.STR_DATA, bytes))}`;
}
