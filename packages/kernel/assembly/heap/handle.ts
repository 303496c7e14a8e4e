/**
 * Handles are free until the coroutine yields: what a step reads is appended, uncounted, to the thread's *borrow* list,
 * what it creates to its *newborn* list. Reclaiming waits for every thread's next safepoint, so nothing that a step has
 * read can disappear under it. At a yield both lists are pinned: counted, and moved to the task's PINS.
 *
 * Both lists stand in shared memory and are complete at any instant. A scope is two positions in them.
 * Once the borrow list has outgrown its first chunk, a filter (direct-mapped, tagged with a serial that changes whenever
 * entries are dropped) keeps a loop over the same objects from filling it. A walk over ever new objects gains nothing by
 * it, so after a chunk in which it found little the next ones are filled without it.
 */
import * as L from "../layout";
import { count, panic, tb } from "../machine/registers";
import { stackProbe, stackProbeTwice } from "../machine/stack";
import { reserveOpen } from "../paging/frames";
import { swapIsThere } from "../paging/swap";
import { writeAddress, writeAddressOrNone } from "../paging/translate";
import { translationsYield } from "./arenas";
import { atChunkStart, listGrow, listShrink, listTruncate } from "./chunks";
import { countDecrement, countIncrement } from "./count";
import { destroyAmid, destroyHasRoom, destroyPush, newbornLeave, pairsDrop, roomToDestroy } from "./destroy";
import { isPair, objectAllocate, objectFree, typeOf } from "./object";
import { safepointInScope } from "./safepoint";

const LIMBO_HIGH: u32 = 2048; // a closing scope passes a safepoint when limbo is longer

/** Room for one more newborn; false when memory is out. Called before anything is changed. */
// @ts-ignore: decorator
@inline export function newbornReserve(): bool {
  if (load<u32>(tb + L.TB_NEWBORN_TOP) != load<u32>(tb + L.TB_NEWBORN_END)) return true;
  return listGrow(L.TB_NEWBORN_TOP) != 0;
}

// @ts-ignore: decorator
@inline export function newbornPush(va: u32): void {
  const top = <usize>load<u32>(tb + L.TB_NEWBORN_TOP);
  store<u32>(top, va);
  store<u32>(tb + L.TB_NEWBORN_TOP, <u32>top + 4);
}

/** Notes that this step has read `va`; false when memory is out. */
// @ts-ignore: decorator
@inline export function borrow(va: u32): bool {
  const top = <usize>load<u32>(tb + L.TB_BORROW_TOP);
  if (top == <usize>load<u32>(tb + L.TB_BORROW_END)) return borrowSlow(va);
  store<u32>(top, va);
  store<u32>(tb + L.TB_BORROW_TOP, <u32>top + 4);
  return true;
}

// How much the filter finds: registers of this thread, of no importance to others.
let filterFound: u32 = 0; // in the chunk that is being filled
let chunksUnfiltered: u32 = 0; // still to come
let chunksPatience: u32 = 0; // how many come after the next chunk in which the filter finds little
const PATIENCE_MAX: u32 = 8; // chunks

/**
 * The list has outgrown what it may hold unfiltered. While END stands at TOP every entry comes this way, and one that the
 * filter knows is not appended again; while it stands at the end of the chunk none does.
 */
function borrowSlow(va: u32): bool {
  const entry = va | load<u32>(tb + L.TB_SERIAL);
  const filter = tb + L.TB_FILTER + (((va >>> 4) & (L.FILTER_ENTRIES - 1)) << 2);
  if (load<u32>(filter) == entry) {
    filterFound++;
    return true;
  }
  let top = <usize>load<u32>(tb + L.TB_BORROW_TOP);
  let filtered = true;
  if (!(top & L.PAGE_MASK)) {
    top = listGrow(L.TB_BORROW_TOP);
    if (!top) return false;
    filtered = !nextChunkIsUnfiltered();
  }
  store<u32>(top, va);
  store<u32>(tb + L.TB_BORROW_TOP, <u32>top + 4);
  store<u32>(filter, entry);
  if (filtered) store<u32>(tb + L.TB_BORROW_END, <u32>top + 4);
  return true;
}

function nextChunkIsUnfiltered(): bool {
  if (chunksUnfiltered) {
    chunksUnfiltered--;
    return true;
  }
  const useful = filterFound > L.PAGE_SIZE >> 4; // a quarter of what the chunk holds
  filterFound = 0;
  chunksPatience = useful ? 0 : min<u32>(PATIENCE_MAX, max<u32>(1, chunksPatience << 1));
  chunksUnfiltered = chunksPatience;
  return false;
}

/** Entries of the borrow list were dropped: what the filter says is void; a short list needs no filter. */
function borrowsDropped(): void {
  filterForget();
  const top = load<u32>(tb + L.TB_BORROW_TOP);
  const unfiltered = load<u32>(tb + L.TB_BORROW_FIRST) + L.PAGE_SIZE;
  store<u32>(tb + L.TB_BORROW_END, top - load<u32>(tb + L.TB_BORROW_FIRST) <= L.PAGE_SIZE ? unfiltered : top);
}

/** Entries of the filter are no longer in the list. */
function filterForget(): void {
  const serial = load<u32>(tb + L.TB_SERIAL) + 1;
  if (serial < 16) {
    store<u32>(tb + L.TB_SERIAL, serial);
    return;
  }
  memory.fill(tb + L.TB_FILTER, 0, L.FILTER_ENTRIES << 2);
  store<u32>(tb + L.TB_SERIAL, 1);
}

/** Opens a scope: returns its newborn mark; the borrow mark and the generation are in OUT_A and OUT_B. */
export function scopeOpen(): u32 {
  stackProbeTwice();
  store<u32>(tb + L.TB_DEPTH, load<u32>(tb + L.TB_DEPTH) + 1);
  store<u32>(tb + L.TB_OUT_A, load<u32>(tb + L.TB_BORROW_TOP));
  store<u32>(tb + L.TB_OUT_B, load<u32>(tb + L.TB_GENERATION));
  return load<u32>(tb + L.TB_NEWBORN_TOP);
}

/** Closes the innermost scope: newborns that nobody stored are freed, what was read is forgotten. */
export function scopeClose(newbornMark: u32, borrowMark: u32, generation: u32): void {
  stackProbe();
  if (generation != load<u32>(tb + L.TB_GENERATION)) {
    // The lists were emptied meanwhile, so all that stands in them is this scope's.
    newbornMark = load<u32>(tb + L.TB_NEWBORN_FIRST) + L.CHUNK_HEADER;
    borrowMark = load<u32>(tb + L.TB_BORROW_FIRST) + L.CHUNK_HEADER;
  }
  if (load<u32>(tb + L.TB_BORROW_TOP) != borrowMark) {
    listTruncate(L.TB_BORROW_TOP, borrowMark);
    if (load<u32>(tb + L.TB_BORROW_END) != load<u32>(tb + L.TB_BORROW_FIRST) + L.PAGE_SIZE) borrowsDropped();
  }
  newbornsDrop(newbornMark);
  if (load<u32>(tb + L.TB_LIMBO_COUNT) > LIMBO_HIGH) safepointInScope();
  store<u32>(tb + L.TB_DEPTH, load<u32>(tb + L.TB_DEPTH) - 1); // last: it can be called again if the disk fails
}

/** Frees the newborns above `mark`, newest first: parents are mostly newer than their children. */
function newbornsDrop(mark: usize): void {
  let arePairs = true;
  while (true) {
    translationsYield();
    let top = <usize>load<u32>(tb + L.TB_NEWBORN_TOP);
    if (arePairs) top = pairsDrop(top, mark);
    if (top == mark) return;
    if (atChunkStart(top)) {
      listShrink(L.TB_NEWBORN_TOP, top);
      continue;
    }
    if (!roomToDestroy()) return; // memory is out: the others are left to the outer scope
    const va = load<u32>(top - 4);
    const p = writeAddressOrNone(va); // nothing dies before its list gets to it; but the disk may have lost it
    arePairs = p != 0 && isPair(typeOf(p));
    // It leaves the list before it dies: whoever adopts the list would take what comes to stand in its place for it.
    store<u32>(tb + L.TB_NEWBORN_TOP, <u32>top - 4);
    if (p) newbornLeave(va, p);
  }
}

/** Where the PINS of the running step hang. */
export function pinsSlot(): usize {
  const task = load<u32>(tb + L.TB_TASK);
  return task ? writeAddress(task) + L.TASK_PINS : tb + L.TB_OWN_PINS;
}

/** Pins every young handle: counted now, in the lists no more. False when memory is out (the lists keep the rest). */
export function pinYoung(): bool {
  const newborns = load<u32>(tb + L.TB_NEWBORN_TOP) - load<u32>(tb + L.TB_NEWBORN_FIRST);
  const borrows = load<u32>(tb + L.TB_BORROW_TOP) - load<u32>(tb + L.TB_BORROW_FIRST);
  if (newborns == L.CHUNK_HEADER && borrows == L.CHUNK_HEADER) return true;
  reserveOpen(true);
  const done = pinList(L.TB_NEWBORN_TOP) && pinList(L.TB_BORROW_TOP);
  reserveOpen(false);
  borrowsDropped();
  store<u32>(tb + L.TB_GENERATION, load<u32>(tb + L.TB_GENERATION) + 1);
  return done;
}

/** A handle could not be pinned, for its page is lost: whoever has it must not go on. */
let pinsLost: bool = false;

/** Whether that has happened since the last time this was asked. */
export function pinsWereLost(): bool {
  const lost = pinsLost;
  pinsLost = false;
  return lost;
}

function pinList(fields: u32): bool {
  while (true) {
    translationsYield();
    let top = <usize>load<u32>(tb + fields);
    if (atChunkStart(top)) {
      if (!load<u32>(top - L.CHUNK_HEADER)) return true;
      top = listShrink(fields, top);
    }
    const va = load<u32>(top - 4);
    if (!writeAddressOrNone(va)) pinsLost = true;
    else if (!pin(pinsSlot(), va)) return false;
    store<u32>(tb + fields, <u32>top - 4);
  }
}

/** Counts `va` and notes it in the PINS at `slot`. */
export function pin(slot: usize, va: u32): bool {
  let pins = load<u32>(slot);
  if (!pins) {
    pins = pinsCreate(6);
    if (!pins) return false;
    store<u32>(slot, pins);
  }
  let p = writeAddress(pins);
  let used = load<u32>(p + L.PINS_COUNT);
  if (used == load<u32>(p + L.PINS_CAPACITY)) {
    pinsUnify(pins, p);
    used = load<u32>(p + L.PINS_COUNT);
    if (used > load<u32>(p + L.PINS_CAPACITY) >>> 1) {
      const larger = pinsCreate(load<u32>(p + L.PINS_CAPACITY) * 2 + 2);
      if (!larger) {
        if (used == load<u32>(p + L.PINS_CAPACITY)) return false;
      } else {
        const q = writeAddress(larger);
        memory.copy(q + L.PINS_DATA, p + L.PINS_DATA, <usize>used << 2);
        // At every instant one of the two owns the pins: these stores stand in a straight line.
        store<u32>(p + L.PINS_COUNT, 0);
        store<u32>(q + L.PINS_COUNT, used);
        store<u32>(slot, larger);
        objectFree(pins);
        pins = larger;
        p = q;
      }
    }
  }
  countIncrement(va); // before it is noted: a prefix of this only over-counts
  store<u32>(writeAddress(pins + L.PINS_DATA + (used << 2)), va);
  store<u32>(p + L.PINS_COUNT, used + 1);
  count(L.COUNTER_PINS);
  return true;
}

function pinsCreate(capacity: u32): u32 {
  const va = objectAllocate(L.TYPE_PINS, L.PINS_DATA + (capacity << 2));
  if (va < L.ERROR_LIMIT) return 0;
  const p = writeAddress(va);
  store<u32>(p + L.PINS_COUNT, 0);
  store<u32>(p + L.PINS_CAPACITY, capacity);
  return va;
}

/**
 * One pin an object: sorts the addresses (heapsort: in place, no recursion) and gives surplus counts back. Meanwhile the
 * array counts as empty: a thread that dies here leaks its pins, but no entry that stands twice in it is released twice.
 */
function pinsUnify(va: u32, p: usize): void {
  const data = p + L.PINS_DATA;
  const length = load<u32>(p + L.PINS_COUNT);
  if (length < 2) return;
  // It can be a run, whose pages have histories of their own.
  for (let n: u32 = 0; n < L.PINS_DATA + (length << 2); n += L.PAGE_SIZE) writeAddress(va + n);
  store<u32>(p + L.PINS_COUNT, 0);
  for (let n = length >>> 1; n > 0; n--) siftDown(data, n - 1, length);
  for (let n = length - 1; n > 0; n--) {
    const largest = load<u32>(data);
    store<u32>(data, load<u32>(data + (<usize>n << 2)));
    store<u32>(data + (<usize>n << 2), largest);
    siftDown(data, 0, n);
  }
  let kept: u32 = 1;
  for (let n: u32 = 1; n < length; n++) {
    const va = load<u32>(data + (<usize>n << 2));
    if (va == load<u32>(data + (<usize>(kept - 1) << 2))) {
      countDecrement(va);
    } else {
      store<u32>(data + (<usize>kept << 2), va);
      kept++;
    }
  }
  store<u32>(p + L.PINS_COUNT, kept);
}

function siftDown(data: usize, root: u32, length: u32): void {
  const value = load<u32>(data + (<usize>root << 2));
  while (true) {
    let child: u32 = 2 * root + 1;
    if (child >= length) break;
    let larger = load<u32>(data + (<usize>child << 2));
    if (child + 1 < length) {
      const right = load<u32>(data + (<usize>(child + 1) << 2));
      if (right > larger) {
        larger = right;
        child++;
      }
    }
    if (larger <= value) break;
    store<u32>(data + (<usize>root << 2), larger);
    root = child;
  }
  store<u32>(data + (<usize>root << 2), value);
}

/**
 * Gives back all pins at `slot`, in slices at later safepoints: now they only go on the destroy stack, for which there is
 * nearly always room even when memory is out (a task may be over, and nobody would come back for its pins).
 */
export function pinsRelease(slot: usize): void {
  const pins = load<u32>(slot);
  if (!pins || !destroyHasRoom()) return;
  store<u32>(slot, 0);
  store<u32>(writeAddress(pins) + L.OBJECT_COUNT, L.COUNT_DYING);
  destroyPush(pins);
  if (!swapIsThere()) destroyAmid(256); // else it is for a safepoint, which can let go of what the disk has lost
}

/** The coroutine's outermost scope closes: drops what is young, unpins the rest. */
export function taskUnpin(task: u32): void {
  stackProbe();
  pinsRelease(writeAddress(task) + L.TASK_PINS);
}

/** Handles of a step that could not be pinned are dropped; its scope is closed by the caller. */
export function youngDrop(): void {
  listTruncate(L.TB_BORROW_TOP, load<u32>(tb + L.TB_BORROW_FIRST) + L.CHUNK_HEADER);
  borrowsDropped();
  newbornsDrop(load<u32>(tb + L.TB_NEWBORN_FIRST) + L.CHUNK_HEADER);
  store<u32>(tb + L.TB_GENERATION, load<u32>(tb + L.TB_GENERATION) + 1);
}

/** A thread's first chunks: from here on a list is never without one. */
export function handlesInit(): bool {
  store<u32>(tb + L.TB_SERIAL, 1);
  memory.fill(tb + L.TB_FILTER, 0, L.FILTER_ENTRIES << 2);
  if (!listGrow(L.TB_NEWBORN_TOP)) return false;
  if (!listGrow(L.TB_BORROW_TOP)) return false;
  if (!listGrow(L.TB_LIMBO_TOP)) return false;
  if (!listGrow(L.TB_DESTROY_TOP)) return false;
  if (load<u32>(tb + L.TB_OWN_PINS)) panic(L.E_STATE);
  return true;
}
