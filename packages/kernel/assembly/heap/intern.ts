/**
 * The intern table: strings of up to INTERN_MAX units exist once, so that comparing two of them is comparing addresses.
 *
 * Entries are weak: a bucket is a chain through the strings themselves, its head word carries the bucket's lock in bit 0.
 * A lookup upgrades under the lock and a dying string leaves the chain under the lock before its block is freed, so no
 * second grace period is needed. A chain leads through pages that may be in the swap file, so each bucket has a *filter* beside the
 * table: a string whose bit is not in it is not in the chain. Bits are added with strings; who has walked a chain to its end knows
 * which are right. Found or new, a string is returned counted: the caller's string cache owns that count.
 */
import * as L from "../layout";
import { GIL } from "../machine/build";
import { spinLockBit, spinUnlockBit } from "../machine/spin";
import { control, count, tb } from "../machine/registers";
import { wordCas, wordLoad } from "../machine/word";
import { readAddress, writeAddress } from "../paging/translate";
import { blockAllocate, blockFree, pageHasStrings } from "./blocks";
import { classOf } from "./classes";

const LOCK: u32 = 1;

// @ts-ignore: decorator
@inline export function bucketOf(hash: u32): usize {
  const buckets = load<u32>(control() + L.CB_INTERN_BUCKETS);
  return <usize>load<u32>(control() + L.CB_INTERN) + ((hash & (buckets - 1)) << 2);
}

// @ts-ignore: decorator
@inline export function filterOf(bucket: usize): usize {
  return bucket - load<u32>(control() + L.CB_INTERN) + load<u32>(control() + L.CB_INTERN_FILTERS);
}

// @ts-ignore: decorator
@inline export function filterBit(hash: u32): u32 {
  return 1 << (hash >>> 27);
}

/** FNV-1a over the units of a string, mixed so that the low bits are good (murmur3's finaliser). */
export function stringHash(data: usize, length: u32, wide: bool): u32 {
  let hash: u32 = 0x811c9dc5;
  for (let n: u32 = 0; n < length; n++) {
    hash = (hash ^ (wide ? <u32>load<u16>(data + (<usize>n << 1)) : <u32>load<u8>(data + n))) * 0x01000193;
  }
  hash ^= hash >>> 16;
  hash *= 0x85ebca6b;
  hash ^= hash >>> 13;
  hash *= 0xc2b2ae35;
  return hash ^ (hash >>> 16);
}

export function bytesEqual(a: usize, b: usize, length: u32): bool {
  let n: u32 = 0;
  for (; n + 8 <= length; n += 8) if (load<u64>(a + n) != load<u64>(b + n)) return false;
  for (; n < length; n++) if (load<u8>(a + n) != load<u8>(b + n)) return false;
  return true;
}

/** The interned string of the `length` units in scratch, with one count for the caller; or an error code. */
export function internFind(length: u32, wide: bool): u32 {
  const bytes = wide ? length << 1 : length;
  const data = tb + L.TB_SCRATCH;
  const hash = stringHash(data, length, wide);
  const bucket = bucketOf(hash);
  // Allocated before the lock, given back if the string exists: nothing can fail while the lock is held.
  const fresh = blockAllocate(classOf(L.STR_DATA + bytes));
  if (!fresh) return L.E_MEMORY;
  const p = writeAddress(fresh);
  if (!p) return L.E_MEMORY;
  pageHasStrings(fresh);
  spinLockBit(bucket, LOCK, 0);
  const head = load<u32>(bucket) & ~LOCK;
  const va = chainFind(bucket, head, hash, length, wide);
  if (va) {
    spinUnlockBit(bucket, LOCK);
    blockFree(fresh, p);
    return va;
  }
  store<u32>(p + L.STR_LENGTH, length);
  store<u32>(p + L.STR_HASH, hash);
  store<u32>(p + L.STR_NEXT, head);
  memory.copy(p + L.STR_DATA, data, bytes);
  const epoch = load<u32>(control() + L.CB_EPOCH);
  store<u32>(p + L.OBJECT_COUNT, L.COUNT_ONE | ((epoch & 7) << L.COUNT_STAMP_SHIFT));
  store<u32>(p, L.TYPE_STR | L.HEADER_INTERNED | (wide ? L.HEADER_WIDE : 0));
  const filter = filterOf(bucket);
  store<u32>(filter, head ? load<u32>(filter) | filterBit(hash) : filterBit(hash));
  store<u32>(bucket, GIL ? fresh : fresh | LOCK);
  spinUnlockBit(bucket, LOCK);
  count(L.COUNTER_ALLOCATIONS);
  return fresh;
}

/** The same if it is there, else 0: nothing is made. */
export function internLook(length: u32, wide: bool): u32 {
  const hash = stringHash(tb + L.TB_SCRATCH, length, wide);
  const bucket = bucketOf(hash);
  spinLockBit(bucket, LOCK, 0);
  const va = chainFind(bucket, load<u32>(bucket) & ~LOCK, hash, length, wide);
  spinUnlockBit(bucket, LOCK);
  return va;
}

/** The string of the units in scratch in a chain whose lock is held, counted; 0 if it is not there. */
function chainFind(bucket: usize, head: u32, hash: u32, length: u32, wide: bool): u32 {
  const data = tb + L.TB_SCRATCH;
  const bytes = wide ? length << 1 : length;
  const filter = filterOf(bucket);
  if (!head || !(load<u32>(filter) & filterBit(hash))) return 0;
  let va = head;
  let bits: u32 = 0;
  while (va) {
    const q = readAddress(va);
    const hashOfIt = load<u32>(q + L.STR_HASH);
    bits |= filterBit(hashOfIt);
    if (hashOfIt == hash && load<u32>(q + L.STR_LENGTH) == length && wide == isWide(q)) {
      if (bytesEqual(q + L.STR_DATA, data, bytes) && upgrade(writeAddress(va))) return va;
    }
    va = load<u32>(q + L.STR_NEXT);
  }
  store<u32>(filter, bits);
  return 0;
}

// @ts-ignore: decorator
@inline function isWide(p: usize): bool {
  return (load<u32>(p) & L.HEADER_WIDE) != 0;
}

/** Counts a string found in the table; false if it is dying. */
function upgrade(p: usize): bool {
  let word = wordLoad(p + L.OBJECT_COUNT);
  while (true) {
    if (word & L.COUNT_DYING) return false;
    if (word >= L.COUNT_IMMORTAL) return true;
    const old = wordCas(p + L.OBJECT_COUNT, word, word + L.COUNT_ONE);
    if (old == word) return true;
    word = old;
  }
}

// @ts-ignore: decorator
@inline function nextOf(va: u32): u32 {
  return load<u32>(readAddress(va) + L.STR_NEXT);
}

/** Takes a dying string out of its chain. */
export function internRemove(va: u32, p: usize): void {
  const bucket = bucketOf(load<u32>(p + L.STR_HASH));
  spinLockBit(bucket, LOCK, 0);
  const head = load<u32>(bucket) & ~LOCK;
  const next = load<u32>(p + L.STR_NEXT);
  if (head == va) {
    store<u32>(bucket, GIL ? next : next | LOCK);
  } else {
    let before = head;
    for (let after = nextOf(before); after != va; after = nextOf(before)) before = after;
    store<u32>(writeAddress(before) + L.STR_NEXT, next);
  }
  spinUnlockBit(bucket, LOCK);
}
