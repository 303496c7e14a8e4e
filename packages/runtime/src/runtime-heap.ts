/**
 * A thread's heap as part of a runtime: the handles that its JavaScript keeps are noted in shared memory (the kernel's
 * sync/held.ts), so that the verifier finds every count, the counts of a thread that died can be given back, and a heap that was
 * restored knows which handles there were.
 */
import { Heap, type Scope } from "@ungil/heap";
import { Layout as L, SyncLayout as S } from "@ungil/kernel";
import type { SyncExports } from "./exports.js";
import { wakeForGarbage } from "./garbage.js";

/** How long a thread that is out of memory waits for a collection. */
const PATIENCE = 5000; // ms

export class RuntimeHeap extends Heap {
  /** Cycles may hold what is needed. */
  override collect(): boolean {
    return (this.x as SyncExports).collectAwait(PATIENCE) !== 0;
  }

  protected override wakeOthers(): void {
    wakeForGarbage(this.kernel, this.x as SyncExports);
  }

  protected override note(address: number, scope: Scope): void {
    scope.entry = (this.x as SyncExports).keptAdd(address);
    if (scope.entry === 0) super.note(address, scope); // no memory for it: the handle works all the same
  }

  protected override forget(address: number, scope: Scope): void {
    if (scope.entry !== 0) (this.x as SyncExports).keptDrop(scope.entry);
    else super.forget(address, scope);
  }

  /** Whoever restores the heap takes the entries of what is void. What is noted nowhere is void whenever the heap is restored. */
  override isVoid({ entry, born }: Scope): boolean {
    if (entry === 0) return born < this.kernel.control(L.CB_RESTORED);
    const { u32 } = this.kernel;
    return u32[(entry + S.HELD_BORN) >>> 2] !== born || u32[(entry + S.HELD_TASK) >>> 2] !== S.HELD_KEPT;
  }
}
