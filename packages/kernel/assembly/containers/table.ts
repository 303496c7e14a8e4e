/**
 * TABLE: one shard of a dict, open addressing with linear probing. An entry is a key value and a value; an empty entry's
 * key is BOX_HOLE, a deleted one's BOX_TOMBSTONE. COUNT <= USED <= 3/4 CAPACITY, so a probe always meets a hole.
 * A key goes from hole to key to tombstone and never to another key, so a search needs no lock. FROZEN: see dict.ts.
 *
 * Equal keys: numbers by bits (-0 is stored as 0, all NaNs are one), strings by content. Interned strings exist once, so
 * unless both are long this is a comparison of two words.
 */
import * as L from "../layout";
import { objectFree, partAllocate } from "../heap/object";
import { wideCas, wideLoad, wideStore } from "../machine/word";
import { bytesEqual } from "../heap/intern";
import { readAddress, translationDrop, writeAddress } from "../paging/translate";
import { isRef } from "./value";

export const HOLE: u64 = (<u64>L.BOX_HOLE) << 48;
export const TOMBSTONE: u64 = (<u64>L.BOX_TOMBSTONE) << 48;
/** In the place of a value: it is deleted, or stands in the next table. */
export const FROZEN: u64 = (<u64>L.BOX_FROZEN) << 48;

// @ts-ignore: decorator
@inline export function entryAt(table: usize, index: u32): usize {
  return table + L.TABLE_DATA + <usize>index * L.ENTRY_SIZE;
}

export function keyHash(key: u64): u32 {
  if (isRef(key)) return load<u32>(readAddress(<u32>key) + L.STR_HASH);
  // Fibonacci hashing of all 64 bits: the doubles of small integers differ only in their high bits.
  const mixed = (key ^ (key >>> 32)) * 0x9e3779b97f4a7c15;
  return <u32>(mixed >>> 32);
}

/** True for keys that equal others only by address or bits. */
export function keyIsPlain(key: u64): bool {
  return !isRef(key) || (load<u32>(readAddress(<u32>key)) & L.HEADER_INTERNED) != 0;
}

function stringsEqual(a: u32, b: u32): bool {
  const p = readAddress(a);
  const q = readAddress(b);
  if ((load<u32>(p) | load<u32>(q)) & L.HEADER_INTERNED) return false;
  const length = load<u32>(p + L.STR_LENGTH);
  if (length != load<u32>(q + L.STR_LENGTH) || load<u32>(p + L.STR_HASH) != load<u32>(q + L.STR_HASH)) return false;
  if ((load<u32>(p) ^ load<u32>(q)) & L.HEADER_WIDE) return false;
  return bytesEqual(p + L.STR_DATA, q + L.STR_DATA, load<u32>(p) & L.HEADER_WIDE ? length << 1 : length);
}

/** Physical address of the entry with this key, or 0. */
export function tableFind(table: usize, key: u64, hash: u32, plain: bool): usize {
  const mask = load<u32>(table + L.TABLE_CAPACITY) - 1;
  let index = (hash >>> 3) & mask;
  while (true) {
    const entry = entryAt(table, index);
    const other = wideLoad(entry);
    if (other == key) return entry;
    if (other == HOLE) return 0;
    if (!plain && isRef(other) && stringsEqual(<u32>key, <u32>other)) return entry;
    index = (index + 1) & mask;
  }
}

/**
 * The entry, to be written: its page is translated, not only the table's first one, for a table can be a run, whose pages have
 * histories of their own.
 */
// @ts-ignore: decorator
@inline export function writable(va: u32, table: usize, entry: usize): usize {
  return writeAddress(va + <u32>(entry - table));
}

/** All entries, to be written. */
function allWritable(va: u32, capacity: u32): void {
  const end = va + L.TABLE_DATA + capacity * L.ENTRY_SIZE;
  for (let page = va; page < end; page += L.PAGE_SIZE) writeAddress(page);
}

/** True if one more entry can be added without growing. */
// @ts-ignore: decorator
@inline export function tableHasRoom(table: usize): bool {
  return (load<u32>(table + L.TABLE_USED) + 1) * 4 <= load<u32>(table + L.TABLE_CAPACITY) * 3;
}

/** Adds a key that is not there; its entry. The value first, the key last: a prefix of this adds nothing. */
export function tableAdd(va: u32, table: usize, key: u64, value: u64, hash: u32): usize {
  const mask = load<u32>(table + L.TABLE_CAPACITY) - 1;
  let index = (hash >>> 3) & mask;
  while (load<u64>(entryAt(table, index)) != HOLE) index = (index + 1) & mask;
  const entry = writable(va, table, entryAt(table, index));
  wideStore(entry + 8, value);
  store<u32>(table + L.TABLE_USED, load<u32>(table + L.TABLE_USED) + 1);
  store<u32>(table + L.TABLE_COUNT, load<u32>(table + L.TABLE_COUNT) + 1);
  wideStore(entry, key);
  return entry;
}

export function tableNew(capacity: u32): u32 {
  if (capacity > 0x08000000) return L.E_MEMORY;
  const va = partAllocate(L.TYPE_TABLE, L.TABLE_DATA + capacity * L.ENTRY_SIZE);
  if (va < L.ERROR_LIMIT) return va;
  const p = writeAddress(va);
  for (let n: u32 = 0; n < capacity; n++) store<u64>(entryAt(p, n), HOLE);
  store<u32>(p + L.TABLE_CAPACITY, capacity);
  return va;
}

/** Moves the live entries into a larger (or, after many deletions, equally large) table that nobody else knows yet. */
export function tableMove(fromVa: u32, from: usize, toVa: u32, to: usize): void {
  const capacity = load<u32>(from + L.TABLE_CAPACITY);
  allWritable(fromVa, capacity);
  for (let n: u32 = 0; n < capacity; n++) {
    const entry = entryAt(from, n);
    const key = load<u64>(entry);
    if (key == HOLE || key == TOMBSTONE) continue;
    let value = wideLoad(entry + 8);
    const copy = tableAdd(toVa, to, key, value, keyHash(key));
    if (isRef(key)) translationDrop(<u32>key); // keys may stand on more pages than there is memory for
    while (true) {
      const found = wideCas(entry + 8, value, FROZEN);
      if (found == value) break;
      value = found;
      store<u64>(copy + 8, value);
    }
  }
}

/** Sets everything right after a changer died in mid-change: values that it had moved come back, the counters are counted. */
export function tableRecover(va: u32): void {
  const table = writeAddress(va);
  allWritable(va, load<u32>(table + L.TABLE_CAPACITY));
  const nextVa = load<u32>(table + L.TABLE_NEXT);
  const next = nextVa ? writeAddress(nextVa) : 0;
  const capacity = load<u32>(table + L.TABLE_CAPACITY);
  let live: u32 = 0;
  let used: u32 = 0;
  for (let n: u32 = 0; n < capacity; n++) {
    const entry = entryAt(table, n);
    const key = load<u64>(entry);
    if (key == HOLE) continue;
    used++;
    if (key == TOMBSTONE) continue;
    live++;
    if (load<u64>(entry + 8) != FROZEN) continue;
    const copy = next ? tableFind(next, key, keyHash(key), true) : 0; // the very same key value
    if (copy) {
      store<u64>(entry + 8, load<u64>(copy + 8));
    } else {
      // It was being deleted. Its value is lost, which leaks a reference at most.
      store<u64>(entry, TOMBSTONE);
      live--;
    }
  }
  store<u32>(table + L.TABLE_NEXT, 0);
  store<u32>(table + L.TABLE_COUNT, live);
  store<u32>(table + L.TABLE_USED, used);
  if (nextVa) objectFree(nextVa); // it owns nothing, and nobody else has seen it
}
