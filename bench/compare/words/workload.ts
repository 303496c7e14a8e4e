// words: count every word of the book. The corpus is the first `characters` of the book in lower case (all of it if 0),
// `passes` times over; it is cut into `chunks` pieces, and a piece, counted `passes` times, is one task.
// Checksum: SHA-256 of the lines `word TAB count LF`, sorted by word.
import { workload } from "../workload.js";
import { plain } from "./plain.js";
import { pool, poolFile } from "./pool.js";
import { shared } from "./shared.js";

export type WordsParams = { characters: number; chunks: number; passes: number };

export const words = workload<WordsParams>({
  name: "words",
  about: "count every word of a book into one shared dict",
  weight: 1,
  params: {
    full: { characters: 0, chunks: 64, passes: 24 },
    quick: { characters: 100_000, chunks: 16, passes: 4 },
  },
  plain,
  shared,
  pool,
  poolFile,
});
