/** Page table entries: a frame and flags, 64 bits, atomic in both builds. */
import * as L from "../layout";
import { control } from "../machine/registers";
import { spinPause } from "../machine/spin";

// @ts-ignore: decorator
@inline export function pteOf(page: u32): usize {
  return <usize>load<u32>(control() + L.CB_PAGE_TABLE) + (<usize>page << 3);
}

/** Physical address of the frame of an entry that is present. */
// @ts-ignore: decorator
@inline export function frameOf(entry: u64): usize {
  return <usize>load<u32>(control() + L.CB_FRAME_BASE) + (<usize>(entry >> L.PTE_FRAME_SHIFT) << L.PAGE_SHIFT);
}

// @ts-ignore: decorator
@inline function entryOf(frame: usize): u64 {
  const number = <u64>((frame - load<u32>(control() + L.CB_FRAME_BASE)) >> L.PAGE_SHIFT);
  return (number << L.PTE_FRAME_SHIFT) | (L.PTE_PRESENT | L.PTE_READ | L.PTE_WRITE);
}

/** Maps a frame readable and writable, or with 0 none, whatever was mapped. No other thread looks at the entry. */
export function pteReplace(pte: usize, frame: usize): void {
  atomic.store<u64>(pte, frame ? entryOf(frame) : 0);
}

/** Maps a frame readable and writable; false if the entry was present already, or is locked at this moment. */
export function pteInstall(pte: usize, frame: usize): bool {
  return atomic.cmpxchg<u64>(pte, 0, entryOf(frame)) == 0;
}

/** Takes an entry's lock. Its holder neither waits nor calls nor loops, so it cannot be terminated with it. */
// @ts-ignore: decorator
@inline export function pteLock(pte: usize): void {
  let round: u32 = 0;
  while (atomic.or<u64>(pte, L.PTE_LOCK) & L.PTE_LOCK) spinPause(round++);
}

// @ts-ignore: decorator
@inline export function pteUnlock(pte: usize): void {
  atomic.and<u64>(pte, ~(<u64>L.PTE_LOCK));
}
