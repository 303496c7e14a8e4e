/** The swap file of a runtime: made before its machine, closed when nothing uses it any more. */
import { closeSwap, type Kernel, openSwap, type SwapHandle } from "@ungil/kernel";
import type { Settings } from "./options.js";

/** Starts something with a swap file, if one is wanted. If that fails the file is given back. */
export async function withSwap<T>({ swap }: Settings, start: (handle: SwapHandle | null) => Promise<T>): Promise<T> {
  const handle = swap && openSwap(swap.bytes, swap.folder);
  try {
    return await start(handle);
  } catch (error) {
    if (handle) closeSwap(handle);
    throw error;
  }
}

/** No thread of the machine is left. */
export function endSwap({ machine }: Kernel): void {
  if (machine.swap) closeSwap(machine.swap);
}
