// queens as coroutines: the numbers come back through join, nothing is shared.
import { coroutines, type Runtime, type Steps, spawn, type Task } from "ungil";
import type { Job } from "../workload.js";
import { firstTwoRows, found, placements, ways } from "./board.js";
import type { QueensParams } from "./workload.js";

/** A placement of the first four rows takes far less than this, so a task yields at least every millisecond. */
const PATIENCE_MS = 0.5;

export const { solve, solveBoard } = coroutines(import.meta, {
  *solve(n: number): Steps<number> {
    const tasks: Task<number>[] = [];
    for (const { taken, left, right } of firstTwoRows(n)) tasks.push(yield* spawn(solveBoard, n, taken, left, right));
    let solutions = 0;
    for (const task of tasks) solutions += yield* task;
    return solutions;
  },

  *solveBoard(n: number, taken: number, left: number, right: number) {
    const full = (1 << n) - 1;
    let solutions = 0;
    let since = performance.now();
    for (const third of placements(n, { taken, left, right })) {
      for (const fourth of placements(n, third)) {
        solutions += ways(full, fourth.taken, fourth.left, fourth.right);
        if (performance.now() - since < PATIENCE_MS) continue;
        yield;
        since = performance.now();
      }
    }
    return solutions;
  },
});

export function shared(rt: Runtime, { n, passes }: QueensParams): Job {
  let solutions: number[] = [];
  return {
    async run() {
      solutions = [];
      for (let pass = 0; pass < passes; pass++) solutions.push(await rt.run(solve, n));
    },
    checksum: () => found(solutions),
  };
}
