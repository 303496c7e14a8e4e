/**
 * The type table: one entry a type, in kernel memory, so that every thread gives a struct the same id whatever the order in
 * which modules load. A type is known by its name and the hash of its layout.
 */
import * as L from "../layout";
import { control, tb } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { spinLock, spinUnlock } from "../machine/spin";
import { classOf } from "./classes";
import { countIncrement } from "./count";
import { typeEntry } from "./object";

/** Describes a type of the machine's own: where its references (u32 words) and values (8-byte slots) stand. At start only. */
export function typeDefine(type: u32, size: u32, refMask: u32, valueMask: u32): void {
  const entry = typeEntry(type);
  store<u32>(entry + L.TYPE_SIZE, size);
  store<u64>(entry + L.TYPE_REF_MASK, refMask);
  if (type >= L.TYPE_FIRST_USER) structShape(entry);
  store<u64>(entry + L.TYPE_VALUE_MASK, valueMask);
}

/** What allocating and destroying objects of a struct look up. */
function structShape(entry: usize): void {
  const size = load<u32>(entry + L.TYPE_SIZE);
  const twoReferences: u64 = 3 << (L.OBJECT_BODY >>> 2);
  store<u32>(entry + L.TYPE_CLASS, classOf(size));
  store<u32>(entry + L.TYPE_IS_PAIR, size == 16 && load<u64>(entry + L.TYPE_REF_MASK) == twoReferences ? 1 : 0);
}

/**
 * The id of a struct, registering it if this is the first time. 0 when the table is full. If the name is taken by another
 * layout, -(that id): its entry names the other layout and URL. Strings are interned addresses. O(types).
 */
export function typeRegister(
  name: u32, url: u32, schema: u32, hashLow: u32, hashHigh: u32, size: u32, refLow: u32, refHigh: u32,
): i32 {
  stackProbe();
  spinLock(L.CB + L.CB_TYPE_LOCK);
  const types = load<u32>(control() + L.CB_TYPE_COUNT);
  let id: i32 = 0;
  for (let n: u32 = L.TYPE_FIRST_USER; n < types; n++) {
    const entry = typeEntry(n);
    if (load<u32>(entry + L.TYPE_NAME) != name) continue;
    const same = load<u32>(entry + L.TYPE_HASH_LOW) == hashLow && load<u32>(entry + L.TYPE_HASH_HIGH) == hashHigh;
    id = same ? <i32>n : -<i32>n;
    break;
  }
  if (!id && types < L.TYPES_MAX) {
    const entry = typeEntry(types);
    countIncrement(name);
    countIncrement(url);
    countIncrement(schema);
    store<u32>(entry + L.TYPE_SIZE, size);
    store<u64>(entry + L.TYPE_REF_MASK, ((<u64>refHigh) << 32) | refLow);
    store<u64>(entry + L.TYPE_VALUE_MASK, 0);
    structShape(entry);
    store<u32>(entry + L.TYPE_URL, url);
    store<u32>(entry + L.TYPE_SCHEMA, schema);
    store<u32>(entry + L.TYPE_HASH_LOW, hashLow);
    store<u32>(entry + L.TYPE_HASH_HIGH, hashHigh);
    store<u32>(entry + L.TYPE_NAME, name);
    store<u32>(control() + L.CB_TYPE_COUNT, types + 1);
    id = <i32>types;
  }
  spinUnlock(L.CB + L.CB_TYPE_LOCK);
  return id;
}

/** Gives a type its strings anew: those that it had are no more. */
export function typeName(type: u32, name: u32, url: u32, schema: u32): void {
  stackProbe();
  const entry = typeEntry(type);
  countIncrement(name);
  countIncrement(url);
  countIncrement(schema);
  store<u32>(entry + L.TYPE_URL, url);
  store<u32>(entry + L.TYPE_SCHEMA, schema);
  store<u32>(entry + L.TYPE_NAME, name);
}

/** Number of types; name, URL and schema of one in OUT_A, OUT_B, OUT_REF. */
export function typeRead(type: u32): u32 {
  const entry = typeEntry(type);
  store<u32>(tb + L.TB_OUT_A, load<u32>(entry + L.TYPE_NAME));
  store<u32>(tb + L.TB_OUT_B, load<u32>(entry + L.TYPE_URL));
  store<u32>(tb + L.TB_OUT_REF, load<u32>(entry + L.TYPE_SCHEMA));
  return load<u32>(control() + L.CB_TYPE_COUNT);
}
