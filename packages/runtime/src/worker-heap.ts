/**
 * A worker's heap: the handles that its JavaScript keeps are noted in shared memory too, so that the verifier finds every
 * count, and the counts of a thread that died can be given back.
 */
import { Heap, type Scope } from "@ungil/heap";
import type { SyncExports } from "./exports.js";
import { wakeForGarbage } from "./garbage.js";

export class WorkerHeap extends Heap {
  readonly #entries = new Map<number, number[]>();

  protected override wakeOthers(): void {
    wakeForGarbage(this.kernel, this.x as SyncExports);
  }

  override adopt(address: number): void {
    super.adopt(address);
    const entry = (this.x as SyncExports).keptAdd(address);
    if (entry === 0) return; // no memory for it: the handle works all the same
    const entries = this.#entries.get(address);
    if (entries) entries.push(entry);
    else this.#entries.set(address, [entry]);
  }

  override release(address: number, scope: Scope): void {
    const wasReleased = scope.released;
    super.release(address, scope);
    if (wasReleased || !scope.released || this.closed) return;
    const entries = this.#entries.get(address);
    const entry = entries?.pop();
    if (entries?.length === 0) this.#entries.delete(address);
    if (entry !== undefined) (this.x as SyncExports).keptDrop(entry);
  }
}
