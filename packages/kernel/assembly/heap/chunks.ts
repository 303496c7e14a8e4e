/**
 * Lists of addresses that must grow without the heap's help: handles, limbo, the destroy stack. A chunk is one frame:
 * previous chunk, next chunk, then entries. Chunks come out of the frames that ordinary allocation leaves in reserve.
 *
 * A list is three words of the thread block: `top` (after the newest entry), `end` (of the chunk that top is in) and
 * `first` (chunk). A position in a list is a physical address; the end of a full chunk is a position of its own, and top
 * enters the next chunk only to append at once: so each position has exactly one address.
 */
import * as L from "../layout";
import { control, tb } from "../machine/registers";
import { framesProvide } from "../paging/evict";
import { frameAllocateFixed, frameFree } from "../paging/frames";
import { pastGiveUp } from "../paging/snapshots";

const SPARE_MAX: u32 = 8;
const LAST_FRAMES: u32 = 65536 >> L.PAGE_SHIFT; // for the PINS of the handles, which must be pinned before anything can be reclaimed
const SPARE_MIN: u32 = 2; // what one operation needs at most: one for limbo, one for another list

/** True if any two lists can grow by a chunk. Asked before an operation changes anything: then it cannot fail half-way. */
// @ts-ignore: decorator
@inline export function chunksAreReady(): bool {
  return load<u32>(tb + L.TB_CHUNK_COUNT) >= SPARE_MIN || chunksRefill();
}

function chunksRefill(): bool {
  while (load<u32>(tb + L.TB_CHUNK_COUNT) < SPARE_MIN) {
    framesProvide(1);
    if (atomic.load<u32>(control() + L.CB_FRAMES_FREE) <= LAST_FRAMES) {
      if (pastGiveUp() <= 0) return false;
      continue;
    }
    const frame = frameAllocateFixed();
    if (!frame) return false;
    chunkFree(frame);
  }
  return true;
}

export function chunkAllocate(): usize {
  const spare = <usize>load<u32>(tb + L.TB_CHUNKS);
  if (spare) {
    store<u32>(tb + L.TB_CHUNKS, load<u32>(spare));
    store<u32>(tb + L.TB_CHUNK_COUNT, load<u32>(tb + L.TB_CHUNK_COUNT) - 1);
    return spare;
  }
  return frameAllocateFixed();
}

export function chunkFree(chunk: usize): void {
  const spares = load<u32>(tb + L.TB_CHUNK_COUNT);
  if (spares >= SPARE_MAX) {
    frameFree(chunk);
    return;
  }
  store<u32>(chunk, load<u32>(tb + L.TB_CHUNKS));
  store<u32>(tb + L.TB_CHUNKS, <u32>chunk);
  store<u32>(tb + L.TB_CHUNK_COUNT, spares + 1);
}

/** Makes room for one more entry; returns the new top, or 0 when there is no frame left. `fields`: offset of top, end, first. */
export function listGrow(fields: u32): usize {
  const chunk = chunkAllocate();
  if (!chunk) return 0;
  const top = load<u32>(tb + fields);
  const previous: u32 = top ? top - L.PAGE_SIZE : 0;
  store<u32>(chunk, previous);
  store<u32>(chunk + 4, 0);
  if (previous) store<u32>(<usize>previous + 4, <u32>chunk);
  else store<u32>(tb + fields + 8, <u32>chunk);
  store<u32>(tb + fields, <u32>chunk + L.CHUNK_HEADER);
  store<u32>(tb + fields + 4, <u32>chunk + L.PAGE_SIZE);
  return chunk + L.CHUNK_HEADER;
}

/** Steps `position` back over the start of its chunk, freeing the chunk; the new position is the end of the previous one. */
export function listShrink(fields: u32, position: usize): usize {
  const chunk = position - L.CHUNK_HEADER;
  const previous = load<u32>(chunk);
  chunkFree(chunk);
  if (!previous) {
    store<u32>(tb + fields, 0);
    store<u32>(tb + fields + 4, 0);
    store<u32>(tb + fields + 8, 0);
    return 0;
  }
  store<u32>(<usize>previous + 4, 0);
  store<u32>(tb + fields, previous + L.PAGE_SIZE);
  store<u32>(tb + fields + 4, previous + L.PAGE_SIZE);
  return <usize>previous + L.PAGE_SIZE;
}

// @ts-ignore: decorator
@inline export function atChunkStart(position: usize): bool {
  return (position & L.PAGE_MASK) == L.CHUNK_HEADER;
}

/** Drops every entry above `position`. O(chunks dropped). */
export function listTruncate(fields: u32, position: usize): void {
  let top = <usize>load<u32>(tb + fields);
  while (top != position) {
    // Same chunk: (top - 1) and (position) share the frame, or position is that chunk's end.
    const chunk = (top - 1) & ~(<usize>L.PAGE_MASK);
    if (position > chunk && position <= chunk + L.PAGE_SIZE) {
      store<u32>(tb + fields, <u32>position);
      return;
    }
    top = listShrink(fields, chunk + L.CHUNK_HEADER);
    if (!top) return;
  }
}
