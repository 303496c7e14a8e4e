/**
 * How the system thread goes about its duty: it does what can be done now, and asks again when the duty says so. In between the event
 * loop has its turn.
 *
 *   asked --0--> a turn of the event loop --> asked;   --n--> after n ms --> asked;   --Infinity--> parked until it is woken
 */
import { type Kernel, Layout as L } from "@ungil/kernel";

export interface Duty {
  /** Does what can be done now. Milliseconds until it wants to be asked again, Infinity: when frames are short. */
  round(): number;
}

export class DutyLoop {
  #isStopped = false;

  constructor(
    readonly kernel: Kernel,
    readonly duty: Duty,
  ) {}

  start(): void {
    setImmediate(this.#run);
  }

  stop(): void {
    this.#isStopped = true;
  }

  readonly #run = (): void => {
    if (this.#isStopped) return;
    const pause = this.duty.round();
    if (pause === 0) setImmediate(this.#run);
    else if (pause < Number.POSITIVE_INFINITY) setTimeout(this.#run, pause);
    else this.#park();
  };

  #park(): void {
    if (this.kernel.exports.systemPark() === 0) return void setImmediate(this.#run);
    // TypeScript's library has no Atomics.waitAsync yet.
    const { waitAsync } = Atomics as unknown as {
      waitAsync(array: Int32Array, index: number, value: number): { async: boolean; value: Promise<string> | string };
    };
    const wait = waitAsync(this.kernel.i32, (L.CB + L.CB_SYSTEM_PARK) >>> 2, 1);
    if (wait.async) (wait.value as Promise<string>).then(this.#run);
    else setImmediate(this.#run);
  }
}
