// Fields of one block of memory are many files' business: no two may stand in the same place.
import * as Kernel from "@ungil/kernel";
import { describe, expect, it } from "vitest";

const fields: Record<string, number> = { ...Kernel.Layout, ...Kernel.SyncLayout } as never;

/** Blocks, by the prefix of their fields' names; what is one in a field's place on purpose, or no field. */
const BLOCKS: Record<string, readonly string[]> = {
  CB: ["CB_SIZE"],
  TB: [],
  COUNTER: ["COUNTER_SYNC"], // where those of sync begin
};

function shared(all: Record<string, number>, block: string, apart: readonly string[]): string[] {
  const places = new Map<number, string[]>();
  for (const [name, place] of Object.entries(all)) {
    if (!name.startsWith(`${block}_`) || apart.includes(name)) continue;
    places.set(place, [...(places.get(place) ?? []), name]);
  }
  return [...places.values()].filter((names) => names.length > 1).map((names) => names.join(" and "));
}

describe("no two fields stand in one place", () => {
  it.each(Object.entries(BLOCKS))("%s", (block, apart) => {
    expect(Object.keys(fields).filter((name) => name.startsWith(`${block}_`)).length).toBeGreaterThan(10);
    expect(shared(fields, block, apart)).toEqual([]);
  });

  it("two that do are found", () => {
    expect(shared({ CB_ONE: 4, CB_TWO: 8, CB_THREE: 4, TB_ONE: 8 }, "CB", [])).toEqual(["CB_ONE and CB_THREE"]);
  });
});
