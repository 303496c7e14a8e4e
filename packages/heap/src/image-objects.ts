/**
 * Objects as an image holds them: how much of a block means anything, and where references stand in it. What saves an image and
 * what opens one read memory by this, and neither uses the kernel's code.
 */
import { createHash } from "node:crypto";
import { Layout as L } from "@ungil/kernel";

/** Words of a page. */
export const PAGE_WORDS: number = L.PAGE_SIZE >>> 2;

/** What of a header outlives the process: not who has locked the object, or waits for it. */
export const HEADER_KEPT: number = (L.TYPE_MASK | L.HEADER_INTERNED | L.HEADER_WIDE | L.HEADER_POISONED) >>> 0;

/** A struct type, as an image names it. */
export interface ImageType {
  /** Its number in the headers of this image's objects. */
  readonly id: number;
  readonly name: string;
  readonly url: string;
  readonly schema: string;
  readonly hash: readonly [number, number];
  readonly size: number;
  readonly refMask: readonly [number, number];
}

/** Where the references of a type's objects stand, as numbers of words. */
export interface Shape {
  readonly size: number;
  readonly references: readonly number[];
}

export function shapeOf(size: number, [low, high]: readonly [number, number]): Shape {
  const isSet = (n: number) => (((n < 32 ? low : high) >>> (n & 31)) & 1) === 1;
  return { size, references: Array.from({ length: 64 }, (_, n) => n).filter(isSet) };
}

const listShape: Shape = { size: L.LIST_SIZE, references: [L.LIST_ITEMS >>> 2] };
const dictShape: Shape = {
  size: L.DICT_SIZE,
  references: Array.from({ length: L.DICT_SHARDS }, (_, n) => (L.DICT_TABLES >>> 2) + n),
};

const cellShape: Shape = {
  size: L.WEAK_SIZE,
  references: [L.WEAK_COROUTINE, L.WEAK_ARGS, L.WEAK_OBJECT].map((offset) => offset >>> 2),
};

/** Of the machine's own types that can be saved, but for those whose size is not fixed. */
export const builtinShapes: ReadonlyMap<number, Shape> = new Map([
  [L.TYPE_LIST, listShape],
  [L.TYPE_ARRAY, listShape],
  [L.TYPE_RECORD, listShape],
  [L.TYPE_BIGINT, listShape],
  [L.TYPE_DICT, dictShape],
  [L.TYPE_WEAK, cellShape],
  [L.TYPE_FINALIZER, cellShape],
]);

/** Bytes of an object that mean something; 0 if no object of its type can be saved. `at`: its first word. */
export function bytesOf(words: Uint32Array, at: number, shapes: ReadonlyMap<number, Shape>): number {
  const header = words[at] as number;
  switch (header & L.TYPE_MASK) {
    case L.TYPE_STR:
      return L.STR_DATA + (words[at + (L.STR_LENGTH >>> 2)] as number) * (header & L.HEADER_WIDE ? 2 : 1);
    case L.TYPE_VALUES:
      return L.VALUES_DATA + 8 * (words[at + (L.VALUES_CAPACITY >>> 2)] as number);
    case L.TYPE_TABLE:
      return L.TABLE_DATA + L.ENTRY_SIZE * (words[at + (L.TABLE_CAPACITY >>> 2)] as number);
    default:
      return shapes.get(header & L.TYPE_MASK)?.size ?? 0;
  }
}

export const isCell = (type: number): boolean => type === L.TYPE_WEAK || type === L.TYPE_FINALIZER;

/** Where the values of a growing array begin, in bytes; 0 if that is not what the type is. */
export function valuesStart(type: number): number {
  return type === L.TYPE_VALUES ? L.VALUES_DATA : type === L.TYPE_TABLE ? L.TABLE_DATA : 0;
}

/** Visits what the values in words `from`..`to` refer to. Each has 8 bytes: a table's entries are two. */
export function eachValue(words: Uint32Array, from: number, to: number, visit: (target: number) => void): void {
  for (let n = from; n < to; n += 2) if ((words[n + 1] as number) >>> 16 === L.BOX_REF) visit(words[n] as number);
}

/** Changes with whatever an image takes for granted of how objects are laid out. */
export const layoutHash: string = createHash("sha256")
  .update(
    JSON.stringify([
      [L.PAGE_SIZE, L.SMALL_MAX, L.SMALL_CLASSES, L.ARENA_PAGES, L.PAGE_SMALL, L.PAGE_RUN, L.PAGE_RUN_TAIL],
      [L.OBJECT_TYPE, L.OBJECT_COUNT, L.OBJECT_BODY, L.TYPE_MASK, L.TYPE_FIRST_USER, HEADER_KEPT, L.HEADER_WIDE],
      [L.TYPE_STR, L.TYPE_LIST, L.TYPE_DICT, L.TYPE_VALUES, L.TYPE_TABLE, L.TYPE_ARRAY, L.TYPE_RECORD, L.TYPE_BIGINT],
      [L.STR_LENGTH, L.STR_HASH, L.STR_DATA, L.INTERN_MAX, L.HEADER_INTERNED, L.HEADER_POISONED],
      [L.VALUES_CAPACITY, L.VALUES_DATA, L.LIST_LENGTH, L.LIST_ITEMS, L.LIST_SIZE],
      [L.DICT_SHARDS, L.DICT_TABLES, L.DICT_SIZE, L.ENTRY_SIZE],
      [L.TABLE_CAPACITY, L.TABLE_COUNT, L.TABLE_USED, L.TABLE_DATA],
      [L.TYPE_WEAK, L.TYPE_FINALIZER, L.WEAK_TARGET, L.WEAK_STATE, L.WEAK_COROUTINE, L.WEAK_ARGS, L.WEAK_SIZE],
      [L.BOX_UNDEFINED, L.BOX_NULL, L.BOX_BOOL, L.BOX_REF, L.BOX_HOLE, L.BOX_TOMBSTONE, L.BOX_FROZEN],
    ]),
  )
  .digest("hex")
  .slice(0, 16);

/** The header of an image's manifest. */
export interface ImageHeader {
  readonly layout: string;
  readonly time: number;
  /** Size of the heap that it was saved from. */
  readonly memory: number;
  readonly gil: boolean;
  readonly objects: number;
  readonly types: readonly ImageType[];
  readonly roots: Readonly<Record<string, number>>;
}
