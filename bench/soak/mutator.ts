// Plays a script on the shared world and on objects of its own, and tells what it took out of the shared containers.
import {
  all,
  coroutines,
  type Guard,
  keep,
  lock,
  release,
  type Steps,
  scope,
  sleep,
  spawn,
  type Task,
  tryLock,
} from "ungil";
import { OwnObjects } from "./own.js";
import { makeParcel, type Parcel, parcelFault } from "./parcel.js";
import { needsWaiting, type SharedOp, script, type Waiting } from "./script.js";
import type { Cell, Slot, World } from "./world.js";
// A thread must have loaded the classes of the objects that it is given; types alone load nothing.
import "./world.js";

/** What a mutator did, as the oracle needs it. */
export interface Diary {
  shared: number;
  own: number;
  /** Tokens that it popped from the log. */
  popped: number[];
  /** Numbers of the parcels that it took from the belt. */
  received: number[];
}

export const { mutate, child, leave } = coroutines(import.meta, {
  *mutate(world: World, seed: number, mutator: number, length: number) {
    const diary: Diary = { shared: 0, own: 0, popped: [], received: [] };
    const own = new OwnObjects(seed);
    const registered: number[] = [];
    for (const { shared, steps, pause } of script(seed, mutator, length)) {
      for (let step = 0; step < steps; step++) own.step();
      diary.own += steps;
      if (shared !== null) {
        diary.shared++;
        if (needsWaiting(shared)) yield* wait(world, shared);
        else scope(() => at(world, shared, registered, diary));
      }
      if (pause === "yield") yield;
      else if (pause === "sleep") yield* sleep(shared === null ? 0 : 1);
    }
    own.close();
    return diary;
  },

  *child(world: World, key: number, turn: number, fail: boolean) {
    scope(() => world.tallies!.add(tallyKey(key), 1));
    yield;
    if (fail) throw new RangeError(`child ${turn} fails, as it was told to`);
    return key * 10 + turn;
  },

  /** Leaves objects of this thread's in the shared world, and ends the thread. */
  *leave(world: World, token: number, parcels: number) {
    scope(() => {
      for (let count = 0; count < parcels; count++) world.belt!.push(makeParcel(token + count));
    });
    yield;
    process.exit(0);
  },
});

export function tallyKey(key: number): string {
  // Some keys are long: they are compared by content, not by address.
  return key % 7 === 0 ? `tally ${key} `.repeat(40) : `tally ${key}`;
}

/** The operations that need no waiting. */
export function at(world: World, op: Exclude<SharedOp, Waiting>, registered: number[], diary: Diary): void {
  switch (op.kind) {
    case "tally":
      world.tallies!.add(tallyKey(op.key), op.by);
      break;
    case "peak":
      world.peaks!.update(op.key, (old) => Math.max(old ?? 0, op.at));
      break;
    case "register": {
      world.registry!.set(`entry ${op.token}`, op.token);
      registered.push(op.token);
      while (registered.length > op.keep) {
        const oldest = registered.shift()!;
        if (!world.registry!.delete(`entry ${oldest}`)) throw new Error(`registry: entry ${oldest} was lost`);
      }
      break;
    }
    case "push":
      world.log!.push(op.token % 2 === 0 ? op.token : String(op.token));
      break;
    case "pop": {
      const token = world.log!.pop();
      if (token !== undefined) diary.popped.push(Number(token));
      break;
    }
    case "ship":
      world.belt!.push(makeParcel(op.token));
      break;
    case "receive": {
      const parcel = world.belt!.pop();
      if (parcel !== undefined) diary.received.push(whole(parcel).number);
      break;
    }
    case "look": {
      const parcel = world.slots!.get(op.slot)!.parcel;
      if (parcel !== null) whole(parcel);
      break;
    }
  }
}

/** The operations that wait for a lock or a child. */
function* wait(world: World, op: Waiting): Steps<void> {
  if (op.kind === "cells") yield* changeCells(world, op);
  else if (op.kind === "slots") yield* changeSlots(world, op);
  else yield* children(world, op);
}

function whole(parcel: Parcel): Parcel {
  const fault = parcelFault(parcel);
  if (fault !== null) throw new Error(fault);
  return parcel;
}

function* changeCells(world: World, op: SharedOp & { kind: "cells" }): Steps<void> {
  const [a, b] = scope(() => [keep(world.cells!.get(op.a)!), keep(world.cells!.get(op.b)!)] as const);
  const attempt: Guard | null = op.attempt ? tryLock(a, b) : null;
  const guard = attempt ?? (yield* lock(a, b));
  scope(() => {
    changeCell(a, b, op, -1);
    if (op.hold === false) changeCell(b, a, op, 1);
  });
  if (op.hold) {
    yield;
    scope(() => changeCell(b, a, op, 1));
  }
  guard.release();
  release(a);
  release(b);
}

function changeCell(cell: Cell, other: Cell, op: SharedOp & { kind: "cells" }, sign: number): void {
  if (op.action === "transfer") cell.value += sign * op.amount;
  else if (op.action === "rename") cell.text = `${cell.text.slice(-12)}/${op.token}`;
  else cell.link = op.action === "link" ? other : null;
  cell.version += 1;
  cell.journal!.push(op.token);
}

function* changeSlots(world: World, op: SharedOp & { kind: "slots" }): Steps<void> {
  const [a, b] = scope(() => [keep(world.slots!.get(op.a)!), keep(world.slots!.get(op.b)!)] as const);
  const guard = yield* lock(a, b);
  if (op.hold) yield;
  scope(() => changeSlot(a, b, op));
  guard.release();
  release(a);
  release(b);
}

function changeSlot(a: Slot, b: Slot, op: SharedOp & { kind: "slots" }): void {
  const mine = a.parcel;
  const other = b.parcel;
  if (op.action === "fill") a.parcel = makeParcel(op.token);
  else if (op.action === "drop") a.parcel = null;
  else if (op.action === "copy") b.parcel = mine;
  else {
    // Between these two lines nothing but this step holds the parcel: its count may be 0, and comes back.
    a.parcel = null;
    b.parcel = null;
    a.parcel = other;
    b.parcel = mine;
  }
  if (mine !== null) whole(mine);
  if (other !== null) whole(other);
  a.journal!.push(op.token);
  b.journal!.push(op.token);
}

function* children(world: World, op: SharedOp & { kind: "children" }): Steps<void> {
  const tasks: Task<number>[] = [];
  for (let turn = 0; turn < op.count; turn++)
    tasks.push(yield* spawn(child, world, op.key, turn, op.fail && turn === 0));
  const failing = op.fail ? tasks.shift()! : null;
  if (failing !== null) {
    let message = "nothing";
    try {
      yield* failing;
    } catch (error) {
      message = error instanceof RangeError ? error.message : String(error);
    }
    if (message !== "child 0 fails, as it was told to") throw new Error(`a child that failed threw ${message}`);
  }
  const results = yield* all(tasks);
  results.forEach((result, at) => {
    const due = op.key * 10 + at + (failing === null ? 0 : 1);
    if (result !== due) throw new Error(`a child gave ${result}, not ${due}`);
  });
}
