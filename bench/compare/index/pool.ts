// index as people do it today: piscina indexes pieces on its threads, structured clone copies each Map of arrays back,
// and the main thread merges them.
import type { Piscina } from "piscina";
import { book, type Chunk, cut, WORD } from "../data/book.js";
import type { Job } from "../workload.js";
import { positionsChecksum } from "./positions.js";
import type { IndexParams } from "./workload.js";

export const poolFile = new URL(import.meta.url);

export function indexPiece({
  start,
  end,
  length,
  passes,
}: Chunk & { length: number; passes: number }): Map<string, number[]> {
  const piece = book().slice(start, end);
  const positions = new Map<string, number[]>();
  for (let pass = 0; pass < passes; pass++) {
    for (const match of piece.matchAll(WORD)) {
      const at = pass * length + start + match.index;
      const list = positions.get(match[0]);
      if (list === undefined) positions.set(match[0], [at]);
      else list.push(at);
    }
  }
  return positions;
}

export function pool(piscina: Piscina, { characters, chunks, passes }: IndexParams): Job {
  const text = book();
  const length = characters || text.length;
  const pieces = cut(text, chunks, length);
  let positions = new Map<string, number[]>();
  const merge = (part: Map<string, number[]>): void => {
    for (const [word, some] of part) {
      const list = positions.get(word);
      if (list === undefined) positions.set(word, some);
      else for (const at of some) list.push(at);
    }
  };
  return {
    async run() {
      positions = new Map();
      const work = pieces.map(async (piece) =>
        merge(await piscina.run({ ...piece, length, passes }, { name: "indexPiece" })),
      );
      await Promise.all(work);
    },
    checksum: () => positionsChecksum(positions),
  };
}
