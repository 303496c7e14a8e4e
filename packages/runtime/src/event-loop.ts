/**
 * How a thread that runs steps lives in node's event loop: it runs them in *runs*, synchronously, until there is nothing to
 * do or it is time for a turn of the event loop (timers, promises and messages come in there). In between it holds nothing.
 *
 *   running --nothing to do--> a turn of microtasks (a promise may be settled) --> spin --> parked in the event loop
 */
import { type Heap, releasing } from "@ungil/heap";
import { type Kernel, Layout as L, SyncLayout as S } from "@ungil/kernel";
import type { SyncExports } from "./exports.js";
import { Thread } from "./thread.js";

const TURN_WITH_PENDING = 2; // ms between turns of the event loop if timers or promises are waited for
const TURN = 8; // ms otherwise
const SETTLES = 32;
const LATER = 10; // ms

type Phase = "idle" | "running" | "parked" | "stopped";

export abstract class EventLoopThread extends Thread {
  #phase: Phase = "idle";
  #parkSerial = 0;
  #pending = 0;
  #sinceTurn = performance.now();
  /** Low word of the microseconds that this thread has waited for the GIL, and what it was when the last turn ended. */
  readonly #gilWait: number;
  #gilWaitBefore = 0;
  /** A turn of microtasks was tried since the last step. */
  protected microtasksTried = false;
  readonly #park: number;
  /** Turns of the event loop that went in vain into its own garbage since it had something else to do. */
  #settles = 0;

  constructor(
    kernel: Kernel<SyncExports>,
    heap: Heap,
    readonly spinRounds: number,
  ) {
    super(kernel, heap);
    this.#park = (kernel.block + S.TB_PARK) >>> 2;
    this.#gilWait = (kernel.block + L.TB_COUNTERS + 8 * S.COUNTER_GIL_WAIT) >>> 2;
  }

  /** Runs steps; true if there is more to do after a turn of the event loop. */
  protected abstract run(): boolean;

  start(): void {
    setImmediate(() => this.#pump());
  }

  stop(): void {
    this.#phase = "stopped";
    this.x.parkEnd();
  }

  protected get isStopped(): boolean {
    return this.#phase === "stopped";
  }

  /**
   * Whether a run has lasted long enough for the event loop to have its turn. Waiting for the GIL does not count: a turn gives
   * it up, so a thread that has just waited for it would get less of it than the others.
   */
  protected isTurnDue(now: number): boolean {
    const limit = this.#pending > 0 ? TURN_WITH_PENDING : TURN;
    const elapsed = now - this.#sinceTurn;
    if (elapsed <= limit) return false;
    const waited = ((this.kernel.u32[this.#gilWait] as number) - this.#gilWaitBefore) >>> 0;
    return elapsed - waited / 1000 > limit;
  }

  #turnTaken(now: number): void {
    this.#sinceTurn = now;
    this.#gilWaitBefore = this.kernel.u32[this.#gilWait] as number;
  }

  poke(): void {
    if (this.#phase !== "parked") return;
    this.#phase = "idle";
    this.x.parkEnd();
    queueMicrotask(() => this.#pump());
  }

  /** A timer or a promise is waited for: the thread is not still. */
  pendingMore(): void {
    this.pending = ++this.#pending;
  }

  pendingLess(): void {
    this.pending = --this.#pending;
  }

  #pump(): void {
    if (this.#phase === "running" || this.#phase === "stopped") return;
    this.#phase = "running";
    const now = performance.now();
    if (now - this.#sinceTurn > TURN) this.#turnTaken(now);
    const more = this.run();
    if (this.isStopped) return;
    this.#phase = "idle";
    if (more) return this.#turn();
    if (this.#pending > 0 && !this.microtasksTried && performance.now() - this.#sinceTurn < TURN_WITH_PENDING) {
      this.microtasksTried = true;
      queueMicrotask(() => this.#pump());
      return;
    }
    this.microtasksTried = false;
    this.#parkNow();
  }

  /** A turn of the event loop. */
  #turn(): void {
    setImmediate(() => {
      this.#turnTaken(performance.now());
      this.#pump();
    });
  }

  #parkNow(): void {
    const { x, kernel } = this;
    if (x.parkSpin(this.spinRounds)) return this.#turn();
    if (x.garbageIsLeft() && this.#settles < SETTLES) {
      x.runBegin();
      const left = releasing(() => x.limboSettle());
      x.runEnd();
      this.#settles = left === 1 ? this.#settles + 1 : 0;
      return this.#turn();
    }
    const isLeft = this.#settles === SETTLES;
    this.#settles = 0;
    if (!x.parkBegin()) return this.#turn();
    // Another thread is in a long step: later, then. The timer keeps nobody awake.
    if (isLeft) setTimeout(() => this.poke(), LATER).unref();
    this.#phase = "parked";
    const serial = ++this.#parkSerial;
    // TypeScript's library has no Atomics.waitAsync yet.
    const { waitAsync } = Atomics as unknown as {
      waitAsync(array: Int32Array, index: number, value: number): { async: boolean; value: Promise<string> | string };
    };
    const wait = waitAsync(kernel.i32, this.#park, 1);
    const wake = () => {
      if (serial !== this.#parkSerial || this.#phase !== "parked") return;
      x.parkEnd();
      this.#phase = "idle";
      this.#turnTaken(performance.now());
      this.#pump();
    };
    if (wait.async) (wait.value as Promise<string>).then(wake);
    else setImmediate(wake);
  }
}
