// trees on shared objects: a tree is freed by its counts as soon as the scope that made it closes.
import {
  type Class,
  coroutines,
  keep,
  type Runtime,
  ref,
  release,
  type Steps,
  scope,
  spawn,
  struct,
  type Task,
} from "ungil";
import type { Job } from "../workload.js";
import { depths, output, printed, split } from "./game.js";
import type { TreesParams } from "./workload.js";

/**
 * How many nodes a part makes before it lets others run: those of one of the largest trees, which cannot be divided, so that
 * all steps take about as long.
 */
const PATIENCE = 2 ** 17 - 1;

export class Tree extends struct("bench.Tree", {
  left: ref((): Class<Tree> => Tree),
  right: ref((): Class<Tree> => Tree),
}) {}

function build(depth: number): Tree {
  return depth === 0 ? new Tree() : new Tree({ left: build(depth - 1), right: build(depth - 1) });
}

function count(tree: Tree): number {
  const left = tree.left;
  return left === null ? 1 : 1 + count(left) + count(tree.right!);
}

export const { play, grow } = coroutines(import.meta, {
  *play(least: number, most: number, parts: number): Steps<string> {
    const params = { least, most };
    const stretch = scope(() => count(build(most + 1)));
    const longLived = scope(() => keep(build(most)));
    const tasks: Task<number>[][] = [];
    for (const part of depths(params)) {
      const spawned: Task<number>[] = [];
      for (const { depth, iterations } of split(part, parts)) spawned.push(yield* spawn(grow, depth, iterations));
      tasks.push(spawned);
    }
    const checks: number[] = [];
    for (const spawned of tasks) {
      let check = 0;
      for (const task of spawned) check += yield* task;
      checks.push(check);
    }
    const lines = output(
      params,
      stretch,
      checks,
      scope(() => count(longLived)),
    );
    release(longLived);
    return lines;
  },

  *grow(depth: number, iterations: number) {
    let check = 0;
    let made = 0;
    for (let tree = 0; tree < iterations; tree++) {
      check += scope(() => count(build(depth)));
      made += 2 ** (depth + 1);
      if (made < PATIENCE) continue;
      made = 0;
      yield;
    }
    return check;
  },
});

export function shared(rt: Runtime, { least, most, parts, games }: TreesParams): Job {
  let outputs: string[] = [];
  return {
    async run() {
      outputs = [];
      for (let game = 0; game < games; game++) outputs.push(await rt.run(play, least, most, parts));
    },
    checksum: () => printed(outputs),
  };
}
