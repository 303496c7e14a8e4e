// queens in plain JavaScript: one thread, one recursion over the whole board.
import type { Job } from "../workload.js";
import { found, ways } from "./board.js";
import type { QueensParams } from "./workload.js";

export function plain({ n, passes }: QueensParams): Job {
  let solutions: number[] = [];
  return {
    run() {
      solutions = [];
      for (let pass = 0; pass < passes; pass++) solutions.push(ways((1 << n) - 1, 0, 0, 0));
    },
    checksum: () => found(solutions),
  };
}
