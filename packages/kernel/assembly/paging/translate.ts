/**
 * Virtual to physical addresses.
 *
 * Each thread has two flat tables, one for reading and one for writing, indexed by virtual page: no tags, no conflicts, and
 * a hit is one load, one test and one addition (v86's software TLB, src/rust/cpu/cpu.rs). An entry is
 * (physical page - virtual page) | 1, or 0. Dropping all translations costs what was touched, not the size of the table.
 *
 * A raw address is valid until the end of the operation that got it, or until `translationsYield`: translations are dropped
 * only there, at safepoints, and when an operation begins.
 */
import * as L from "../layout";
import { readTlb, writeTlb, descriptors, control, count, tb } from "../machine/registers";
import { traceReference } from "./trace";
import { frameProvide, pageBring } from "./evict";
import { frameFree } from "./frames";
import { historyKeep } from "./history";
import { frameOf, pteInstall, pteOf } from "./pte";
import { pageFault } from "./refuse";
import { framePageNote } from "./residence";
import { pastGiveUp, pastIsInTheWay } from "./snapshots";
import { swapIsThere } from "./swap";
import { viewWalk } from "./view";

const GIVE_UPS: u32 = 2; // for a page that is in the swap file: what snapshots keep may be in its way

/** Physical address for reading, or 0 (the reason is in TB_FAULT_CODE). */
// @ts-ignore: decorator
@inline export function readAddress(va: u32): usize {
  const p = readAddressCached(va);
  return p ? p : readMiss(va);
}

/** Physical address for writing, or 0 (the reason is in TB_FAULT_CODE). */
// @ts-ignore: decorator
@inline export function writeAddress(va: u32): usize {
  const p = writeAddressCached(va);
  return p ? p : writeMiss(va);
}

/** Like `writeAddress`, but 0 if the page cannot be had at all: for what can be given up. */
export function writeAddressOrNone(va: u32): usize {
  mayFail = true;
  const p = writeAddress(va);
  mayFail = false;
  return p;
}

let mayFail: bool = false;

/** Like `readAddress` where a miss is somebody else's: 0 if this thread has no translation now. */
// @ts-ignore: decorator
@inline export function readAddressCached(va: u32): usize {
  traceReference(va, 0);
  const entry = load<u32>(readTlb + ((va >>> L.PAGE_SHIFT) << 2));
  return entry & 1 ? <usize>(va + entry - 1) : 0;
}

/** Like `writeAddress`, likewise. */
// @ts-ignore: decorator
@inline export function writeAddressCached(va: u32): usize {
  const entry = writeEntry(va);
  return entry & 1 ? <usize>(va + entry - 1) : 0;
}

/** What this thread has for the page of `va`: odd, and then va + entry - 1 is the physical address for writing; else none. */
// @ts-ignore: decorator
@inline export function writeEntry(va: u32): u32 {
  traceReference(va, 1);
  return load<u32>(writeTlb + ((va >>> L.PAGE_SHIFT) << 2));
}

function readMiss(va: u32): usize {
  return miss(va, L.PTE_READ, L.PTE_ACCESSED, readTlb, L.TB_READ_TOUCHED, L.TB_TOUCHED);
}

function writeMiss(va: u32): usize {
  const list = L.TB_TOUCHED + (L.TOUCHED_MAX << 2);
  return miss(va, L.PTE_WRITE, L.PTE_ACCESSED | L.PTE_DIRTY, writeTlb, L.TB_WRITE_TOUCHED, list);
}

/** Walks, and fills an entry. An entry is a hazard pointer (residence.ts): it counts only if the page is present still, and marked. */
function miss(va: u32, right: u64, mark: u64, table: usize, counter: u32, list: u32): usize {
  const page = va >>> L.PAGE_SHIFT;
  while (true) {
    const base = walk(va, right, mark);
    if (!base) return 0;
    fill(table, counter, list, page, base);
    if (load<u32>(tb + L.TB_SNAPSHOT)) return base + (va & L.PAGE_MASK);
    const entry = atomic.load<u64>(pteOf(page));
    // The mark too: it may have left meanwhile, without what is to be written now, and been rescued.
    const whole = mark | L.PTE_PRESENT;
    if ((entry & whole) == whole && frameOf(entry) == base) return base + (va & L.PAGE_MASK);
    store<u32>(table + (page << 2), 0);
  }
}

function fill(table: usize, counter: u32, list: u32, page: u32, base: usize): void {
  const touched = load<u32>(tb + counter);
  if (touched < L.TOUCHED_MAX) store<u32>(tb + list + (touched << 2), page);
  store<u32>(tb + counter, touched + 1);
  if (touched == load<u32>(control() + L.CB_TRANSLATIONS_MAX)) atomic.or<u32>(tb + L.TB_REQUEST, L.REQUEST_TRANSLATIONS);
  atomic.store<u32>(table + (page << 2), (<u32>base - (page << L.PAGE_SHIFT)) | 1);
}

function fault(code: u32, va: u32): usize {
  store<u32>(tb + L.TB_FAULT_CODE, code);
  store<u32>(tb + L.TB_FAULT_ADDRESS, va);
  count(L.COUNTER_FAULTS);
  return 0;
}

/** Physical base of the page of `va`, mapping a zeroed frame if an allocated page has none; 0 on a fault. Cut short by a
 *  full stack it leaks a frame at most. */
function walk(va: u32, right: u64, mark: u64): usize {
  count(L.COUNTER_WALKS);
  const page = va >>> L.PAGE_SHIFT;
  if (page == 0) return fault(L.E_NULL, va);
  if (page >= load<u32>(control() + L.CB_VIRTUAL_PAGES)) return fault(L.E_FAULT, va);
  if (load<u32>(tb + L.TB_SNAPSHOT)) return viewWalk(page, right == L.PTE_WRITE);
  const pte = pteOf(page);
  let entry = atomic.load<u64>(pte);
  let tries: u32 = 0;
  while (!(entry & L.PTE_PRESENT)) {
    if (load<u32>(descriptors + <usize>page * L.PAGE_DESCRIPTOR_SIZE + L.PD_STATE) == L.PAGE_FREE) return fault(L.E_FAULT, va);
    if ((entry & ~(<u64>L.PTE_LOCK)) != 0) {
      if (pastIsInTheWay()) pastGiveUp();
      const status = pageBring(page);
      if (status && (status != L.E_MEMORY || tries++ == GIVE_UPS || !pastGiveUp()))
        return mayFail ? fault(status, va) : pageFault(status);
    } else if (!demandZero(pte, page)) {
      return fault(L.E_MEMORY, va);
    }
    entry = atomic.load<u64>(pte);
  }
  if (!(entry & right)) return fault(L.E_PROTECTION, va);
  if ((entry & mark) != mark) atomic.cmpxchg<u64>(pte, entry, entry | mark); // `miss` sees whether it was done
  if (right == L.PTE_WRITE) historyKeep(page);
  return frameOf(entry);
}

/** Installs a zeroed frame. The frame comes first, then the entry: nobody ever waits while holding an entry. */
function demandZero(pte: usize, page: u32): bool {
  const frame = frameProvide();
  if (!frame) return atomic.load<u64>(pte) & L.PTE_PRESENT ? true : false;
  memory.fill(frame, 0, L.PAGE_SIZE);
  count(L.COUNTER_DEMAND_ZERO);
  framePageNote(frame, page);
  if (!pteInstall(pte, frame)) frameFree(frame);
  return true;
}

/** In the middle of an operation: what has been read through this translation is in no hand any more. */
// @ts-ignore: decorator
@inline export function translationDrop(va: u32): void {
  if (swapIsThere()) atomic.store<u32>(readTlb + ((va >>> L.PAGE_SHIFT) << 2), 0);
}

/** Drops all translations of this thread. O(entries touched since the last time). */
export function translationsFlush(): void {
  flush(readTlb, L.TB_READ_TOUCHED, L.TB_TOUCHED);
  flush(writeTlb, L.TB_WRITE_TOUCHED, L.TB_TOUCHED + (L.TOUCHED_MAX << 2));
  count(L.COUNTER_FLUSHES);
}

/** Acknowledges W: this thread has no write translation that is older than the last cut. */
export function cutAcknowledge(): void {
  const cut = atomic.load<u32>(control() + L.CB_CUT);
  if (load<u32>(tb + L.TB_CUT) == cut) return;
  flush(writeTlb, L.TB_WRITE_TOUCHED, L.TB_TOUCHED + (L.TOUCHED_MAX << 2));
  store<u32>(tb + L.TB_CUT, cut);
}

/** A new thread in an old slot: the tables may hold anything. */
export function translationsForget(): void {
  store<u32>(tb + L.TB_READ_TOUCHED, L.TOUCHED_MAX + 1);
  store<u32>(tb + L.TB_WRITE_TOUCHED, L.TOUCHED_MAX + 1);
  translationsFlush();
}

function flush(table: usize, counter: u32, list: u32): void {
  const touched = load<u32>(tb + counter);
  // A fence: what was written by these translations is written before they are gone.
  if (swapIsThere()) atomic.add<u32>(tb + L.TB_FENCE, 1);
  if (touched > L.TOUCHED_MAX) {
    memory.fill(table, 0, <usize>load<u32>(control() + L.CB_VIRTUAL_PAGES) << 2);
  } else {
    for (let n: u32 = 0; n < touched; n++) store<u32>(table + (load<u32>(tb + list + (n << 2)) << 2), 0);
  }
  store<u32>(tb + counter, 0);
}
