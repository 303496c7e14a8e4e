/** Objects in shared memory. Internal: import `ungil` instead. */
import { Dict } from "./dict.js";
import { List } from "./list.js";
import { setContainers } from "./schema.js";

setContainers(List, Dict);

export * from "./errors.js";
export { Dict, List };
export { builtinWraps, Heap } from "./heap.js";
export { scope } from "./nested.js";
export { bool, type Class, dict, f64, type Field, type Fields, i32, list, ref, type Schema, type Struct, str, u32 } from "./schema.js";
export { KeptScope, Scope, thread } from "./scope.js";
export { ADDRESS, addressOf, defineShared, id, is, isWrapper, keep, KIND, makeWrap, nameOf, refcount, release, SCOPE, type Shared, sizeof, type Wrapper } from "./shared.js";
export { linkExports, struct, tokenOf, unlinkedModules } from "./struct.js";
export { type Verification, verifyHeap } from "./verify.js";
export { type Crossing, crossing, refOut, valueIn, valueOut } from "./value.js";
