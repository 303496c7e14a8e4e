/** Recovery after the exit of a thread: the kernel lock that it held, the container that it was changing, its heap. */
import * as L from "../layout";
import { heapAdopt } from "../heap/adopt";
import { typeOf } from "../heap/object";
import { journalRecover } from "../machine/spin";
import { threadBlock } from "../machine/registers";
import { readAddress } from "../paging/translate";
import { dictRecover } from "./dict";

/** The caller is attached, in no step, and the only one that adopts `slot`. */
export function threadAdopt(slot: u32): void {
  const changed = journalRecover(threadBlock(slot));
  if (changed && typeOf(readAddress(changed)) == L.TYPE_DICT) dictRecover(changed);
  heapAdopt(slot);
}
