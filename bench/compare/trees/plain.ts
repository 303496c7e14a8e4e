// trees in plain JavaScript: one thread, plain objects, V8's garbage collector.
import type { Job } from "../workload.js";
import { depths, output, printed } from "./game.js";
import type { TreesParams } from "./workload.js";

interface Tree {
  left: Tree | null;
  right: Tree | null;
}

export function build(depth: number): Tree {
  return depth === 0 ? { left: null, right: null } : { left: build(depth - 1), right: build(depth - 1) };
}

export function count(tree: Tree): number {
  return tree.left === null ? 1 : 1 + count(tree.left) + count(tree.right!);
}

function play(params: TreesParams): string {
  const stretch = count(build(params.most + 1));
  const longLived = build(params.most);
  const checks = depths(params).map(({ depth, iterations }) => {
    let check = 0;
    for (let tree = 0; tree < iterations; tree++) check += count(build(depth));
    return check;
  });
  return output(params, stretch, checks, count(longLived));
}

export function plain(params: TreesParams): Job {
  let outputs: string[] = [];
  return {
    run() {
      outputs = [];
      for (let game = 0; game < params.games; game++) outputs.push(play(params));
    },
    checksum: () => printed(outputs),
  };
}
