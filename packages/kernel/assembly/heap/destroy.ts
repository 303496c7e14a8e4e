/**
 * Destruction: iterative, on an explicit stack in chunks, and sliced, so that neither a list of a million nodes nor a tree
 * as wide recurses or pauses.
 *
 * A dying object's slot is nulled before its target is decremented. A child cannot simply die with its parent, for it may
 * have been borrowed along another path; and one grace period for each level would take a million of them for a list. So
 * the chain rule: a child that reaches 0 dies in the same pass if its last decrement (or birth) is at least 3 epochs old,
 * else it goes to limbo. 2 is wrong (PROTOCOLS section 3, cascade model).
 *
 * A *private* object is one that no other thread has ever seen: it was a newborn when its scope closed, or it was held by
 * nothing but a slot of a private object (VIRGIN, count 1). If it still stands in a newborn list it is a newborn again, and
 * dies when that list gets to it: mostly a moment later, for parents are mostly newer than their children. If it has left
 * its list (UNLISTED) nobody has a handle on it either, and it dies at once. What dies with a scope is private altogether:
 * a shared object that reaches 0 then goes to limbo, so this run costs what the scope made.
 */
import * as L from "../layout";
import { control, panic, tb, types } from "../machine/registers";
import { wordCas, wordLoad } from "../machine/word";
import { swapIsThere } from "../paging/swap";
import { writeAddress, writeAddressCached, writeEntry } from "../paging/translate";
import { translationsYield } from "./arenas";
import { blockFree, blockFreeInOrder, blockFreePlain, plainPageOf } from "./blocks";
import { bumpBack, bumpGoesTo, bumpNext } from "./bump";
import { atChunkStart, chunksAreReady, listGrow, listShrink } from "./chunks";
import { countDecrementAt, limboPush, stamped, stampIsOld } from "./count";
import { internRemove } from "./intern";
import { isPair, typeEntry, typeOf } from "./object";
import { cellForget, isCell } from "./weak-table";

const RELEASE_SLICE: u32 = L.PAGE_SIZE >> 4; // slots of one array released at a time: half a chunk of limbo
const RELEASE_SLICE_SWAP: u32 = 64; // each may be on a page of its own, which stays in memory meanwhile

// @ts-ignore: decorator
@inline function releaseSlice(): u32 {
  return swapIsThere() ? RELEASE_SLICE_SWAP : RELEASE_SLICE;
}

/** True if the lists have room for all that one object can put into them when it dies: a slice and the rest of itself. */
// @ts-ignore: decorator
@inline export function roomToDestroy(): bool {
  return chunksAreReady() || listsHaveRoom();
}

/** True if one more object can be put on the destroy stack. */
export function destroyHasRoom(): bool {
  return load<u32>(tb + L.TB_DESTROY_TOP) != load<u32>(tb + L.TB_DESTROY_END) || chunksAreReady();
}

function listsHaveRoom(): bool {
  const limbo = load<u32>(tb + L.TB_LIMBO_END) - load<u32>(tb + L.TB_LIMBO_TOP);
  return limbo > RELEASE_SLICE << 3 && load<u32>(tb + L.TB_DESTROY_END) - load<u32>(tb + L.TB_DESTROY_TOP) > RELEASE_SLICE << 2;
}

/** Puts a dying object on this thread's destroy stack. */
// @ts-ignore: decorator
@inline export function destroyPush(va: u32): void {
  let top = <usize>load<u32>(tb + L.TB_DESTROY_TOP);
  if (top == <usize>load<u32>(tb + L.TB_DESTROY_END)) {
    top = destroyGrow();
    if (!top) return;
  }
  store<u32>(top, va);
  store<u32>(tb + L.TB_DESTROY_TOP, <u32>top + 4);
}

function destroyGrow(): usize {
  const top = listGrow(L.TB_DESTROY_TOP);
  if (!top) panic(L.E_MEMORY); // the reserve is gone: what dies now would be lost
  return top;
}

/**
 * The newborn list that `va` stands in gets to it: a newborn dies, what is held lives on and is unlisted. `p`: its physical
 * address. A failing CAS means that another thread knows the object.
 */
// @ts-ignore: decorator
@inline export function newbornLeave(va: u32, p: usize): void {
  const word = load<u32>(p + L.OBJECT_COUNT); // plain: a newborn's is written by this thread only
  if (word & L.COUNT_NEWBORN) {
    store<u32>(p + L.OBJECT_COUNT, L.COUNT_DYING);
    const type = load<u32>(p) & L.TYPE_MASK;
    if (type < L.TYPE_FIRST_USER) destroyPrivate(va, p);
    else destroyPrivateStruct(va, p, typeEntry(type));
  } else if (isPrivateOnce(word)) {
    wordCas(p + L.OBJECT_COUNT, word, word | L.COUNT_UNLISTED);
  }
}

/**
 * The same for the newest newborns above `mark`, as long as they are *pairs*: two references and nothing else, as nodes of
 * lists and trees are. Returns the new top of the list, below which something stands that needs more: one that has survived,
 * one that holds something that others hold, one after which its page needs attention, the end of a chunk.
 *
 * This is where most of what is ever made ends, so there is no call in it, which would make the compiler save registers. A pair that
 * refers to nothing, and whose block just becomes the next one again, needs no store: TOP and NEXT move together, in registers. They
 * are written before anything else is, so a thread that dies on the way has not dropped those yet.
 */
export function pairsDrop(top: usize, mark: usize): usize {
  const chunk = ((top - 1) & ~(<usize>L.PAGE_MASK)) + L.CHUNK_HEADER;
  const end = mark > chunk && mark <= top ? mark : chunk;
  let next = bumpNext(0);
  let pair: u64 = 0; // a header, with its count word, that was found to be a newborn pair's
  while (top != end) {
    const va = load<u32>(top - 4);
    const entry = writeEntry(va);
    if (!(entry & 1)) break;
    const p = <usize>(va + entry - 1);
    const header = load<u64>(p);
    if (header != pair) {
      if (!(header & ((<u64>L.COUNT_NEWBORN) << 32)) || !isPair(<u32>header & L.TYPE_MASK)) break;
      pair = header;
    }
    const inOrder = bumpGoesTo(0, va, next);
    const references = load<u64>(p + L.OBJECT_BODY);
    if (inOrder && !references) {
      top -= 4;
      next = va;
      continue;
    }
    const page = inOrder ? <usize>0 : plainPageOf(va);
    if (!inOrder && !page) break;
    if (references) {
      const a = privateChild(<u32>references);
      const b = privateChild(<u32>(references >>> 32));
      if (!a || !b) break;
      if (a != NO_CHILD) newbornAgain(a);
      if (b != NO_CHILD) newbornAgain(b);
    }
    top -= 4;
    if (inOrder) next = va;
    store<u32>(tb + L.TB_NEWBORN_TOP, <u32>top);
    bumpBack(0, next);
    if (page) blockFreePlain(page, va, p);
  }
  store<u32>(tb + L.TB_NEWBORN_TOP, <u32>top);
  bumpBack(0, next);
  return top;
}

const NO_CHILD: usize = 1;

/** Physical address of a child that its private parent alone holds and that stands in a newborn list; NO_CHILD; else 0. */
// @ts-ignore: decorator
@inline function privateChild(va: u32): usize {
  if (!va) return NO_CHILD;
  const p = writeAddressCached(va);
  return p && isPrivateOnce(load<u32>(p + L.OBJECT_COUNT)) ? p : 0;
}

/** Of an object that stands in a newborn list and that one slot holds: if that is a private parent's, no other thread knows it. */
// @ts-ignore: decorator
@inline function isPrivateOnce(word: u32): bool {
  return (word & ~L.COUNT_STAMP_MASK) == (L.COUNT_ONE | L.COUNT_VIRGIN);
}

// @ts-ignore: decorator
@inline function newbornAgain(p: usize): void {
  store<u32>(p + L.OBJECT_COUNT, (load<u32>(p + L.OBJECT_COUNT) - L.COUNT_ONE) | L.COUNT_NEWBORN);
}

/** The common way has no call in it. */
// @ts-ignore: decorator
@inline function releasePrivate(child: u32): void {
  const q = writeAddress(child);
  const word = load<u32>(q + L.OBJECT_COUNT);
  if (isPrivateOnce(word)) newbornAgain(q);
  else releaseFromPrivate(child, q, word);
}

function destroyPrivateStruct(va: u32, p: usize, entry: usize): void {
  let mask = load<u64>(entry + L.TYPE_REF_MASK);
  while (mask) {
    const child = load<u32>(p + (<usize>ctz(mask) << 2));
    mask &= mask - 1;
    if (child) releasePrivate(child);
  }
  blockFreeInOrder(va, p, load<u32>(entry + L.TYPE_CLASS));
}

/** A child that no list will get to dies now, and what only that one held; one that others hold loses a reference. */
function releaseFromPrivate(va: u32, p: usize, word: u32): void {
  if ((word & ~L.COUNT_STAMP_MASK) != (L.COUNT_ONE | L.COUNT_VIRGIN | L.COUNT_UNLISTED)) return countDecrementAt(va, p);
  store<u32>(p + L.OBJECT_COUNT, L.COUNT_DYING);
  destroyPrivate(va, p);
}

/** Destroys a private object that is marked dying, and all that dies with it at once. */
function destroyPrivate(va: u32, p: usize): void {
  const floor = <usize>load<u32>(tb + L.TB_DESTROY_TOP);
  const epoch = atomic.load<u32>(control() + L.CB_EPOCH);
  destroyOne(va, p, true, epoch);
  while (true) {
    let top = <usize>load<u32>(tb + L.TB_DESTROY_TOP);
    if (top == floor || !roomToDestroy()) return; // what is left there dies at a safepoint
    if (atChunkStart(top)) {
      top = listShrink(L.TB_DESTROY_TOP, top);
      if (top == floor) return;
    }
    top -= 4;
    store<u32>(tb + L.TB_DESTROY_TOP, <u32>top);
    const dying = load<u32>(top);
    destroyOne(dying, writeAddress(dying), true, epoch);
  }
}

/** Destroys up to `limit` shared objects from the stack; false if some are left. The caller holds no raw address. */
export function destroySome(limit: u32): bool {
  return destroyUpTo(limit, false);
}

/** The same in the middle of an operation, which goes on with its raw addresses. */
export function destroyAmid(limit: u32): bool {
  return destroyUpTo(limit, true);
}

// @ts-ignore: decorator
@inline function destroyUpTo(limit: u32, amid: bool): bool {
  const epoch = atomic.load<u32>(control() + L.CB_EPOCH);
  for (let n: u32 = 0; n < limit; n++) {
    if (!amid) translationsYield();
    if (!roomToDestroy()) return false;
    let top = <usize>load<u32>(tb + L.TB_DESTROY_TOP);
    if (atChunkStart(top)) {
      if (!load<u32>(top - L.CHUNK_HEADER)) return true; // the first chunk stays
      top = listShrink(L.TB_DESTROY_TOP, top);
    }
    top -= 4;
    store<u32>(tb + L.TB_DESTROY_TOP, <u32>top);
    const dying = load<u32>(top);
    destroyOne(dying, writeAddress(dying), false, epoch);
  }
  return destroyIsEmpty();
}

export function destroyIsEmpty(): bool {
  const top = <usize>load<u32>(tb + L.TB_DESTROY_TOP);
  return atChunkStart(top) && !load<u32>(top - L.CHUNK_HEADER);
}

// @ts-ignore: decorator
@inline function destroyOne(va: u32, p: usize, isPrivate: bool, epoch: u32): void {
  const header = load<u32>(p);
  const type = header & L.TYPE_MASK;
  if (type < L.TYPE_FIRST_USER) {
    if (!destroyInternal(va, p, header, isPrivate, epoch)) return;
  } else {
    releaseRefs(p, type, isPrivate, epoch);
  }
  blockFree(va, p);
}

/** An object that is no struct; false if a slice of it is left, on the stack. */
function destroyInternal(va: u32, p: usize, header: u32, isPrivate: bool, epoch: u32): bool {
  const type = header & L.TYPE_MASK;
  if (type == L.TYPE_STR) {
    if (header & L.HEADER_INTERNED) internRemove(va, p);
    return true;
  }
  if (type == L.TYPE_VALUES) return releaseValues(va, p, isPrivate, epoch);
  if (type == L.TYPE_TABLE) return releaseTable(va, p, isPrivate, epoch);
  if (type == L.TYPE_PINS) return releasePins(va, p);
  if (isCell(type)) cellForget(p);
  releaseRefs(p, type, isPrivate, epoch);
  let mask = load<u64>(types + <usize>type * L.TYPE_ENTRY_SIZE + L.TYPE_VALUE_MASK);
  while (mask) {
    releaseValue(p + (<usize>ctz(mask) << 3), isPrivate, epoch);
    mask &= mask - 1;
  }
  return true;
}

// @ts-ignore: decorator
@inline function releaseRefs(p: usize, type: u32, isPrivate: bool, epoch: u32): void {
  let mask = load<u64>(types + <usize>type * L.TYPE_ENTRY_SIZE + L.TYPE_REF_MASK);
  while (mask) {
    const slot = p + (<usize>ctz(mask) << 2);
    mask &= mask - 1;
    const child = load<u32>(slot);
    if (!child) continue;
    // Whoever dies on the way must not leave a slot whose target it has released; of a private object nobody else knows.
    if (!isPrivate) store<u32>(slot, 0);
    release(child, isPrivate, epoch);
  }
}

function releaseValue(slot: usize, isPrivate: bool, epoch: u32): void {
  const value = load<u64>(slot);
  if (value >>> 48 != L.BOX_REF) return;
  store<u64>(slot, (<u64>L.BOX_NULL) << 48);
  release(<u32>value, isPrivate, epoch);
}

/** Takes one reference from an object: a slot of a dying one pointed to it. */
// @ts-ignore: decorator
@inline function release(va: u32, parentIsPrivate: bool, epoch: u32): void {
  const p = writeAddress(va);
  const word = load<u32>(p + L.OBJECT_COUNT);
  if (!parentIsPrivate) {
    releaseShared(va, p, epoch);
  } else if (isPrivateOnce(word)) {
    newbornAgain(p);
  } else if ((word & ~L.COUNT_STAMP_MASK) == (L.COUNT_ONE | L.COUNT_VIRGIN | L.COUNT_UNLISTED)) {
    store<u32>(p + L.OBJECT_COUNT, L.COUNT_DYING);
    destroyPush(va);
  } else {
    countDecrementAt(va, p);
  }
}

function releaseShared(va: u32, p: usize, epoch: u32): void {
  let word = wordLoad(p + L.OBJECT_COUNT);
  while (true) {
    if (word >= L.COUNT_IMMORTAL) return;
    let next = stamped(word - L.COUNT_ONE, epoch);
    let fate: u32 = 0; // 0 lives on, 1 limbo, 2 dies now
    if (next < L.COUNT_ONE) {
      if (word & L.COUNT_LIMBO) next |= L.COUNT_REDO;
      else if (stampIsOld(word, epoch) && !(load<u32>(p) & L.HEADER_HAS_WEAK)) {
        next |= L.COUNT_DYING;
        fate = 2;
      } else {
        next |= L.COUNT_LIMBO;
        fate = 1;
      }
    }
    const old = wordCas(p + L.OBJECT_COUNT, word, next);
    if (old == word) {
      if (fate == 1) limboPush(va);
      else if (fate == 2) destroyPush(va);
      return;
    }
    word = old;
  }
}

/** One slice of an array; true when all its values are released, else the array is back on the stack, below its children. */
function releaseValues(va: u32, p: usize, isPrivate: bool, epoch: u32): bool {
  const capacity = load<u32>(p + L.VALUES_CAPACITY);
  const from = load<u32>(p + L.VALUES_PROGRESS);
  const until = min<u32>(capacity, from + releaseSlice());
  store<u32>(p + L.VALUES_PROGRESS, until);
  if (until < capacity) destroyPush(va);
  partWritable(va + L.VALUES_DATA + (from << 3), va + L.VALUES_DATA + (until << 3));
  for (let n = from; n < until; n++) releaseValue(p + L.VALUES_DATA + (<usize>n << 3), isPrivate, epoch);
  return until == capacity;
}

function releaseTable(va: u32, p: usize, isPrivate: bool, epoch: u32): bool {
  const capacity = load<u32>(p + L.TABLE_CAPACITY);
  const from = load<u32>(p + L.TABLE_PROGRESS);
  const until = min<u32>(capacity, from + releaseSlice() / 2); // two references an entry
  store<u32>(p + L.TABLE_PROGRESS, until);
  if (until < capacity) destroyPush(va);
  partWritable(va + L.TABLE_DATA + from * L.ENTRY_SIZE, va + L.TABLE_DATA + until * L.ENTRY_SIZE);
  for (let n = from; n < until; n++) {
    const entry = p + L.TABLE_DATA + <usize>n * L.ENTRY_SIZE;
    releaseValue(entry, isPrivate, epoch);
    releaseValue(entry + 8, isPrivate, epoch);
  }
  return until == capacity;
}

/** Part of an array is going to be written: it can be a run, whose pages have histories of their own. */
function partWritable(from: u32, until: u32): void {
  for (let va = from; va < until; va += L.PAGE_SIZE) writeAddress(va);
  if (until > from) writeAddress(until - 1);
}

function releasePins(va: u32, p: usize): bool {
  let left = load<u32>(p + L.PINS_COUNT);
  const until = left > releaseSlice() ? left - releaseSlice() : 0;
  if (until) destroyPush(va);
  while (left > until) {
    left--;
    const child = load<u32>(p + L.PINS_DATA + (<usize>left << 2));
    store<u32>(p + L.PINS_COUNT, left);
    countDecrementAt(child, writeAddress(child));
  }
  return until == 0;
}
