// words in plain JavaScript: one thread, one Map.
import { book, cut, WORD } from "../data/book.js";
import type { Job } from "../workload.js";
import { countsChecksum } from "./counts.js";
import type { WordsParams } from "./workload.js";

export function plain({ characters, chunks, passes }: WordsParams): Job {
  const text = book();
  const pieces = cut(text, chunks, characters || text.length).map(({ start, end }) => text.slice(start, end));
  let counts = new Map<string, number>();
  return {
    run() {
      counts = new Map();
      for (const piece of pieces) {
        for (let pass = 0; pass < passes; pass++) {
          for (const [word] of piece.matchAll(WORD)) counts.set(word, (counts.get(word) ?? 0) + 1);
        }
      }
    },
    checksum: () => countsChecksum(counts),
  };
}
