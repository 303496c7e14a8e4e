/**
 * Pages as they were at a cut, for the collector, which looks through all of them while other threads write, and the main thread
 * closes snapshots. Who closes one takes records of versions out of their lists, and gives them back when no reader is left that
 * may stand on one: CB_PAST_READER (Dekker's way: the reader says that it reads, and follows the list then; the closer takes
 * the record out, and looks then).
 */
import * as L from "../layout";
import { futexWait } from "../machine/futex";
import { control, descriptors, tb, tid } from "../machine/registers";
import { worldIsMine } from "../heap/safepoint";
import { blockSizeAt, pageReadAt, stateAt, versionFind, writtenOf } from "../paging/history";

/** Reading may bring pages in, and others out: not while the world stands still, unless this thread has stopped it. */
function readBegin(): void {
  while (true) {
    atomic.store<u32>(control() + L.CB_PAST_READER, tid);
    const stop = atomic.load<u32>(control() + L.CB_STOP);
    if (!stop || worldIsMine()) return;
    pastEnd();
    futexWait(control() + L.CB_STOP, stop, 50);
  }
}

/** Also after an error in the middle of `pastRead`. */
export function pastEnd(): void {
  atomic.store<u32>(control() + L.CB_PAST_READER, 0);
}

/**
 * PAGE_* of a page at cut `cut`. OUT_B: bytes of a block; OUT_A: pages of a run, or the number of blocks that may ever have been
 * handed out. (Of an open page these are all: where it was open is to be copied when the cut is taken.)
 */
export function pastLook(page: u32, cut: u32): u32 {
  readBegin();
  const state = stateAt(page, cut);
  if (state != L.PAGE_FREE) {
    store<u32>(tb + L.TB_OUT_B, blockSizeAt(page, cut));
    if (state == L.PAGE_SMALL) store<u32>(tb + L.TB_OUT_A, carvedAt(page, cut));
  }
  pastEnd();
  return state;
}

function carvedAt(page: u32, cut: u32): u32 {
  const carved = load<u32>(descriptors + <usize>page * L.PAGE_DESCRIPTOR_SIZE + L.PD_CARVED);
  if (writtenOf(page) < cut) return carved; // looked at afterwards: whoever changes it makes a version first
  const record = versionFind(page, cut);
  return record ? load<u32>(record + L.VERSION_DESCRIPTOR + L.PD_CARVED) : 0;
}

/** Copies what a page was to a frame: PAGE_*; PAGE_FREE if there was none. */
export function pastRead(page: u32, cut: u32, to: u32): u32 {
  readBegin();
  const state = pageReadAt(page, cut, to);
  pastEnd();
  return state;
}
