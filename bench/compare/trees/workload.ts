// trees: binary-trees of the Computer Language Benchmarks Game, node by node. One stretch tree of depth `most` + 1 is
// built, counted and dropped; one long-lived tree of depth `most` stays to the end; meanwhile trees of depth `least`,
// `least` + 2 ... `most` are built, counted and dropped, 2^(most - depth + least) of each, spread over `parts` tasks a depth. All this
// is one game; it is played `games` times.
// Checksum: the game's output, its lines joined by LF (and every game must print the same).
import { workload } from "../workload.js";
import { v8SharedStructs } from "./peer.js";
import { plain } from "./plain.js";
import { pool, poolFile } from "./pool.js";
import { shared } from "./shared.js";

export type TreesParams = { least: number; most: number; parts: number; games: number };

export const trees = workload<TreesParams>({
  name: "trees",
  about: "binary trees, built and freed node by node",
  weight: 2,
  params: { full: { least: 4, most: 16, parts: 8, games: 4 }, quick: { least: 4, most: 10, parts: 8, games: 2 } },
  plain,
  shared,
  pool,
  poolFile,
  peers: [v8SharedStructs],
});
