/**
 * Version records, in frames of their own. Their lock is held in straight-line code only, in which no thread can be terminated, so
 * it is in no journal: who comes here may hold a container's lock, which is. A record that has been taken is noted until it is a
 * page's, a view's, or free again: a thread that ends has one in hand at most.
 */
import * as L from "../layout";
import { control, tb } from "../machine/registers";
import { spinPause } from "../machine/spin";
import { framesAwait } from "./evict";
import { frameAllocateFixed, frameFree } from "./frames";

// @ts-ignore: decorator
@inline function recordsLock(): void {
  let round: u32 = 0;
  while (atomic.cmpxchg<u32>(control() + L.CB_VERSION_LOCK, 0, 1) != 0) spinPause(round++);
}

// @ts-ignore: decorator
@inline function recordsUnlock(): void {
  atomic.store<u32>(control() + L.CB_VERSION_LOCK, 0);
}

/** A version record, or 0 if there is no frame for more of them. */
export function recordTake(): usize {
  if (!atomic.load<u32>(control() + L.CB_VERSION_FREE)) recordsAdd();
  recordsLock();
  const record = <usize>load<u32>(control() + L.CB_VERSION_FREE);
  if (record) {
    store<u32>(control() + L.CB_VERSION_FREE, load<u32>(record));
    store<u32>(control() + L.CB_VERSIONS, load<u32>(control() + L.CB_VERSIONS) + 1);
    store<u32>(tb + L.TB_RECORD, <u32>record);
  }
  recordsUnlock();
  return record;
}

/** It is a page's, or a view's. In the straight line that makes it so. */
// @ts-ignore: decorator
@inline export function recordPlaced(): void {
  store<u32>(tb + L.TB_RECORD, 0);
}

export function recordGive(record: usize): void {
  recordsLock();
  if (load<u32>(tb + L.TB_RECORD) == <u32>record) store<u32>(tb + L.TB_RECORD, 0);
  store<u32>(record, load<u32>(control() + L.CB_VERSION_FREE));
  store<u32>(control() + L.CB_VERSION_FREE, <u32>record);
  store<u32>(control() + L.CB_VERSIONS, load<u32>(control() + L.CB_VERSIONS) - 1);
  recordsUnlock();
}

/** What a thread had in hand when it ended. */
export function recordRecover(block: usize): void {
  const record = load<u32>(block + L.TB_RECORD);
  store<u32>(block + L.TB_RECORD, 0);
  if (record) recordGive(record);
}

/** The record of what a view has copied, and its frames. */
export function runRecordGive(record: usize): void {
  const frames = load<u32>(record + L.VERSION_FRAME);
  for (let n = load<u32>(record + L.VERSION_RUN_PAGES); n > 0; n--) frameFree(frames + ((n - 1) << L.PAGE_SHIFT));
  recordGive(record);
}

/** A frame of records: they are never given back, for there are always some. */
function recordsAdd(): void {
  const frame = framesAwait(1) ? frameAllocateFixed() : <usize>0;
  if (!frame) return;
  let offset: u32 = 0;
  for (; offset + L.VERSION_SIZE < L.PAGE_SIZE; offset += L.VERSION_SIZE)
    store<u32>(frame + offset, <u32>frame + offset + L.VERSION_SIZE);
  recordsLock();
  store<u32>(frame + offset, load<u32>(control() + L.CB_VERSION_FREE));
  store<u32>(control() + L.CB_VERSION_FREE, <u32>frame);
  recordsUnlock();
}
