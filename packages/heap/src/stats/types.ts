/** Objects by type: reads the header of every block, also of those that are in the swap file. O(heap). */
import { Layout as L } from "@ungil/kernel";
import type { Reader } from "../verify-reader.js";
import type { TypeStats } from "./shape.js";

/** Names of the types that are not structs; what a container grows into is a type of its own. */
const INTERNAL: ReadonlyMap<number, string> = new Map([
  [L.TYPE_STR, "string"],
  [L.TYPE_LIST, "List"],
  [L.TYPE_DICT, "Dict"],
  [L.TYPE_VALUES, "items of a List"],
  [L.TYPE_TABLE, "table of a Dict"],
  [L.TYPE_TASK, "Task"],
  [L.TYPE_PINS, "pins of a thread or a task"],
  [L.TYPE_ARRAY, "array"],
  [L.TYPE_RECORD, "record"],
  [L.TYPE_BIGINT, "bigint"],
]);

export function typeStats(reader: Reader): TypeStats[] {
  const found = new Map<number, { objects: number; bytes: number }>();
  for (const [type, bytes] of blocks(reader)) {
    let all = found.get(type);
    if (!all) found.set(type, (all = { objects: 0, bytes: 0 }));
    all.objects++;
    all.bytes += bytes;
  }
  return [...found]
    .map(([type, { objects, bytes }]) => ({ name: nameOf(reader, type), objects, bytes }))
    .sort((a, b) => b.bytes - a.bytes || b.objects - a.objects || (a.name < b.name ? -1 : 1));
}

/** Type and size of every block in use. Blocks that were never handed out may hold anything: they are left out. */
function* blocks(reader: Reader): Generator<[type: number, bytes: number]> {
  const fresh = freshBlocks(reader);
  for (let page = 1; page < reader.pages; page++) {
    const descriptor = reader.descriptor(page);
    const state = reader.word(descriptor + L.PD_STATE);
    if (state !== L.PAGE_SMALL && state !== L.PAGE_RUN) continue;
    const size = reader.word(descriptor + L.PD_BLOCK_SIZE);
    const base = page * L.PAGE_SIZE;
    const carved = state === L.PAGE_RUN ? 1 : reader.word(descriptor + L.PD_CARVED);
    const end = fresh.get(page) ?? base + carved * size;
    const physical = size >= 16 ? reader.walk(base) : 0;
    if (!physical) continue;
    for (let at = base; at < end; at += size) {
      const type = reader.word(physical + at - base) & L.TYPE_MASK;
      if (type !== 0) yield [type, size];
    }
  }
}

/** Where the blocks of open pages begin that are still to be handed out. */
function freshBlocks(reader: Reader): Map<number, number> {
  const fresh = new Map<number, number>();
  for (const [, block] of reader.threads()) {
    for (let size = 0; size < L.SMALL_CLASSES; size++) {
      const bump = block + L.TB_BUMP + 8 * size;
      const [next, end] = [reader.word(bump), reader.word(bump + 4)];
      if (next !== end) fresh.set(((end - 1) >>> 0) >>> L.PAGE_SHIFT, next);
    }
  }
  return fresh;
}

function nameOf(reader: Reader, type: number): string {
  const internal = INTERNAL.get(type);
  if (internal !== undefined) return internal;
  if (!reader.isType(type)) return `type ${type}`;
  const name = reader.word(reader.kernel.control(L.CB_TYPES) + type * L.TYPE_ENTRY_SIZE + L.TYPE_NAME);
  return (name && textOf(reader, name)) || `type ${type}`;
}

/** A text in memory, which names of types are: they are short, so none crosses the end of a page. */
function textOf(reader: Reader, address: number): string {
  const physical = reader.walk(address);
  if (!physical) return "";
  const wide = (reader.word(physical) & L.HEADER_WIDE) !== 0;
  const length = Math.min(reader.word(physical + L.STR_LENGTH), L.SMALL_MAX / (wide ? 2 : 1));
  const bytes = reader.bytes(physical + L.STR_DATA, length * (wide ? 2 : 1)).slice();
  return Buffer.from(bytes).toString(wide ? "utf16le" : "latin1");
}
