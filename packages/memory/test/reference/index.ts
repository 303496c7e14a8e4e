import { aging, lfu, nru, workingSet, wTinyLfu } from "./bits.js";
import { clockPro } from "./clock-pro.js";
import { arc, lirs, s3fifo, sieve, twoQueue } from "./lists.js";
import { clock, fifo, lru, opt, type Reference, type Settings } from "./simple.js";

/** The reference of each policy. `trace`: for the one that knows the future. */
export const references: Record<string, (capacity: number, settings: Settings, trace: readonly number[]) => Reference> =
  {
    fifo,
    lru,
    clock,
    nru,
    lfu,
    aging,
    "2q": twoQueue,
    arc,
    lirs,
    "clock-pro": clockPro,
    "s3-fifo": s3fifo,
    sieve,
    "w-tinylfu": wTinyLfu,
    "working-set": workingSet,
    opt: (capacity, _settings, trace) => opt(capacity, trace),
  };
