// Plays the mutators' scripts in plain JavaScript and says what the shared world must hold after a round. Where order
// matters, the order is the journals'; everything else in the journals and in the world must follow from the scripts.
import {
  CELLS,
  type CellAction,
  mutatorSeed,
  needsWaiting,
  type SharedOp,
  SLOTS,
  type SlotAction,
  script,
} from "./script.js";

/** What the world holds, read out after a round. */
export interface Contents {
  tallies: [string, number][];
  peaks: [number, number][];
  registry: [string, number][];
  log: (number | string)[];
  /** Numbers of the parcels on the belt. */
  belt: number[];
  cells: { version: number; value: number; text: string; link: number | null; journal: number[] }[];
  slots: { parcel: number | null; journal: number[] }[];
}

/** What left the world in the round. */
export interface Taken {
  popped: number[];
  received: number[];
}

interface CellState {
  version: number;
  value: number;
  text: string;
  link: number | null;
}

type CellChange = { a: number; b: number; action: CellAction; amount: number };
type SlotChange = { a: number; b: number; action: SlotAction };

export class Oracle {
  readonly #tallies = new Map<string, number>();
  readonly #peaks = new Map<number, number>();
  readonly #registry = new Set<number>();
  readonly #cells: CellState[] = Array.from({ length: CELLS }, () => ({ version: 0, value: 0, text: "", link: null }));
  readonly #slots: (number | null)[] = Array(SLOTS).fill(null);
  readonly #tallyKey: (key: number) => string;

  constructor(tallyKey: (key: number) => string) {
    this.#tallyKey = tallyKey;
  }

  /** Plays a round, compares, and gives what is wrong. `shipped` are parcels that others put on the belt. */
  round(plays: Play[], found: Contents, taken: Taken, shipped: number[]): string[] {
    const faults: string[] = [];
    const pushed: number[] = [];
    const belt = [...shipped];
    const cellChanges = new Map<number, CellChange>();
    const slotChanges = new Map<number, SlotChange>();
    for (const play of plays) {
      const registered: number[] = [];
      for (const { shared } of script(play.seed, play.mutator, play.length)) {
        if (shared !== null && (play.waits || !needsWaiting(shared)))
          this.#play(shared, registered, pushed, belt, cellChanges, slotChanges);
      }
      for (const token of registered) this.#registry.add(token);
    }
    this.#compareDicts(found, faults);
    sameSet("log", pushed, [...found.log.map(Number), ...taken.popped], faults);
    sameSet("belt", belt, [...found.belt, ...taken.received], faults);
    this.#replayCells(found, cellChanges, faults);
    this.#replaySlots(found, slotChanges, faults);
    return faults;
  }

  /** After each round log, belt, registry and journals are emptied. */
  emptied(): void {
    this.#registry.clear();
  }

  #play(
    op: SharedOp,
    registered: number[],
    pushed: number[],
    belt: number[],
    cells: Map<number, CellChange>,
    slots: Map<number, SlotChange>,
  ): void {
    if (op.kind === "tally") this.#tally(op.key, op.by);
    else if (op.kind === "children") this.#tally(op.key, op.count);
    else if (op.kind === "peak") this.#peaks.set(op.key, Math.max(this.#peaks.get(op.key) ?? 0, op.at));
    else if (op.kind === "register") {
      registered.push(op.token);
      registered.splice(0, registered.length - op.keep);
    } else if (op.kind === "push") pushed.push(op.token);
    else if (op.kind === "ship") belt.push(op.token);
    else if (op.kind === "cells") cells.set(op.token, op);
    else if (op.kind === "slots") slots.set(op.token, op);
  }

  #tally(key: number, by: number): void {
    const name = this.#tallyKey(key);
    this.#tallies.set(name, (this.#tallies.get(name) ?? 0) + by);
  }

  #compareDicts(found: Contents, faults: string[]): void {
    sameMap("tallies", this.#tallies, found.tallies, faults);
    sameMap("peaks", this.#peaks, found.peaks, faults);
    sameMap("registry", new Map([...this.#registry].map((token) => [`entry ${token}`, token])), found.registry, faults);
  }

  #replayCells(found: Contents, changes: Map<number, CellChange>, faults: string[]): void {
    const due: number[][] = Array.from({ length: CELLS }, () => []);
    for (const [token, { a, b }] of changes) {
      due[a]!.push(token);
      due[b]!.push(token);
    }
    found.cells.forEach((cell, number) => {
      sameSet(`journal of cell ${number}`, due[number]!, cell.journal, faults);
      const state = this.#cells[number]!;
      for (const token of cell.journal) {
        const change = changes.get(token);
        if (change !== undefined) changeCell(state, change, number, token);
      }
      const { version, value, text, link } = cell;
      const [got, want] = [JSON.stringify({ version, value, text, link }), JSON.stringify(state)];
      if (got !== want) faults.push(`cell ${number} is ${got}, but its journal gives ${want}`);
    });
  }

  /** A change of two slots is next when it is next in both journals. */
  #replaySlots(found: Contents, changes: Map<number, SlotChange>, faults: string[]): void {
    const due: number[][] = Array.from({ length: SLOTS }, () => []);
    for (const [token, { a, b }] of changes) {
      due[a]!.push(token);
      due[b]!.push(token);
    }
    for (const [number, { journal }] of found.slots.entries())
      sameSet(`journal of slot ${number}`, due[number]!, journal, faults);
    const heads = found.slots.map(() => 0);
    const next = (slot: number): number | undefined => found.slots[slot]!.journal[heads[slot]!];
    const ready = found.slots.map((_, slot) => slot);
    while (ready.length > 0) {
      const token = next(ready.pop()!);
      const change = token === undefined ? undefined : changes.get(token);
      if (change === undefined || next(change.a) !== token || next(change.b) !== token) continue;
      changeSlots(this.#slots, change, token!);
      heads[change.a]!++;
      heads[change.b]!++;
      ready.push(change.a, change.b);
    }
    found.slots.forEach((slot, number) => {
      if (heads[number] !== slot.journal.length)
        faults.push(`journal of slot ${number}: no order of the changes explains it`);
      const want = this.#slots[number]!;
      if (slot.parcel !== want)
        faults.push(`slot ${number} holds parcel ${slot.parcel}, but the journals give ${want}`);
    });
  }
}

function changeCell(state: CellState, change: CellChange, number: number, token: number): void {
  const first = change.a === number;
  if (change.action === "transfer") state.value += first ? -change.amount : change.amount;
  else if (change.action === "rename") state.text = `${state.text.slice(-12)}/${token}`;
  else state.link = change.action === "unlink" ? null : first ? change.b : change.a;
  state.version++;
}

function changeSlots(slots: (number | null)[], { a, b, action }: SlotChange, token: number): void {
  const [mine, other] = [slots[a]!, slots[b]!];
  if (action === "fill") slots[a] = token;
  else if (action === "drop") slots[a] = null;
  else if (action === "copy") slots[b] = mine;
  else [slots[a], slots[b]] = [other, mine];
}

function sameMap<K>(what: string, due: Map<K, number>, found: [K, number][], faults: string[]): void {
  const got = new Map(found);
  if (got.size !== found.length) faults.push(`${what}: a key stands in it twice`);
  if (got.size !== due.size) faults.push(`${what}: ${got.size} keys, not ${due.size}`);
  for (const [key, value] of due) {
    if (got.get(key) !== value) faults.push(`${what}: ${String(key).slice(0, 40)} is ${got.get(key)}, not ${value}`);
  }
}

function sameSet(what: string, due: number[], found: number[], faults: string[]): void {
  const missing = new Set(due);
  for (const token of found) {
    if (!missing.delete(token)) faults.push(`${what}: ${token} was not put there, or is there twice`);
  }
  for (const token of missing) faults.push(`${what}: ${token} was lost`);
}

/** Who plays which script; a player that does not wait leaves out what needs a lock or a child. */
export interface Play {
  seed: number;
  mutator: number;
  length: number;
  waits: boolean;
}

/** The plays of the coroutines in a round. */
export function plays(seed: number, round: number, mutators: number, length: number): Play[] {
  return Array.from({ length: mutators }, (_, mutator) => ({
    seed: mutatorSeed(seed, round, mutator),
    mutator,
    length,
    waits: true,
  }));
}
