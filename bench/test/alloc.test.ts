// The allocator's programs, as short as they go: each is checked; and what the check is for is found.
import { existsSync } from "node:fs";
import type { Kernel } from "@ungil/kernel";
import { Layout as L } from "@ungil/kernel";
import { describe, expect, it } from "vitest";
import type { Program } from "../alloc/programs.js";

// From dist: threads run files that were built.
const file = new URL("../dist/alloc/trial.js", import.meta.url);
const { Trial } = (await import(file.href)) as typeof import("../alloc/trial.js");
const { PORTS, PROGRAMS } = (await import(new URL("programs.js", file).href)) as typeof import("../alloc/programs.js");

const OPERATIONS = 6000;
/** Words of the board, at least. */
const WORDS = 1 << 14;
const named = (name: string): Program => PROGRAMS.find((program) => program.name === name)!;

/** Runs a check of a program; whatever happens its threads end. */
async function check(program: Program, gil: boolean, harm?: (kernel: Kernel, board: number) => void) {
  const trial = await Trial.start(program, gil);
  try {
    return { ...(await trial.check(OPERATIONS, harm)), ...(await trial.time(OPERATIONS)) };
  } finally {
    await trial.end();
  }
}

/** Physical address of the first block that stands in the board, and of the word that says so. */
function someBlock(kernel: Kernel, board: number): [block: number, slot: number] {
  for (let slot = board >>> 2; slot < (board >>> 2) + WORDS; slot++) {
    const word = kernel.u32[slot]!;
    const at = word >= L.PAGE_SIZE && word % 16 === 0 ? kernel.walk(word) : 0;
    if (at && (kernel.u32[at >>> 2]! & L.TYPE_MASK) === L.TYPE_FIRST_USER) return [at, slot];
  }
  throw new Error("no block stands in the board");
}

describe.each([
  ["gil", true],
  ["free", false],
])("alloc (%s)", (_, gil) => {
  it.each(PROGRAMS.map((program) => [program.name, program] as const))(
    "%s damages nothing and loses nothing",
    async (_, program) => {
      const { peakLive, peakFrames, operationsPerSecond, ratio } = await check(program, gil);
      expect(peakLive).toBeGreaterThan(0);
      expect(peakFrames).toBeGreaterThan(0);
      expect(operationsPerSecond).toBeGreaterThan(0);
      expect(ratio).toBeGreaterThan(0);
    },
    60_000,
  );

  it("a damaged block is found", async () => {
    const damage = (kernel: Kernel, board: number) => {
      const [at] = someBlock(kernel, board);
      kernel.u32[(at >>> 2) + 4]! ^= 1;
    };
    await expect(check(named("larson"), gil, damage)).rejects.toThrow("1 blocks were damaged");
  }, 60_000);

  it("a lost block is found", async () => {
    const lose = (kernel: Kernel, board: number) => {
      kernel.u32[someBlock(kernel, board)[1]] = 0;
    };
    await expect(check(named("larson"), gil, lose)).rejects.toThrow(/larson.*object 0x[0-9a-f]+ has type 32/);
  }, 60_000);
});

it("has the ten programs, and is built", () => {
  expect(existsSync(file)).toBe(true);
  expect(PROGRAMS.slice(0, PORTS).map(({ name }) => name)).toEqual([
    ...["larson", "xmalloc-test", "sh6bench", "sh8bench", "cache-scratch", "cache-thrash", "mstress", "rptest"],
    ...["alloc-test", "mleak"],
  ]);
});
