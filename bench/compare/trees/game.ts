// The rules of the game: how many trees of which depth, who builds them, and what is printed.
import type { TreesParams } from "./workload.js";

export type Depths = Pick<TreesParams, "least" | "most">;

export interface Part {
  depth: number;
  iterations: number;
}

/** The depths, each with its number of trees. */
export function depths({ least, most }: Depths): Part[] {
  const all: Part[] = [];
  for (let depth = least; depth <= most; depth += 2) all.push({ depth, iterations: 2 ** (most - depth + least) });
  return all;
}

/** `iterations` cut into at most `parts` parts that differ by one at most. */
export function split({ depth, iterations }: Part, parts: number): Part[] {
  const count = Math.min(parts, iterations);
  return Array.from({ length: count }, (_, part) => ({
    depth,
    iterations: Math.floor((iterations * (part + 1)) / count) - Math.floor((iterations * part) / count),
  }));
}

/** What was printed in a run: once if it was the same in every game. */
export function printed(outputs: readonly string[]): string {
  return [...new Set(outputs)].join("\n\n");
}

/** The game's output; `checks` has the sum of nodes for each of `depths(params)`. */
export function output(params: Depths, stretch: number, checks: readonly number[], longLived: number): string {
  return [
    `stretch tree of depth ${params.most + 1}\t check: ${stretch}`,
    ...depths(params).map(
      ({ depth, iterations }, at) => `${iterations}\t trees of depth ${depth}\t check: ${checks[at]}`,
    ),
    `long lived tree of depth ${params.most}\t check: ${longLived}`,
  ].join("\n");
}
