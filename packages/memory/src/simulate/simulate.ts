/**
 * Runs policies over a trace: every policy with every number of frames, side by side, in one pass. The trace itself is
 * never held. OPT comes last, over what `Spool` has kept for it.
 */
import { setImmediate as breathe } from "node:timers/promises";
import { SimulationError, TraceError } from "../errors.js";
import {
  type Opt,
  POLICIES,
  type PolicyEntry,
  type PolicyOptions,
  policyEntry,
  type ReplacementPolicy,
} from "../policies/index.js";
import { batches, type References } from "./references.js";
import { Spool } from "./spool.js";
import { Tlb, type TlbReport, type TlbShape, tlbShape } from "./tlb.js";

export interface SimulationOptions {
  /** Numbers of frames. */
  frames: readonly number[];
  /** Slugs; all policies if left out. */
  policies?: readonly string[];
  /** Options of policies, by slug. */
  options?: Readonly<Record<string, PolicyOptions>>;
  /** A TLB to simulate beside them: "64x4" is 64 entries in sets of 4. */
  tlb?: string | TlbShape;
  /** Ends the simulation with its reason. */
  signal?: AbortSignal;
  /** Called a few times a second. */
  onProgress?: (progress: SimulationProgress) => void;
}

export interface SimulationProgress {
  phase: "trace" | "look-ahead" | "opt";
  /** References done in this phase. */
  references: number;
  /** Their number, 0 while it is unknown. */
  total: number;
}

export interface SimulationRow {
  policy: string;
  frames: number;
  faults: number;
  hits: number;
  /** The policy's options, defaults filled in, and what it has measured. */
  params: Record<string, number | boolean>;
}

export interface SimulationReport {
  rows: SimulationRow[];
  references: number;
  tlb?: TlbReport;
}

interface Run {
  entry: PolicyEntry;
  frames: number;
  policy: ReplacementPolicy;
  faults: number;
}

/** How long to work before letting events in: an interrupt, a stream. */
const TURN_MS = 30;
const SHOW_MS = 200;

/**
 * Faults and hits of each policy with each number of frames. The trace is page numbers in memory, or what `readTrace`
 * reads. Rows come by policy, then by frames, in the order given.
 */
export async function simulate(
  trace: AsyncIterable<References> | Iterable<number>,
  options: SimulationOptions,
): Promise<SimulationReport> {
  const { signal, onProgress } = options;
  const runs = plan(options);
  const tlb = options.tlb === undefined ? undefined : new Tlb(shape(options.tlb));
  const online = runs.filter(({ entry }) => entry.online);
  const offline = runs.filter(({ entry }) => !entry.online);
  const spool = offline.length > 0 ? new Spool() : undefined;
  let worked = performance.now();
  let shown = worked;
  const turn = async (phase: SimulationProgress["phase"], references: number, total: number): Promise<void> => {
    const now = performance.now();
    if (now - worked < TURN_MS) return;
    if (now - shown > SHOW_MS) {
      shown = now;
      onProgress?.({ phase, references, total });
    }
    await breathe();
    signal?.throwIfAborted();
    worked = performance.now();
  };
  try {
    signal?.throwIfAborted();
    let references = 0;
    const source = Symbol.asyncIterator in trace ? trace : batches(trace);
    for await (const batch of source) {
      for (const run of online) {
        runBatch(run, batch);
        await turn("trace", references, 0);
      }
      tlb?.run(batch);
      spool?.append(batch);
      references += batch.count;
      await turn("trace", references, 0);
    }
    if (references === 0) throw new TraceError("the trace is empty: there is no reference in it");
    if (spool !== undefined) {
      await spool.lookAhead((share) => turn("look-ahead", Math.round(share * references), references));
      for (const { pages, future, from } of spool.blocks()) {
        for (const run of offline) {
          runBlock(run, pages, future);
          await turn("opt", from, references);
        }
      }
    }
    const rows = runs.map(({ entry: { slug }, frames, faults, policy }) => {
      return { policy: slug, frames, faults, hits: references - faults, params: policy.params() };
    });
    return tlb === undefined ? { rows, references } : { rows, references, tlb: tlb.report() };
  } finally {
    spool?.close();
  }
}

function plan({ frames, policies = [...POLICIES.keys()], options = {} }: SimulationOptions): Run[] {
  if (frames.length === 0) throw new SimulationError("no number of frames is given");
  if (policies.length === 0) throw new SimulationError("no policy is given");
  for (const slug of Object.keys(options)) policyEntry(slug);
  return policies.flatMap((slug) => {
    const entry = policyEntry(slug);
    return frames.map((count) => ({ entry, frames: count, policy: entry.create(count, options[slug]), faults: 0 }));
  });
}

const shape = (tlb: string | TlbShape): TlbShape => (typeof tlb === "string" ? tlbShape(tlb) : tlb);

function runBatch(run: Run, { pages, writes, count }: References): void {
  const { policy } = run;
  let faults = 0;
  for (let n = 0; n < count; n++) if (!policy.access(pages[n]!, writes[n] === 1)) faults++;
  run.faults += faults;
}

function runBlock(run: Run, pages: Uint32Array, future: Uint32Array): void {
  const policy = run.policy as Opt;
  policy.foresee(future);
  let faults = 0;
  for (let n = 0; n < pages.length; n++) if (!policy.access(pages[n]!)) faults++;
  run.faults += faults;
}
