// The oracle of the soak: it agrees with a world that was changed rightly, and names each kind of wrong.
import { beforeEach, describe, expect, it } from "vitest";
import { type Contents, Oracle, type Play, plays, type Taken } from "../soak/oracle.js";
import { CELLS, type SharedOp, SLOTS, script } from "../soak/script.js";

const key = (number: number): string => `tally ${number}`;

/** The world as plain objects, changed by the scripts in one of the orders that are possible. */
class PlainWorld {
  readonly contents: Contents = {
    tallies: [],
    peaks: [],
    registry: [],
    log: [],
    belt: [],
    cells: Array.from({ length: CELLS }, () => ({ version: 0, value: 0, text: "", link: null, journal: [] })),
    slots: Array.from({ length: SLOTS }, () => ({ parcel: null, journal: [] })),
  };
  readonly taken: Taken = { popped: [], received: [] };

  /** One step of each player in turn. */
  play(all: readonly Play[]): void {
    const scripts = all.map((play) => script(play.seed, play.mutator, play.length));
    const registered = all.map((): number[] => []);
    for (let alive = true; alive; ) {
      alive = false;
      scripts.forEach((steps, player) => {
        const { value, done } = steps.next();
        if (done) return;
        alive = true;
        if (value.shared !== null) this.#do(value.shared, registered[player]!);
      });
    }
  }

  #do(op: SharedOp, registered: number[]): void {
    const { contents, taken } = this;
    const put = <K>(entries: [K, number][], at: K, change: (old: number) => number): void => {
      const entry = entries.find(([name]) => name === at);
      if (entry === undefined) entries.push([at, change(0)]);
      else entry[1] = change(entry[1]);
    };
    if (op.kind === "tally") put(contents.tallies, key(op.key), (old) => old + op.by);
    else if (op.kind === "children") put(contents.tallies, key(op.key), (old) => old + op.count);
    else if (op.kind === "peak") put(contents.peaks, op.key, (old) => Math.max(old, op.at));
    else if (op.kind === "register") {
      contents.registry.push([`entry ${op.token}`, op.token]);
      registered.push(op.token);
      while (registered.length > op.keep) {
        const oldest = `entry ${registered.shift()}`;
        contents.registry.splice(
          contents.registry.findIndex(([name]) => name === oldest),
          1,
        );
      }
    } else if (op.kind === "push") contents.log.push(String(op.token));
    else if (op.kind === "pop") {
      if (contents.log.length > 0) taken.popped.push(Number(contents.log.pop()));
    } else if (op.kind === "ship") contents.belt.push(op.token);
    else if (op.kind === "receive") {
      if (contents.belt.length > 0) taken.received.push(contents.belt.pop()!);
    } else if (op.kind === "cells") {
      for (const [cell, other, sign] of [
        [op.a, op.b, -1],
        [op.b, op.a, 1],
      ] as const) {
        const state = contents.cells[cell]!;
        state.version++;
        state.journal.push(op.token);
        if (op.action === "transfer") state.value += sign * op.amount;
        else if (op.action === "rename") state.text = `${state.text.slice(-12)}/${op.token}`;
        else state.link = op.action === "link" ? other : null;
      }
    } else if (op.kind === "slots") {
      const [a, b] = [contents.slots[op.a]!, contents.slots[op.b]!];
      a.journal.push(op.token);
      b.journal.push(op.token);
      if (op.action === "fill") a.parcel = op.token;
      else if (op.action === "drop") a.parcel = null;
      else if (op.action === "copy") b.parcel = a.parcel;
      else [a.parcel, b.parcel] = [b.parcel, a.parcel];
    }
  }
}

describe("oracle", () => {
  const all = plays(42, 0, 4, 1500);
  let world: PlainWorld;
  const faults = (): string[] => new Oracle(key).round(all, world.contents, world.taken, []);

  beforeEach(() => {
    world = new PlainWorld();
    world.play(all);
  });

  it("agrees with a world that was changed rightly, round after round", () => {
    expect(faults()).toEqual([]);
    const oracle = new Oracle(key);
    oracle.round(all, world.contents, world.taken, []);
    oracle.emptied();
    for (const container of [...world.contents.cells, ...world.contents.slots]) container.journal.length = 0;
    Object.assign(world.contents, { registry: [], log: [], belt: [] });
    Object.assign(world.taken, { popped: [], received: [] });
    const next = plays(42, 1, 4, 500);
    world.play(next);
    expect(oracle.round(next, world.contents, world.taken, [])).toEqual([]);
  });

  it("uses every kind of operation, half of them shared", () => {
    const steps = all.flatMap((play) => [...script(play.seed, play.mutator, play.length)]);
    const kinds = new Set(steps.map(({ shared }) => shared?.kind));
    expect(kinds.size).toBe(12);
    const shared = steps.filter((step) => step.shared !== null).length / steps.length;
    expect(Math.abs(shared - 0.5)).toBeLessThan(0.03);
  });

  it.each<[string, RegExp, (world: PlainWorld) => void]>([
    ["a lost increment", /tallies: .* is \d+, not/, ({ contents }) => contents.tallies[3]![1]--],
    ["a lost key", /peaks: .* keys, not/, ({ contents }) => contents.peaks.pop()],
    [
      "a key that stands there twice",
      /registry: a key stands in it twice/,
      ({ contents }) => contents.registry.push(contents.registry[0]!),
    ],
    ["a lost element", /log: \d+ was lost/, ({ contents }) => contents.log.pop()],
    ["an element that came twice", /belt: .* twice/, ({ contents }) => contents.belt.push(contents.belt[0]!)],
    ["a lost update of a locked field", /cell 5 is/, ({ contents }) => (contents.cells[5]!.value += 1)],
    [
      "changes in another order",
      /cell \d+ is/,
      ({ contents }) => contents.cells.map(({ journal }) => journal.reverse()),
    ],
    ["a journal entry lost", /journal of cell 2: \d+ was lost/, ({ contents }) => contents.cells[2]!.journal.pop()],
    ["a parcel in the wrong slot", /slot 1 holds parcel/, ({ contents }) => (contents.slots[1]!.parcel = 7)],
    [
      "an order that cannot be",
      /no order of the changes explains it/,
      ({ contents }) => contents.slots[4]!.journal.reverse(),
    ],
  ])("names %s", (_, message, change) => {
    change(world);
    expect(faults().join("\n")).toMatch(message);
  });
});
