// Reads the shared world out into plain values for the oracle, and empties what only one round may fill.

import type { Contents } from "./oracle.js";
import { parcelFault } from "./parcel.js";
import type { World } from "./world.js";

export function readOut(world: World, faults: string[]): Contents {
  const number = (parcel: Parameters<typeof parcelFault>[0]): number => {
    const fault = parcelFault(parcel);
    if (fault !== null) faults.push(fault);
    return parcel.number;
  };
  return {
    tallies: world.tallies!.entries(),
    peaks: world.peaks!.entries(),
    registry: world.registry!.entries(),
    log: world.log!.toArray(),
    belt: world.belt!.toArray().map(number),
    cells: world.cells!.toArray().map(({ version, value, text, link, journal }) => ({
      version,
      value,
      text,
      link: link === null ? null : link.number,
      journal: journal!.toArray(),
    })),
    slots: world.slots!.toArray().map(({ parcel, journal }) => ({
      parcel: parcel === null ? null : number(parcel),
      journal: journal!.toArray(),
    })),
  };
}

/** Empties log, belt, registry and journals. */
export function empty(world: World): void {
  drain(world.log!);
  drain(world.belt!);
  for (const key of world.registry!.keys()) world.registry!.delete(key);
  for (const { journal } of world.cells!) drain(journal!);
  for (const { journal } of world.slots!) drain(journal!);
}

function drain(list: { readonly length: number; pop(): unknown }): void {
  while (list.length > 0) list.pop();
}
