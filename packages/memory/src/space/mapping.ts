/** Mapping regions: what may be asked for, where it goes, and what users see of it. */
import { type ByteStore, checkStore } from "../backing/index.js";
import { VirtualMemoryError } from "../errors.js";
import { checkBytes, checkNames, checkType, FilePages, type MemoryObject, whole } from "../pager/index.js";
import type { Advice, Area, Protection, RegionKind } from "./areas.js";
import { countPages } from "./change.js";
import { mapRun } from "./fork.js";
import { type Extent, hex, pagesOf, type SpaceState } from "./space-state.js";

export interface MapOptions {
  /** Bytes, or a text such as "64KiB"; rounded up to whole pages. Of a file or a shared region: to its end, unless told. */
  length?: number | string;
  /** Where; a multiple of the page size. The lowest free place above 64 KiB, unless told. */
  at?: number;
  /** With `at`: what is mapped there is unmapped, even if there is no room for a `huge` region then. Without it that is an error. */
  replace?: boolean;
  /** "rw" unless told. */
  protection?: Protection;
  /** What errors and dumps call it: as the file or the shared region, unless told. */
  name?: string;
  /** Maps a file: its path, or something that behaves like one. It may become longer or shorter meanwhile. */
  file?: string | ByteStore;
  /** Maps what another region maps, of this space or another one over the same memory. It must be shared, or a file's. */
  share?: Region;
  /** Where in the file, or the shared region, it begins; a multiple of the page size. */
  offset?: number;
  /**
   * Writes go to the file, and are seen by others that map it. Anonymous memory can then be mapped a second time, and is
   * not copied by `fork`. False, unless told or `share` is given: then writes are this region's own.
   */
  shared?: boolean;
  /** Pages before and behind that allow no access. */
  guard?: number;
  /** All frames at once, next to each other and pinned, so that one view shows all. Private anonymous memory only. */
  huge?: boolean;
}

/** A region as it was when it was mapped or listed. */
export interface Region extends Extent {
  readonly name: string;
  readonly kind: RegionKind;
  /** The first address beyond it. */
  readonly limit: number;
  readonly protection: Protection;
  readonly shared: boolean;
  readonly locked: boolean;
  readonly huge: boolean;
  readonly advice: Advice;
  /** Bytes of guard pages on either side, which `unmap` of this region unmaps too. */
  readonly guard: number;
  /** Where it begins in its file, or shared memory. */
  readonly offset: number;
  /** Pages in memory, in the swap file (of shared memory: whoever has put them there), and written to. */
  readonly resident: number;
  readonly swapped: number;
  readonly dirty: number;
}

const KNOWN = ["length", "at", "replace", "protection", "name", "file", "share", "offset", "shared", "guard", "huge"];

/** What a region maps: for `share`. */
const origins = new WeakMap<Region, { object: MemoryObject | undefined; space: SpaceState }>();

export function describe(space: SpaceState, area: Area, guard = 0): Region {
  const { pageSize } = space.memory;
  const { name, kind, protection, shared, locked, huge, advice } = area;
  const base = area.first * pageSize;
  const limit = area.end * pageSize;
  const offset = area.offset * pageSize;
  const counts = countPages(space, area);
  const region = {
    name,
    kind,
    base,
    length: limit - base,
    limit,
    protection,
    shared,
    locked,
    huge,
    advice,
    guard,
    offset,
  };
  const described = Object.freeze({ ...region, ...counts });
  origins.set(described, { object: area.object, space });
  return described;
}

export function checkProtection(protection: unknown): asserts protection is Protection {
  if (!["none", "r", "rw"].includes(protection as string))
    throw new VirtualMemoryError(`protection is ${String(protection)}: it must be "none", "r" or "rw"`);
}

/** `unmap` takes what is in the way out of it. */
export function mapRegion(space: SpaceState, options: MapOptions, unmap: (extent: Extent) => void): Region {
  checkNames("map", options, KNOWN);
  const { protection = "rw", replace = false, huge = false, guard = 0, file, share } = options;
  const { pageSize } = space.memory;
  checkProtection(protection);
  for (const [name, value] of Object.entries({ replace, huge, shared: options.shared ?? false }))
    checkType(name, value, "boolean");
  checkType("name", options.name ?? "", "string");
  if (file !== undefined && typeof file !== "string") checkStore(file, "file");
  whole("guard", guard, 0, 2 ** 16);
  if (file !== undefined && share !== undefined)
    throw new VirtualMemoryError("a region maps a file or shares a region, not both");
  const offset = offsetOf(options.offset ?? 0, pageSize);
  const shared = options.shared ?? share?.shared ?? false;
  if (huge && (shared || file !== undefined)) throw new VirtualMemoryError("only private anonymous memory can be huge");
  const object =
    file !== undefined ? space.memory.file(file, shared && protection === "rw") : share && sharedObject(space, share);
  // Until the region is there: what it replaces may be the last one over the same object.
  if (object !== undefined) object.users++;
  try {
    const start = offset + (share?.offset ?? 0) / pageSize;
    const pages = lengthOf(options, pageSize, object, start);
    const first = placeOf(space, options.at, pages, guard);
    if (replace) unmap({ base: (first - guard) * pageSize, length: (pages + 2 * guard) * pageSize });
    else checkFree(space, first - guard, first + pages + guard);
    const kind: RegionKind = object instanceof FilePages ? "file" : shared ? "shared" : "anonymous";
    const name = options.name ?? share?.name ?? (typeof file === "string" ? file : kind);
    const area: Area = {
      ...{ first, end: first + pages, name, kind, protection, shared, object, offset: object ? start : 0, huge },
      ...{ locked: false, advice: "normal", next: 0, window: 0 },
    };
    if (huge) mapRun(space, area);
    else if (shared && object === undefined) area.object = space.memory.sharedMemory(name, space.account);
    space.areas.insert(area);
    const border = {
      ...area,
      name: `guard of ${name}`,
      kind: "guard",
      protection: "none",
      huge: false,
      object: undefined,
    } as const;
    if (guard > 0) {
      space.areas.insert({ ...border, first: first - guard, end: first, offset: 0 });
      space.areas.insert({ ...border, first: area.end, end: area.end + guard, offset: 0 });
    }
    return describe(space, area, guard * pageSize);
  } finally {
    // A file that was opened for nothing is closed again.
    if (object !== undefined) space.memory.abandon(object);
  }
}

function sharedObject(space: SpaceState, share: Region): MemoryObject {
  const origin = origins.get(share);
  if (origin === undefined) throw new VirtualMemoryError("share is no region: give what map or regions returned");
  if (origin.space.memory !== space.memory)
    throw new VirtualMemoryError("share is a region over another physical memory");
  if (origin.object === undefined)
    throw new VirtualMemoryError(
      `the region ${share.name} is private: map it with shared: true, then it can be mapped again`,
    );
  if (origin.object.users === 0) throw new VirtualMemoryError(`the region ${share.name} has been unmapped everywhere`);
  return origin.object;
}

function offsetOf(offset: number, pageSize: number): number {
  if (typeof offset !== "number" || !Number.isInteger(offset / pageSize) || offset < 0)
    throw new VirtualMemoryError(`offset is ${String(offset)}: it must be a multiple of the page size ${pageSize}`);
  return offset / pageSize;
}

function lengthOf(
  { length, share, file }: MapOptions,
  pageSize: number,
  object: MemoryObject | undefined,
  start: number,
): number {
  if (length === undefined && share === undefined && file === undefined)
    throw new VirtualMemoryError("map needs a length");
  const end = object instanceof FilePages ? object.size : (share?.length ?? 0) + (share?.offset ?? 0);
  const bytes = length === undefined ? end - start * pageSize : checkBytes("length", length);
  if (bytes <= 0) {
    const what =
      length === undefined
        ? `nothing of ${object?.name} is left from offset ${start * pageSize} on`
        : `length is ${length}`;
    throw new VirtualMemoryError(`${what}: give a length above 0`);
  }
  return Math.ceil(bytes / pageSize);
}

function placeOf(space: SpaceState, at: number | undefined, pages: number, guard: number): number {
  const { pageSize } = space.memory;
  if (at === undefined) {
    const first = space.areas.place(pages + 2 * guard);
    if (first < 0)
      throw new VirtualMemoryError(`no ${pages * pageSize} bytes of addresses are free next to each other`);
    return first + guard;
  }
  const { first } = pagesOf(space, { base: at, length: pages * pageSize });
  if (first - guard < 1) throw new VirtualMemoryError(`at is ${hex(at)}: page 0 is never mapped`);
  if (first + pages + guard > 2 ** 32 / pageSize)
    throw new VirtualMemoryError(`at is ${hex(at)}: its guard is not within 4 GiB`);
  return first;
}

function checkFree(space: SpaceState, first: number, end: number): void {
  const [taken] = space.areas.overlapping(first, end);
  if (taken === undefined) return;
  const { pageSize } = space.memory;
  throw new VirtualMemoryError(
    `the region ${taken.name} (${hex(taken.first * pageSize)}-${hex(taken.end * pageSize)}) is in the way: leave out at, or say replace: true`,
  );
}
