/** Objects in shared memory. Internal: import `ungil` instead. */
import { Dict } from "./dict.js";
import { List } from "./list.js";
import { setContainers } from "./schema.js";

setContainers(List, Dict);

export { atCut, breakCycles, type Cut, findGarbage, settle } from "./collect/collector.js";
export type { Garbage } from "./collect/garbage.js";
export { judgeGarbage } from "./collect/judge.js";
export { type Found, Referrers } from "./collect/referrers.js";
export { defineShared } from "./define.js";
export * from "./errors.js";
export { builtinWraps, Heap } from "./heap.js";
export { ImageLoad } from "./image-load.js";
export { type ImageHeader, layoutHash } from "./image-objects.js";
export { ImageSave } from "./image-save.js";
export { referents } from "./inspect.js";
export { linkExports, tokenOf, unlinkedModules } from "./links.js";
export { scope } from "./nested.js";
export { releasing } from "./release.js";
export { Room } from "./room.js";
export {
  bool,
  type Class,
  dict,
  type Field,
  type Fields,
  f64,
  i32,
  list,
  ref,
  type Schema,
  type Struct,
  str,
  u32,
} from "./schema.js";
export { innermost, keptScope, Scope, thread, within } from "./scope.js";
export type { Unshareable } from "./shareable.js";
export {
  ADDRESS,
  addressOf,
  id,
  is,
  isWrapper,
  KIND,
  keep,
  makeWrap,
  nameOf,
  refcount,
  release,
  SCOPE,
  type Shared,
  sizeof,
  slow,
  type Wrapper,
} from "./shared.js";
export { SnapshotHeap } from "./snapshot-heap.js";
export type {
  FramePurposes,
  HeapFigures,
  ListLengths,
  SizeClassStats,
  ThreadHeapStats,
  TypeStats,
} from "./stats/shape.js";
export { type HeapStats, readHeapStats } from "./stats/stats.js";
export { struct } from "./struct.js";
export { type Crossing, crossing, refOut, valueIn, valueOut } from "./value.js";
export { type Verification, verifyHeap } from "./verify.js";
export { type Afterwards, isWeak, makeCell, objectOf, Weak, wrapCell } from "./weak.js";
export { WeakKeyDict, WeakSet, WeakValueDict } from "./weak-dicts.js";
export { Dict, List };
