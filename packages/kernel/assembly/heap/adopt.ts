/**
 * Adoption: a thread has ended (its exit was seen: nothing of it runs any more) and another takes over its pages, limbo,
 * newborns, pins and retired runs. Its counters stay, its slot can be used again.
 */
import * as L from "../layout";
import { control, count, descriptors, tb, threadBlock, tid } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { writeAddressOrNone } from "../paging/translate";
import { descriptorOf, translationsYield } from "./arenas";
import { binOf, binPush } from "./bins";
import { bumpClose } from "./bump";
import { atChunkStart, chunkFree } from "./chunks";
import { destroyPush, newbornLeave } from "./destroy";
import { pinsRelease } from "./handle";
import { judgedAdopt, limboAdopt } from "./limbo";

/** Takes over everything that belongs to `slot`. O(pages). */
export function heapAdopt(slot: u32): void {
  stackProbe();
  const block = threadBlock(slot);
  atomic.store<u32>(block + L.TB_STATE, L.THREAD_DEAD);
  pagesAdopt(slot);
  retiredAdopt(block);
  newbornsAdopt(block);
  destroyAdopt(block);
  chunksFree(block + L.TB_BORROW_TOP);
  judgedAdopt(block);
  limboAdopt(block);
  pinsRelease(block + L.TB_OWN_PINS);
  pinsRelease(block + L.TB_CACHE_PINS);
  pinsRelease(block + L.TB_CACHE_OLD);
  let chunk = <usize>load<u32>(block + L.TB_CHUNKS);
  while (chunk) {
    const next = <usize>load<u32>(chunk);
    chunkFree(chunk);
    chunk = next;
  }
  memory.fill(block + L.TB_TASK, 0, L.TB_UNFULL - L.TB_TASK);
  memory.fill(block + L.TB_BINS, 0, L.SMALL_CLASSES << 2);
  atomic.store<u32>(block + L.TB_REQUEST, 0);
  atomic.store<u32>(block + L.TB_STATE, L.THREAD_FREE);
}

function pagesAdopt(slot: u32): void {
  for (let sizeClass: u32 = 0; sizeClass < L.SMALL_CLASSES; sizeClass++) bumpClose(threadBlock(slot), sizeClass);
  const pages = load<u32>(control() + L.CB_VIRTUAL_PAGES);
  for (let page: u32 = 1; page < pages; page++) {
    const descriptor = descriptors + (<usize>page << 6);
    const state = load<u32>(descriptor + L.PD_STATE);
    const owner = load<u32>(descriptor + L.PD_OWNER);
    if (state == L.PAGE_FREE || state == L.PAGE_RUN_TAIL || (owner & ~L.OWNER_RUN) != slot) continue;
    store<u32>(descriptor + L.PD_OWNER, tid | (owner & L.OWNER_RUN));
    if (state == L.PAGE_RUN) continue;
    count(L.COUNTER_ADOPTIONS);
    // A full page that was announced stands on a stack, ours or the dead thread's, and is listed when that is collected.
    if (atomic.load<u32>(descriptor + L.PD_FULL) == 2) continue;
    if (atomic.xchg<u32>(descriptor + L.PD_FULL, 0) == 2) atomic.store<u32>(descriptor + L.PD_FULL, 2);
    else binPush(binOf(descriptor), descriptor);
  }
  let announced = <usize>atomic.xchg<u32>(threadBlock(slot) + L.TB_UNFULL, 0);
  while (announced) {
    const next = <usize>load<u32>(announced + L.PD_UNFULL_NEXT);
    if (load<u32>(announced + L.PD_OWNER) == tid) {
      binPush(binOf(announced), announced);
      atomic.store<u32>(announced + L.PD_FULL, 0);
    }
    announced = next;
  }
}

function retiredAdopt(block: usize): void {
  let descriptor = <usize>load<u32>(block + L.TB_RETIRED_HEAD);
  while (descriptor) {
    const next = <usize>load<u32>(descriptor + L.PD_NEXT);
    store<u32>(descriptor + L.PD_NEXT, load<u32>(tb + L.TB_RETIRED_HEAD));
    store<u32>(tb + L.TB_RETIRED_HEAD, <u32>descriptor);
    descriptor = next;
  }
}

/**
 * What the thread had created and nobody stored. It dies at later safepoints, an object at a time: what hangs on it may be more than
 * fits into memory, and in the middle of this nothing can leave.
 */
function newbornsAdopt(block: usize): void {
  let top = <usize>load<u32>(block + L.TB_NEWBORN_TOP);
  while (top) {
    if (atChunkStart(top)) {
      const chunk = top - L.CHUNK_HEADER;
      const previous = load<u32>(chunk);
      chunkFree(chunk);
      top = previous ? <usize>previous + L.PAGE_SIZE : 0;
      continue;
    }
    top -= 4;
    const va = load<u32>(top);
    if (!blockIsOurs(va)) continue;
    translationsYield();
    const p = writeAddressOrNone(va);
    if (!p || !load<u32>(p)) continue;
    if (load<u32>(p + L.OBJECT_COUNT) & L.COUNT_NEWBORN) {
      store<u32>(p + L.OBJECT_COUNT, L.COUNT_DYING);
      destroyPush(va);
    } else {
      newbornLeave(va, p);
    }
  }
}

/** The thread may have died while it was dropping newborns: their blocks are free, their pages perhaps another thread's. */
function blockIsOurs(va: u32): bool {
  const descriptor = descriptorOf(va);
  const state = load<u32>(descriptor + L.PD_STATE); // its taker sets the owner first
  return (state == L.PAGE_SMALL || state == L.PAGE_RUN) && (load<u32>(descriptor + L.PD_OWNER) & ~L.OWNER_RUN) == tid;
}

function destroyAdopt(block: usize): void {
  let top = <usize>load<u32>(block + L.TB_DESTROY_TOP);
  while (top) {
    if (atChunkStart(top)) {
      const chunk = top - L.CHUNK_HEADER;
      const previous = load<u32>(chunk);
      chunkFree(chunk);
      top = previous ? <usize>previous + L.PAGE_SIZE : 0;
      continue;
    }
    top -= 4;
    destroyPush(load<u32>(top));
  }
}

function chunksFree(list: usize): void {
  let chunk = <usize>load<u32>(list + 8);
  while (chunk) {
    const next = <usize>load<u32>(chunk + 4);
    chunkFree(chunk);
    chunk = next;
  }
}
