/** `rt.heap`: where the memory of a runtime is. */
import { type HeapStats, OptionError, readHeapStats } from "@ungil/heap";
import type { MainThread } from "./main.js";
import { checkNames } from "./options.js";
import { stopWorld } from "./world.js";

export interface HeapStatsOptions {
  /** Stops the world meanwhile, so that all figures are of one moment. Otherwise threads go on, and each figure is right by itself. */
  readonly exact?: boolean;
  /** Counts objects by type as well. That looks at every block, also of pages in the swap file. */
  readonly types?: boolean;
}

export class HeapMemory {
  readonly #main: MainThread;
  readonly #mustBeOpen: () => void;

  /** @internal */
  constructor(main: MainThread, mustBeOpen: () => void) {
    this.#main = main;
    this.#mustBeOpen = mustBeOpen;
  }

  /**
   * Where every byte and every frame is: by size class, by thread, by purpose, and by type if asked for. Printed, or as a text, it reads
   * like CPython's `sys._debugmallocstats()`. O(pages of the address space); with `types` O(heap).
   */
  stats(options: HeapStatsOptions = {}): HeapStats {
    this.#mustBeOpen();
    checkNames(WHERE, options, ["exact", "types"]);
    const exact = flag(options, "exact");
    const types = flag(options, "types");
    const { kernel } = this.#main;
    if (!exact) return readHeapStats(kernel, false, types);
    return stopWorld(this.#main, () => readHeapStats(kernel, true, types));
  }
}

const WHERE = "rt.heap.stats()";

function flag(options: HeapStatsOptions, name: keyof HeapStatsOptions): boolean {
  const value = options[name] ?? false;
  if (typeof value !== "boolean") throw new OptionError(WHERE, name, "true or false", value);
  return value;
}
