// trees on V8's own shared structs: the program of the peer's process, started with --harmony-struct. It plays the games
// of each message and answers with what it printed and how long it took.
import { depths, output, printed } from "./game.js";
import type { TreesParams } from "./workload.js";

interface Tree {
  left: Tree | null;
  right: Tree | null;
}

declare const SharedStructType: new (fields: string[]) => new () => Tree;

const Tree = new SharedStructType(["left", "right"]);

function build(depth: number): Tree {
  const tree = new Tree();
  if (depth === 0) {
    tree.left = null;
    tree.right = null;
  } else {
    tree.left = build(depth - 1);
    tree.right = build(depth - 1);
  }
  return tree;
}

function count(tree: Tree): number {
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

process.on("message", (params: TreesParams) => {
  const began = performance.now();
  const outputs: string[] = [];
  for (let game = 0; game < params.games; game++) outputs.push(play(params));
  process.send!({ lines: printed(outputs), ms: performance.now() - began });
});
process.on("disconnect", () => process.exit());
