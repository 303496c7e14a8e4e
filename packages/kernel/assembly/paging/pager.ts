/**
 * What the pager, a duty of the system thread, does in one call: it evicts ahead, and harvests accessed bits. Like everybody
 * who evicts it holds CB_EVICT_LOCK, but it never waits for it.
 *
 * The system thread has a slot of its own, after those of views, and no translations, so nobody waits for it: not a grace period, not
 * an eviction. But while the world stands still page table, frames and slots must too. Dekker's way again: it takes the lock, and
 * looks then whether the world is to stop; who stops it says so, and looks then whether the system thread has the lock. The model is test/models/pager.pml.
 */
import * as L from "../layout";
import { control, tb } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { evictByClock, evictNamed, evictTryLock, evictUnlock, pageIn, translationsAsk } from "./evict";
import { pteOf } from "./pte";
import { pagesOf } from "./residence";
import { victimsName, victimsTakeBack } from "./victims";

const SLICE: u32 = 4; // frames between two looks whether the world is to stop
const BY_CLOCK: u32 = u32.MAX_VALUE;

function pagerBegin(): bool {
  if (!evictTryLock()) return false;
  if (!atomic.load<u32>(control() + L.CB_STOP)) return true;
  evictUnlock();
  return false;
}

/** Whether the system thread is changing where pages are. */
export function pagerIsAtWork(): bool {
  return atomic.load<u32>(control() + L.CB_EVICT_LOCK) == load<u32>(control() + L.CB_SLOTS) + L.VIEWS_MAX;
}

/**
 * Frees so many frames ahead of need, if it can: their number. The first `named` pages of the table of victims leave, and what of
 * them is left afterwards is for whoever needs frames; BY_CLOCK: the pages that CLOCK finds.
 */
export function pagerEvict(wanted: u32, named: u32): u32 {
  stackProbe();
  // Nothing is gained ahead where each page that leaves takes the copy of another.
  if (!atomic.load<u32>(control() + L.CB_SWAP_FREE) || !pagerBegin()) return 0;
  if (named == BY_CLOCK) translationsAsk();
  else victimsName(named);
  let freed: u32 = 0;
  while (freed < wanted && !atomic.load<u32>(control() + L.CB_STOP)) {
    const some = named == BY_CLOCK ? evictByClock(SLICE) : evictNamed(SLICE);
    freed += some;
    if (some < SLICE) break;
  }
  evictUnlock();
  return freed;
}

/**
 * Which pages are in memory, into the table of CB_HARVEST, and which of them were accessed since the last time: their number, or -1
 * if another thread evicts or the world stands still. No victim is named any more; TB_OUT_A: how many of them had been taken. O(frames)
 */
export function pagerHarvest(): i32 {
  stackProbe();
  if (!pagerBegin()) return -1;
  store<u32>(tb + L.TB_OUT_A, victimsTakeBack());
  const frames = load<u32>(control() + L.CB_FRAMES);
  const table = <usize>load<u32>(control() + L.CB_HARVEST);
  let found: i32 = 0;
  for (let frame: u32 = 0; frame < frames; frame++) {
    const page = pageIn(frame);
    if (!page) continue;
    store<u32>(table + (<usize>found << 2), page | useTake(page));
    found++;
  }
  evictUnlock();
  translationsAsk(); // bits are set by walks
  return found;
}

/** A run is read through its head, and written through any of its pages. */
function useTake(head: u32): u32 {
  let use: u32 = 0;
  const pages = pagesOf(head);
  for (let n: u32 = 0; n < pages; n++) {
    const entry = atomic.and<u64>(pteOf(head + n), ~(<u64>L.PTE_ACCESSED));
    if (entry & L.PTE_ACCESSED) use |= L.HARVEST_ACCESSED;
    if (entry & L.PTE_DIRTY) use |= L.HARVEST_DIRTY;
  }
  return use;
}
