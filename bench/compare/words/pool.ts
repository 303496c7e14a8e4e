// words as people do it today: piscina counts pieces on its threads, structured clone copies each Map back, and the
// main thread merges them. The same file runs on both sides.
import type { Piscina } from "piscina";
import { book, type Chunk, cut, WORD } from "../data/book.js";
import type { Job } from "../workload.js";
import { countsChecksum } from "./counts.js";
import type { WordsParams } from "./workload.js";

export const poolFile = new URL(import.meta.url);

export function countPiece({ start, end, passes }: Chunk & { passes: number }): Map<string, number> {
  const piece = book().slice(start, end);
  const counts = new Map<string, number>();
  for (let pass = 0; pass < passes; pass++) {
    for (const [word] of piece.matchAll(WORD)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

export function pool(piscina: Piscina, { characters, chunks, passes }: WordsParams): Job {
  const text = book();
  const pieces = cut(text, chunks, characters || text.length);
  let counts = new Map<string, number>();
  const merge = (part: Map<string, number>): void => {
    for (const [word, count] of part) counts.set(word, (counts.get(word) ?? 0) + count);
  };
  return {
    async run() {
      counts = new Map();
      await Promise.all(
        pieces.map(async (piece) => merge(await piscina.run({ ...piece, passes }, { name: "countPiece" }))),
      );
    },
    checksum: () => countsChecksum(counts),
  };
}
