/**
 * Looking for a key of a dict that is a long string without making that string: by its hash and its length, which JavaScript
 * has worked out. Takes no lock, as every search in a table.
 */
import * as L from "../layout";
import { borrow } from "../heap/handle";
import { enter } from "../heap/safepoint";
import { tb } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { wideLoad, wordLoad } from "../machine/word";
import { readAddress } from "../paging/translate";
import { entryAt, HOLE } from "./table";
import { isRef } from "./value";

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
