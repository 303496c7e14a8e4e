/** Asking for a collection, and waiting for one: the collector is in JavaScript, on the system thread. */
import * as L from "../layout";
import { stepDetach } from "../machine/epoch";
import { futexWait, futexWake } from "../machine/futex";
import { control } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { pinYoung } from "../heap/handle";
import { stepGoesOn } from "../heap/safepoint";

/**
 * Memory is out, and cycles may be in it: asks for a collection, and waits for one that ends, so many milliseconds at most.
 * Between two tries of an operation. True if one has ended.
 */
export function collectAwait(milliseconds: u32): bool {
  stackProbe();
  const ended = control() + L.CB_COLLECTIONS;
  const before = atomic.load<u32>(ended);
  if (!pinYoung()) return false;
  atomic.store<u32>(control() + L.CB_COLLECT_ASKED, 1);
  futexWake(control() + L.CB_COLLECT_ASKED, -1);
  stepDetach();
  futexWait(ended, before, <f64>milliseconds);
  stepGoesOn();
  return atomic.load<u32>(ended) != before;
}

/** A collection has ended. */
export function collectEnd(): void {
  atomic.add<u32>(control() + L.CB_COLLECTIONS, 1);
  futexWake(control() + L.CB_COLLECTIONS, -1);
}
