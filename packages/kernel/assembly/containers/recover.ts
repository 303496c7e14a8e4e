/** Recovery after the exit of a thread: the kernel lock that it held, the container that it was changing, its heap. */
import * as L from "../layout";
import { heapAdopt } from "../heap/adopt";
import { typeOf } from "../heap/object";
import { journalObject, journalUnlock } from "../machine/spin";
import { threadBlock } from "../machine/registers";
import { residenceRecover } from "../paging/residence";
import { readAddress } from "../paging/translate";
import { dictRecover } from "./dict";

/** The caller is attached, in no step, and the only one that adopts `slot`. */
export function threadAdopt(slot: u32): void {
  journalRecover(slot);
  heapAdopt(slot);
}

/**
 * Gives back the kernel lock that a thread held when it ended. What it was changing is set right first, while it is still
 * locked: whoever waits for it must not find it half changed. Allocates nothing, so it can be done in the middle of an operation.
 */
export function journalRecover(slot: u32): void {
  const block = threadBlock(slot);
  residenceRecover(slot);
  const changed = journalObject(block);
  if (changed && typeOf(readAddress(changed)) == L.TYPE_DICT) dictRecover(changed, load<u32>(block + L.TB_JOURNAL_BITS));
  journalUnlock(block);
}
