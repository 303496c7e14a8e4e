/**
 * Snapshots of a runtime's heap: taken while every coroutine is between two steps, so a snapshot divides none; read while they
 * go on; disposed of when they are no longer needed, for until then each page that is written for the first time is kept.
 */
import {
  isWrapper,
  NotSharedError,
  RuntimeClosedError,
  type Shared,
  SnapshotClosedError,
  SnapshotHeap,
  SnapshotLostError,
  scope,
  within,
} from "@ungil/heap";
import { Kernel, Layout as L, OutOfMemoryError } from "@ungil/kernel";
import { RestoreBusyError, SnapshotLimitError, SnapshotNotRestorableError, SnapshotTimeoutError } from "./errors.js";
import { type SavedImage, type SaveOptions, saveImage } from "./images.js";
import type { MainThread } from "./main.js";
import { timeoutOf } from "./options.js";
import { type Besides, copyBesides, restoreHeap } from "./restore.js";

/** How long threads that are between two steps may be held up by one that is not: at first, and then twice as long. */
const BOUND = 0.5; // ms
/** Between two tries: so long as the last one lasted, and a little. */
const BREAK = 0.2;
/** How often what could be given back is, and a restore tried again, when there is no room for it. */
const TRIES = 3;

export class Snapshot {
  readonly #snapshots: Snapshots;
  readonly #cut: number;
  /** When it was taken, as Date.now() tells. */
  readonly time = Date.now();

  /** @internal */
  constructor(snapshots: Snapshots, cut: number) {
    this.#snapshots = snapshots;
    this.#cut = cut;
  }

  /** Number of the cut: snapshots that were taken later have a greater one. */
  get number(): number {
    return this.#cut;
  }

  /**
   * A handle on what a shared object was when the snapshot was taken; what is read through it is of that moment as well. It
   * is read-only. O(1); a page that has not been written since is copied when it is first read.
   */
  see<T extends Shared>(object: T): T {
    if (!isWrapper(object)) throw new NotSharedError("snapshot.see()", object);
    return this.#snapshots.heapOf(this.#cut).see(object) as unknown as T;
  }

  /** Does synchronous work in one step of the snapshot: much faster than one for each access. */
  scope<T>(work: () => T): T {
    const heap = this.#snapshots.heapOf(this.#cut);
    return heap.batch((outer) => within(outer, () => scope(work)));
  }

  /**
   * Saves what the roots lead to into a file, while coroutines go on; `Runtime.open` brings it back. The file holds the old image
   * or the new one, whatever happens meanwhile. Pages that it has already are not written again. In slices: O(what is reached).
   */
  save(file: string | URL, options: SaveOptions): Promise<SavedImage> {
    return this.#snapshots.save(this.#cut, this.time, file, options);
  }

  /**
   * Makes the heap again what it was when this snapshot was taken. O(pages that have changed since then, or since it was restored
   * last), but for a look at each page and at each handle that is kept. All snapshots stay open. A handle that was made before
   * the snapshot and is still kept is valid; one that was made later throws `ReleasedHandleError`. Between coroutines only:
   * rejects with `SnapshotNotRestorableError` if some were under way when the snapshot was taken, with `RestoreBusyError` if some
   * are now, or a lock is held, or threads have not come to rest after `timeout` ms (10,000); with `OutOfMemoryError` if there is
   * no room for pages that were given back since. Then nothing has changed.
   */
  async restore(options: { timeout?: number } = {}): Promise<void> {
    await this.#snapshots.restore(this.#cut, timeoutOf("snapshot.restore()", options));
  }

  /** Gives back what only this snapshot needed. Its handles work no more. Twice is once. O(pages). */
  dispose(): void {
    this.#snapshots.dispose(this.#cut);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export class Snapshots {
  readonly #main: MainThread;
  readonly #isComplete: () => boolean;
  readonly #open = new Map<number, SnapshotHeap | null>();
  /** Of those that can be restored. */
  readonly #besides = new Map<number, Besides>();
  /** Instances of the kernel that read none now. */
  readonly #views: Kernel[] = [];
  #viewsMade = 0;

  /** `isComplete`: whether all threads have started; one that has not takes frames, whatever the world does. */
  constructor(main: MainThread, isComplete: () => boolean) {
    this.#main = main;
    this.#isComplete = isComplete;
  }

  /** Takes one as soon as all coroutines are between two steps. Rejects after `timeout` ms. */
  async take(timeout: number): Promise<Snapshot> {
    const until = performance.now() + timeout;
    await Promise.resolve(); // this thread's own step, if it is in one, is over then
    for (let bound = BOUND; ; bound = Math.min(2 * bound, until - performance.now())) {
      const cut = this.#try(bound);
      if (this.#main.heap.closed) throw new RuntimeClosedError();
      if (cut > 0) {
        this.#open.set(cut, null);
        return new Snapshot(this, cut);
      }
      if (cut === 0) throw new SnapshotLimitError(L.SNAPSHOTS_MAX, "open");
      if (performance.now() > until) throw new SnapshotTimeoutError(timeout);
      await new Promise((resolve) => setTimeout(resolve, bound + BREAK));
    }
  }

  /** The number of the cut; 0: too many snapshots are open; -1: a step went on for longer than `bound`. */
  #try(bound: number): number {
    const { x, heap } = this.#main;
    if (heap.closed) return -1;
    const late = performance.now() + bound;
    if (!x.worldStop(L.STOP_AT_YIELD)) return -1;
    try {
      while (!x.worldIsStopped()) if (performance.now() > late) return -1;
      const cut = x.snapshotTake();
      const besides = cut > 0 ? copyBesides(this.#main, cut) : null;
      if (besides) this.#besides.set(cut, besides);
      return cut;
    } finally {
      x.worldResume();
    }
  }

  async save(cut: number, time: number, file: string | URL, options: SaveOptions): Promise<SavedImage> {
    return saveImage(this.#main, { cut, time, mustBeOpen: () => this.#mustBeOpen(cut) }, file, options);
  }

  /** Restores the heap as soon as all threads are at rest. Rejects after `timeout` ms. */
  async restore(cut: number, timeout: number): Promise<void> {
    const main = this.#main;
    const until = performance.now() + timeout;
    await Promise.resolve(); // this thread's own step, if it is in one, is over then
    for (let tries = 0; ; await new Promise((resolve) => setTimeout(resolve, 1))) {
      this.#mustBeOpen(cut);
      const besides = this.#besides.get(cut);
      if (!besides) throw new SnapshotNotRestorableError();
      if (main.outstanding > 0) throw new RestoreBusyError("coroutines");
      const obstacle = this.#isComplete() && main.heap.takeGil(until) ? restoreHeap(main, cut, besides) : "threads";
      if (!obstacle) return;
      if (obstacle === "lost") throw new SnapshotLostError();
      if (obstacle === "memory") {
        if (tries++ === TRIES) throw new OutOfMemoryError("Restoring a snapshot");
        main.heap.batch(() => main.heap.reclaim(1));
      } else if (obstacle === "locks" || performance.now() > until) throw new RestoreBusyError(obstacle);
    }
  }

  #mustBeOpen(cut: number): void {
    if (!this.#open.has(cut)) throw this.#main.heap.closed ? new RuntimeClosedError() : new SnapshotClosedError();
  }

  heapOf(cut: number): SnapshotHeap {
    this.#mustBeOpen(cut);
    const heap = this.#open.get(cut);
    if (heap) return heap;
    const view = this.#views.pop() ?? this.#makeView();
    view.exports.viewOpen(cut);
    const made = new SnapshotHeap(view, this.#main.heap, cut);
    this.#open.set(cut, made);
    return made;
  }

  #makeView(): Kernel {
    if (this.#viewsMade === L.VIEWS_MAX) throw new SnapshotLimitError(L.VIEWS_MAX, "read");
    const { kernel } = this.#main;
    const view = new Kernel(kernel.machine, kernel.control(L.CB_SLOTS) + this.#viewsMade++);
    view.lockAwaited = kernel.lockAwaited; // it is this thread that waits, and events wait meanwhile
    return view;
  }

  /** The runtime has closed: handles that nobody has released are left alone. */
  close(): void {
    for (const heap of this.#open.values()) heap?.close();
    this.#open.clear();
    this.#besides.clear();
  }

  dispose(cut: number): void {
    const heap = this.#open.get(cut);
    if (heap === undefined || this.#main.heap.closed) return;
    if (heap?.isRunning) {
      heap.onEnd = () => this.dispose(cut); // in the middle of its own scope: when that is over
      return;
    }
    this.#open.delete(cut);
    this.#besides.delete(cut);
    if (heap) {
      heap.onEnd = null;
      heap.close();
      heap.kernel.exports.viewClose();
      this.#views.push(heap.kernel);
    }
    this.closeCut(cut);
  }

  /** Gives back what was kept for a cut, of a snapshot or of the collector's. */
  closeCut(cut: number): void {
    const { x } = this.#main;
    x.snapshotClose(cut);
    // What only lost ones had is gone too: their views must not find it where it was.
    for (const [other, heap] of this.#open) if (heap && !x.snapshotIsWhole(other)) heap.kernel.exports.viewOpen(other);
  }
}
