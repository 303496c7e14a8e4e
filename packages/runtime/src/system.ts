/**
 * The main thread's side of the system thread: starts it when it is needed, and another one in its place when it has ended. Until
 * then, and if there can be none, threads that need frames evict for themselves, and cycles wait.
 */
import { Layout as L } from "@ungil/kernel";
import type { CollectionReport } from "./collector.js";
import { ReplacementPolicyError } from "./errors.js";
import type { HostThread, ThreadHost } from "./host.js";
import type { MainThread } from "./main.js";
import { KERNELS } from "./pager.js";
import { unpack } from "./rebuild.js";

export interface SystemEvents {
  /** It has ended, and what it had in hand at that moment may be lost. True if there is to be another one. */
  died(): boolean;
  /** What was kept for a cut of the collector's is of no use any more. */
  closeCut(cut: number): void;
  /** Cycles were, because a thread was out of memory. */
  collected(report: CollectionReport): void;
  /** The policy was replaced. */
  policyFailed(error: ReplacementPolicyError): void;
}

export class System {
  #thread: HostThread | null = null;
  #starting: Promise<HostThread> | null = null;
  #stopped = false;
  #policy: string | null;

  /** `policy`: of page replacement, by its slug; null without a swap file. */
  constructor(
    readonly main: MainThread,
    readonly host: ThreadHost,
    policy: string | null,
    readonly events: SystemEvents,
  ) {
    this.#policy = policy;
  }

  /** Slug of the policy that is in force; null without a swap file. */
  get policy(): string | null {
    return this.#policy;
  }

  get isRunning(): boolean {
    return this.#thread !== null;
  }

  /** The thread, once it runs. */
  start(): Promise<HostThread> {
    this.#starting ??= this.#start().catch((error) => {
      this.#starting = null;
      throw error;
    });
    return this.#starting;
  }

  async #start(): Promise<HostThread> {
    const { machine, systemSlot: slot, collectorSlot } = this.main.kernel;
    const { policy } = this;
    const thread = await this.host.start(
      { kind: "system", machine, slot, collectorSlot, policy },
      {
        unhandled: () => undefined,
        cutClosed: (cut) => this.#closeCut(cut),
        collected: this.events.collected,
        policyFailed: (error) => this.#giveUp(unpack(error, "")),
      },
    );
    this.#thread = thread;
    thread.exited.then(() => this.#exited());
    return thread;
  }

  /** Another thread in its place does not try again. */
  #giveUp(cause: unknown): void {
    const error = new ReplacementPolicyError(String(this.#policy), KERNELS, { cause });
    this.#policy = KERNELS;
    this.events.policyFailed(error);
  }

  /** Starts it if it does not run. Null: it could not, or the thread has ended. */
  async collect(stopWorld: boolean): Promise<CollectionReport | null> {
    const thread = await this.start();
    const ended = thread.exited.then(() => null);
    return Promise.race([thread.ask((control) => control.collect(stopWorld)), ended]);
  }

  #closeCut(cut: number): void {
    if (this.main.heap.closed) return;
    this.main.kernel.u32[(L.CB + L.CB_COLLECT_CUT) >>> 2] = 0;
    this.events.closeCut(cut);
  }

  #exited(): void {
    this.#thread = null;
    this.#starting = null;
    if (this.#stopped || !this.events.died()) return;
    const { kernel, heap, x } = this.main;
    const { systemSlot, collectorSlot } = kernel;
    x.residenceRecover(systemSlot);
    if (kernel.u32[(kernel.threadBlock(collectorSlot) + L.TB_STATE) >>> 2] !== L.THREAD_FREE)
      heap.batch(() => x.threadAdopt(collectorSlot));
    const cut = kernel.control(L.CB_COLLECT_CUT);
    if (cut) this.#closeCut(cut);
    kernel.u32[(L.CB + L.CB_COLLECT_HOLDS) >>> 2] = 0; // what it held is lost, as `died` knows
    if (this.policy !== null) this.start().catch(() => undefined);
  }

  /** It is no more, though its exit is not known yet. */
  isGone(): boolean {
    return this.#thread?.isGone() ?? false;
  }

  /** None takes its place any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#starting?.catch(() => null);
    await this.#thread?.ask((control) => control.stop());
  }
}
