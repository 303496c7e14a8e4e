/** The verifier's part for the swap file: slots, copies, and the states of page table entries. */
import { Layout as L } from "@ungil/kernel";
import type { Reader } from "./verify-reader.js";

const STATES: readonly number[] = [0, L.PTE_PRESENT, L.PTE_LEAVING, L.PTE_SWAPPED, L.PTE_SWAPPED | L.PTE_ARRIVING];

/** Each page is in one state, each slot in use is one page's, and the numbers of free and spare ones are right. */
export function checkSwap(reader: Reader): void {
  const { kernel } = reader;
  const slots = kernel.control(L.CB_SWAP_SLOTS);
  if (!slots) return;
  const map = kernel.control(L.CB_SWAP_MAP);
  const owners = new Map<number, number>();
  let held = 0; // by pages that are nowhere else, and versions
  const own = (slot: number, page: number) => {
    if (slot >= slots || owners.has(slot) || !reader.bit(map, slot))
      reader.violation("swap", `slot ${slot} of page ${page} is free, or page ${owners.get(slot)}'s`);
    owners.set(slot, page);
  };
  for (let page = 0; page < reader.pages; page++) {
    const [flags, number] = reader.entry(page);
    const state = flags & (L.PTE_PRESENT | L.PTE_LEAVING | L.PTE_SWAPPED | L.PTE_ARRIVING);
    if (!STATES.includes(state)) reader.violation("page-entry", `page ${page} has flags ${flags}`);
    const copy = reader.word(kernel.control(L.CB_SWAP_COPIES) + 4 * page) - 1;
    const isSwapped = (flags & L.PTE_SWAPPED) !== 0;
    if (isSwapped && copy >= 0) reader.violation("swap", `page ${page} is in slot ${number} and has a copy in ${copy}`);
    if (isSwapped) held++;
    if (isSwapped || copy >= 0) own(isSwapped ? number : copy, page);
    const history = kernel.control(L.CB_HISTORY) + page * L.HISTORY_SIZE;
    let left = kernel.control(L.CB_CUT);
    for (
      let at = reader.word(history + L.HISTORY_VERSIONS);
      at !== 0 && left > 0;
      at = reader.word(at + L.VERSION_NEXT)
    ) {
      const content = reader.word(at + L.VERSION_FRAME);
      if (content & L.VERSION_IN_SWAP) {
        own(content >>> 1, page);
        held++;
      }
      left--;
    }
  }
  if (!reader.exact) return;
  let used = 0;
  for (let slot = 0; slot < slots; slot++) if (reader.bit(map, slot)) used++;
  if (used !== owners.size || slots - used !== kernel.control(L.CB_SWAP_FREE))
    reader.violation(
      "swap",
      `${used} slots are in use, ${owners.size} by pages; ${kernel.control(L.CB_SWAP_FREE)} are counted free`,
    );
  if (slots - held !== kernel.control(L.CB_SWAP_SPARE))
    reader.violation(
      "swap",
      `${held} of ${slots} slots hold pages and versions; ${kernel.control(L.CB_SWAP_SPARE)} are counted spare`,
    );
}
