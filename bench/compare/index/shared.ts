// index on shared objects: one Dict of Lists, and every thread pushes into all of them.
import { coroutines, Dict, List, type Runtime, type Steps, scope, spawn, type Task } from "ungil";
import { book, cut, WORD } from "../data/book.js";
import type { Job } from "../workload.js";
import { positionsChecksum } from "./positions.js";
import type { IndexParams } from "./workload.js";

type Positions = Dict<string, List<number>>;

export const { indexBook, indexPiece } = coroutines(import.meta, {
  *indexBook(positions: Positions, characters: number, chunks: number, passes: number): Steps<void> {
    const text = book();
    const length = characters || text.length;
    const tasks: Task<void>[] = [];
    for (const { start, end } of cut(text, chunks, length)) {
      tasks.push(yield* spawn(indexPiece, positions, start, end, length, passes));
    }
    for (const task of tasks) yield* task;
  },

  *indexPiece(positions: Positions, start: number, end: number, length: number, passes: number) {
    const piece = book().slice(start, end);
    for (let pass = 0; pass < passes; pass++) {
      // The scope lets go of the lists that the pass has read: nothing of them lives longer than the pass.
      scope(() => indexPass(positions, piece, pass * length + start));
      yield;
    }
  },
});

function indexPass(positions: Positions, piece: string, offset: number): void {
  for (const match of piece.matchAll(WORD)) {
    const list = positions.get(match[0]) ?? positions.update(match[0], (old) => old ?? new List<number>());
    list.push(offset + match.index);
  }
}

export function shared(rt: Runtime, { characters, chunks, passes }: IndexParams): Job {
  let positions = rt.new(Dict<string, List<number>>);
  return {
    reset() {
      positions[Symbol.dispose]();
      positions = rt.new(Dict<string, List<number>>);
    },
    run: () => rt.run(indexBook, positions, characters, chunks, passes),
    checksum: () => rt.scope(() => positionsChecksum(positions)),
    close: () => positions[Symbol.dispose](),
  };
}
