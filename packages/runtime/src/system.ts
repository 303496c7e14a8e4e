/**
 * The main thread's side of the system thread: starts it, and another one in its place when it has ended. Until then, and if there can
 * be none, threads that need frames evict for themselves.
 */
import type { HostThread, ThreadHost } from "./host.js";
import type { MainThread } from "./main.js";

export class System {
  #thread: HostThread | null = null;
  #stopped = false;

  /** `died`: it has ended, and what it had in hand at that moment may be lost. True if there is to be another one. */
  constructor(
    readonly main: MainThread,
    readonly host: ThreadHost,
    readonly policy: string,
    readonly died: () => boolean,
  ) {}

  async start(): Promise<void> {
    const { machine, systemSlot: slot } = this.main.kernel;
    const { policy } = this;
    const thread = await this.host.start({ kind: "system", machine, slot, policy }, { unhandled: () => undefined });
    this.#thread = thread;
    thread.exited.then(() => this.#exited());
  }

  #exited(): void {
    this.#thread = null;
    if (this.#stopped || !this.died()) return;
    this.main.x.residenceRecover(this.main.kernel.systemSlot);
    this.start().catch(() => undefined);
  }

  /** It is no more, though its exit is not known yet. */
  isGone(): boolean {
    return this.#thread?.isGone() ?? false;
  }

  /** None takes its place any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#thread?.ask((control) => control.stop());
  }
}
