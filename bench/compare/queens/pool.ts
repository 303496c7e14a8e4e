// queens as people do it today: piscina, a board with two queens goes to a thread, a number comes back.
import type { Piscina } from "piscina";
import type { Job } from "../workload.js";
import { type Board, firstTwoRows, found, ways } from "./board.js";
import type { QueensParams } from "./workload.js";

export const poolFile = new URL(import.meta.url);

export function solveBoard({ n, taken, left, right }: Board & { n: number }): number {
  return ways((1 << n) - 1, taken, left, right);
}

export function pool(piscina: Piscina, { n, passes }: QueensParams): Job {
  let solutions: number[] = [];
  const solve = async (): Promise<number> => {
    const counts = await Promise.all(
      firstTwoRows(n).map((board): Promise<number> => piscina.run({ n, ...board }, { name: "solveBoard" })),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };
  return {
    async run() {
      solutions = [];
      for (let pass = 0; pass < passes; pass++) solutions.push(await solve());
    },
    checksum: () => found(solutions),
  };
}
