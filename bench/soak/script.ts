// What a mutator does, decided by its seed alone: no value that it reads changes what it does next. So the oracle can
// play the same script to know what the shared objects must come to, whatever the threads' interleaving was.
import { below, type Random, random } from "../compare/data/random.js";

export const CELLS = 24;
export const SLOTS = 32;
export const TALLIES = 40;

/** Operations on objects that all mutators share; `token` names the operation among all of its round. */
export type SharedOp =
  /** tallies.add(key, by) */
  | { kind: "tally"; key: number; by: number }
  /** peaks.update(key, the larger of old and `at`) */
  | { kind: "peak"; key: number; at: number }
  /** registry.set(token, by), and the deletion of the mutator's oldest entry but `keep` */
  | { kind: "register"; token: number; keep: number }
  /** log.push(token), as a number or as a text */
  | { kind: "push"; token: number }
  | { kind: "pop" }
  /** belt.push(a new parcel) */
  | { kind: "ship"; token: number }
  | { kind: "receive" }
  /** Under the locks of both cells. `hold`: yield while holding them; `attempt`: tryLock before lock. */
  | {
      kind: "cells";
      token: number;
      a: number;
      b: number;
      action: CellAction;
      amount: number;
      hold: boolean;
      attempt: boolean;
    }
  /** Under the locks of both slots. */
  | { kind: "slots"; token: number; a: number; b: number; action: SlotAction; hold: boolean }
  /** Reads a slot without its lock. */
  | { kind: "look"; slot: number }
  /** Spawns children, joins them, checks what they give; each of them tallies. */
  | { kind: "children"; count: number; key: number; fail: boolean };

export type Waiting = SharedOp & { kind: "cells" | "slots" | "children" };

/** Does the operation wait for a lock or a child? */
export function needsWaiting(op: SharedOp): op is Waiting {
  return op.kind === "cells" || op.kind === "slots" || op.kind === "children";
}

export type CellAction = "transfer" | "rename" | "link" | "unlink";
export type SlotAction = "fill" | "swap" | "copy" | "drop";

/** One step of a script: a shared operation, or `steps` operations on the mutator's own objects; then perhaps a yield. */
export interface Step {
  shared: SharedOp | null;
  steps: number;
  pause: "none" | "yield" | "sleep";
}

const CELL_ACTIONS: CellAction[] = ["transfer", "transfer", "rename", "link", "unlink"];
const SLOT_ACTIONS: SlotAction[] = ["fill", "fill", "swap", "swap", "copy", "drop"];

/** Tokens of one round: at most a million operations a mutator. */
export function tokenOf(mutator: number, step: number): number {
  return mutator * 1_000_000 + step;
}

export function mutatorSeed(seed: number, round: number, mutator: number): number {
  const next = random(
    Math.imul(seed, 0x9e3779b1) ^ Math.imul(round + 1, 0x85ebca6b) ^ Math.imul(mutator + 1, 0xc2b2ae35),
  );
  next();
  return next();
}

/** The script of a mutator: `length` steps, half of them on shared objects. */
export function* script(seed: number, mutator: number, length: number): Generator<Step, void, void> {
  const next = random(seed);
  for (let step = 0; step < length; step++) {
    const own = next() % 2 === 0;
    const shared = own ? null : sharedOp(next, tokenOf(mutator, step));
    const dice = next() % 64;
    yield { shared, steps: own ? 1 : 0, pause: dice === 0 ? "sleep" : dice < 8 ? "yield" : "none" };
  }
}

function sharedOp(next: Random, token: number): SharedOp {
  const dice = next() % 100;
  if (dice < 20) return { kind: "tally", key: below(next, TALLIES), by: 1 + below(next, 9) };
  if (dice < 28) return { kind: "peak", key: below(next, TALLIES), at: below(next, 1_000_000) };
  if (dice < 38) return { kind: "register", token, keep: below(next, 12) };
  if (dice < 46) return { kind: "push", token };
  if (dice < 54) return { kind: "pop" };
  if (dice < 62) return { kind: "ship", token };
  if (dice < 70) return { kind: "receive" };
  if (dice < 82) {
    const [a, b] = pair(next, CELLS);
    const action = CELL_ACTIONS[below(next, CELL_ACTIONS.length)]!;
    return {
      kind: "cells",
      token,
      a,
      b,
      action,
      amount: below(next, 1000),
      hold: next() % 8 === 0,
      attempt: next() % 4 === 0,
    };
  }
  if (dice < 93) {
    const [a, b] = pair(next, SLOTS);
    return {
      kind: "slots",
      token,
      a,
      b,
      action: SLOT_ACTIONS[below(next, SLOT_ACTIONS.length)]!,
      hold: next() % 16 === 0,
    };
  }
  if (dice < 98) return { kind: "look", slot: below(next, SLOTS) };
  return { kind: "children", count: 1 + below(next, 4), key: below(next, TALLIES), fail: next() % 4 === 0 };
}

function pair(next: Random, limit: number): [number, number] {
  const a = below(next, limit);
  return [a, (a + 1 + below(next, limit - 1)) % limit];
}
