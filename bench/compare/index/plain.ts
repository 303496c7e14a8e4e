// index in plain JavaScript: one thread, one Map of arrays.
import { book, cut, WORD } from "../data/book.js";
import type { Job } from "../workload.js";
import { positionsChecksum } from "./positions.js";
import type { IndexParams } from "./workload.js";

export function plain({ characters, chunks, passes }: IndexParams): Job {
  const text = book();
  const length = characters || text.length;
  const pieces = cut(text, chunks, length).map(({ start, end }) => ({ start, piece: text.slice(start, end) }));
  let positions = new Map<string, number[]>();
  return {
    run() {
      positions = new Map();
      for (const { start, piece } of pieces) {
        for (let pass = 0; pass < passes; pass++) {
          for (const match of piece.matchAll(WORD)) {
            const at = pass * length + start + match.index;
            const list = positions.get(match[0]);
            if (list === undefined) positions.set(match[0], [at]);
            else list.push(at);
          }
        }
      }
    },
    checksum: () => positionsChecksum(positions),
  };
}
