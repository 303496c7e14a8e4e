import { clock, fifo, lru, opt, type Reference, type Settings } from "./simple.js";

/** The reference of each policy. `trace`: for the one that knows the future. */
export const references: Record<string, (capacity: number, settings: Settings, trace: readonly number[]) => Reference> =
  {
    fifo,
    lru,
    clock,
    opt: (capacity, _settings, trace) => opt(capacity, trace),
  };
