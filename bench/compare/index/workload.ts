// index: where every word of the book stands. The corpus is that of `words`: the first `characters` of the book in
// lower case (all of it if 0), written `passes` times one after another; the position of a word is how many characters
// stand before it in the corpus. The corpus is cut into `chunks` pieces a pass; a piece of all passes is one task.
// Checksum: SHA-256 of the lines `word TAB position,position,... LF`, sorted by word, positions ascending.
import { workload } from "../workload.js";
import { plain } from "./plain.js";
import { pool, poolFile } from "./pool.js";
import { shared } from "./shared.js";

export type IndexParams = { characters: number; chunks: number; passes: number };

export const index = workload<IndexParams>({
  name: "index",
  about: "word -> list of positions, one shared structure",
  weight: 1,
  params: {
    full: { characters: 0, chunks: 64, passes: 18 },
    quick: { characters: 100_000, chunks: 16, passes: 4 },
  },
  plain,
  shared,
  pool,
  poolFile,
});
