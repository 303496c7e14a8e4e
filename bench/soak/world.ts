// The objects that all mutators of a soak share. Each kind is used so that what it must come to is known exactly:
// by operations whose order does not matter, or under locks and with a journal that tells the order.
import { type Class, coroutines, Dict, dict, f64, List, list, ref, str, struct, u32 } from "ungil";
import { Parcel } from "./parcel.js";
import { CELLS, SLOTS } from "./script.js";

/** Changed under its lock only; the journal holds the token of every change, in order. */
export class Cell extends struct("soak.Cell", {
  number: u32,
  version: u32,
  value: f64,
  text: str,
  link: ref((): Class<Cell> => Cell),
  journal: list<number>(),
}) {}

/** Holds a parcel or none; changed under its lock only. */
export class Slot extends struct("soak.Slot", {
  number: u32,
  parcel: ref((): Class<Parcel> => Parcel),
  journal: list<number>(),
}) {}

export class World extends struct("soak.World", {
  tallies: dict<string, number>(),
  peaks: dict<number, number>(),
  registry: dict<string, number>(),
  log: list<number | string>(),
  belt: list<Parcel>(),
  cells: list<Cell>(),
  slots: list<Slot>(),
}) {}

export const { makeWorld, breakCycles } = coroutines(import.meta, {
  *makeWorld() {
    const cells = new List<Cell>();
    for (let number = 0; number < CELLS; number++) {
      cells.push(new Cell({ number, version: 0, value: 0, text: "", link: null, journal: new List<number>() }));
    }
    const slots = new List<Slot>();
    for (let number = 0; number < SLOTS; number++) slots.push(new Slot({ number, journal: new List<number>() }));
    return new World({
      tallies: new Dict<string, number>(),
      peaks: new Dict<number, number>(),
      registry: new Dict<string, number>(),
      log: new List<number | string>(),
      belt: new List<Parcel>(),
      cells,
      slots,
    });
  },

  /** Links between cells may run in circles, which counts alone do not free. */
  *breakCycles(world: World) {
    for (const cell of world.cells!) cell.link = null;
  },
});
