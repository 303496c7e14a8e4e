/**
 * Scopes: how long a handle may be used. A wrapper of a shared object is an address and the scope it was read in; every
 * access tests `open` (one load, one branch), so a late use throws and never reaches memory.
 *
 *   step scope     open while its coroutine lives; what it holds is pinned at each yield
 *   inner scope    `scope(() => ...)`: open during the call
 *   kept           one object, counted, until it is released; `open` is always false, so that each access takes the slow
 *                  path, which looks whether this thread runs a step now or must make one of the access
 *   root           where a thread stands outside coroutines: reading there makes kept handles
 */
import { type HeapExports, Layout as L } from "@ungil/kernel";
import type { Heap } from "./heap.js";

/** One class for all of them: an accessor that meets two hidden classes of scope is half as slow again. */
export class Scope {
  /** A kept one whose count has been given back. */
  released = false;
  /** Of a kept one: cuts taken when it was kept, and where the runtime has noted it, 0 if nowhere. */
  born = 0;
  entry = 0;
  /** Of a coroutine that has not ended: if it is closed, that is until the next step. */
  pauses = false;
  /** The calls that building and walking a graph consist of, where one load finds them. */
  readonly refLoad: HeapExports["refLoad"];
  readonly structNewRefs: HeapExports["structNewRefs"];

  constructor(
    readonly heap: Heap,
    readonly x: HeapExports,
    /** True while accesses through this scope may go straight to the kernel. */
    public open: boolean,
    /** The scope of one counted handle. */
    readonly kept = false,
  ) {
    this.refLoad = x.refLoad;
    this.structNewRefs = x.structNewRefs;
  }

  /** Where a handle's own properties are printed, as of a spread `{ ...object }`. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[scope]";
  }
}

export function keptScope(heap: Heap): Scope {
  const scope = new Scope(heap, heap.x, false, true);
  scope.born = heap.kernel.control(L.CB_CUT);
  return scope;
}

/** What the thread does now: the innermost scope, or the root scope of the runtime that was started last, or nothing. */
export const thread: { scope: Scope | null } = { scope: null };

/** Does `work` in another scope. If that is another runtime's, the one that is left stays its heap's innermost. */
export function within<T>(scope: Scope, work: () => T): T {
  const outer = thread.scope;
  const left = outer?.open && outer.heap !== scope.heap ? outer.heap : null;
  const before = left ? left.resting : null;
  if (left) left.resting = outer;
  thread.scope = scope;
  try {
    return work();
  } finally {
    if (left) left.resting = before;
    thread.scope = outer;
  }
}

/** Where a handle on an object of this heap belongs now: its innermost open scope, also while another runtime's work runs. */
export function innermost(heap: Heap): Scope {
  const running = thread.scope;
  return running?.open && running.heap === heap ? running : (heap.resting ?? heap.root);
}
