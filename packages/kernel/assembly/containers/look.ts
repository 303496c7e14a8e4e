/**
 * Looking into a dict without making anything: for a key that is a string, by its hash and length or by its text, and at
 * its entries one by one. Takes no lock, as every search in a table.
 */
import * as L from "../layout";
import { borrow } from "../heap/handle";
import { enter } from "../heap/safepoint";
import { tb } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { wideLoad, wordLoad } from "../machine/word";
import { readAddress } from "../paging/translate";
import { bytesEqual, stringHash } from "../heap/intern";
import { entryAt, HOLE, TOMBSTONE } from "./table";
import { isRef, valueOut } from "./value";

/** A key of the dict with this hash, length and width that is not interned, borrowed: 0 if there is none, or an error code. */
export function dictFindLong(va: u32, hash: u32, length: u32, wide: u32): u32 {
  enter();
  stackProbe();
  const dict = readAddress(va);
  if (!dict) return load<u32>(tb + L.TB_FAULT_CODE);
  const tableVa = wordLoad(dict + L.DICT_TABLES + (<usize>(hash & (L.DICT_SHARDS - 1)) << 2));
  if (!tableVa) return 0;
  const key = find(readAddress(tableVa), hash, length, wide ? L.HEADER_WIDE : 0);
  return !key || borrow(key) ? key : L.E_MEMORY;
}

function find(table: usize, hash: u32, length: u32, wide: u32): u32 {
  const mask = load<u32>(table + L.TABLE_CAPACITY) - 1;
  let index = (hash >>> 3) & mask;
  while (true) {
    const key = wideLoad(entryAt(table, index));
    if (key == HOLE) return 0;
    if (isRef(key)) {
      const p = readAddress(<u32>key);
      const header = load<u32>(p) & (L.HEADER_INTERNED | L.HEADER_WIDE);
      if (header == wide && load<u32>(p + L.STR_HASH) == hash && load<u32>(p + L.STR_LENGTH) == length) return <u32>key;
    }
    index = (index + 1) & mask;
  }
}

/** Number of keys; a sum over shards, each as it was when it was looked at. */
export function dictSize(va: u32): i32 {
  enter();
  const p = readAddress(va);
  if (!p) return -1;
  let size: u32 = 0;
  for (let n: u32 = 0; n < L.DICT_SHARDS; n++) {
    const t = wordLoad(p + L.DICT_TABLES + (<usize>n << 2));
    if (t) size += wordLoad(readAddress(t) + L.TABLE_COUNT);
  }
  return <i32>size;
}

/** The key of the dict with the units in scratch, borrowed: 0 if there is none, or an error code. For a view, which has no intern table. */
export function dictFindText(va: u32, length: u32, wide: u32): u32 {
  stackProbe();
  const dict = readAddress(va);
  if (!dict) return load<u32>(tb + L.TB_FAULT_CODE);
  const hash = stringHash(tb + L.TB_SCRATCH, length, wide != 0);
  const tableVa = wordLoad(dict + L.DICT_TABLES + (<usize>(hash & (L.DICT_SHARDS - 1)) << 2));
  if (!tableVa) return 0;
  const table = readAddress(tableVa);
  if (!table) return load<u32>(tb + L.TB_FAULT_CODE);
  const mask = load<u32>(table + L.TABLE_CAPACITY) - 1;
  let index = (hash >>> 3) & mask;
  while (true) {
    const key = wideLoad(entryAt(table, index));
    if (key == HOLE) return 0;
    if (isRef(key) && isText(<u32>key, hash, length, wide)) return borrow(<u32>key) ? <u32>key : L.E_MEMORY;
    index = (index + 1) & mask;
  }
}

function isText(va: u32, hash: u32, length: u32, wide: u32): bool {
  const p = readAddress(va);
  if (!p || load<u32>(p + L.STR_HASH) != hash || load<u32>(p + L.STR_LENGTH) != length) return false;
  if (((load<u32>(p) & L.HEADER_WIDE) != 0) != (wide != 0)) return false;
  return bytesEqual(p + L.STR_DATA, tb + L.TB_SCRATCH, wide ? length << 1 : length);
}

/** Physical address of entry `n` of a shard, 0 beyond the end. */
function entryOf(va: u32, shard: u32, n: u32): usize {
  const dict = readAddress(va);
  const tableVa = dict ? wordLoad(dict + L.DICT_TABLES + (<usize>shard << 2)) : 0;
  const table = tableVa ? readAddress(tableVa) : 0;
  return table && n < load<u32>(table + L.TABLE_CAPACITY) ? entryAt(table, n) : 0;
}

/** The tag of the key of entry `n` of a shard: TAG_UNDEFINED if it is empty, TAG_ABSENT beyond the end. */
export function dictEntryKey(va: u32, shard: u32, n: u32): i32 {
  const entry = entryOf(va, shard, n);
  if (!entry) return L.TAG_ABSENT;
  const key = wideLoad(entry);
  return key == HOLE || key == TOMBSTONE ? L.TAG_UNDEFINED : valueOut(key);
}

export function dictEntryValue(va: u32, shard: u32, n: u32): i32 {
  const entry = entryOf(va, shard, n);
  return entry ? valueOut(wideLoad(entry + 8)) : L.TAG_ABSENT;
}
