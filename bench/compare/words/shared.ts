// words on shared objects: one Dict, and every single increment is an atomic operation on it.
import { coroutines, Dict, type Runtime, type Steps, spawn, type Task } from "ungil";
import { book, cut, WORD } from "../data/book.js";
import type { Job } from "../workload.js";
import { countsChecksum } from "./counts.js";
import type { WordsParams } from "./workload.js";

export const { countBook, countPiece } = coroutines(import.meta, {
  *countBook(counts: Dict<string, number>, characters: number, chunks: number, passes: number): Steps<void> {
    const text = book();
    const tasks: Task<void>[] = [];
    for (const { start, end } of cut(text, chunks, characters || text.length)) {
      tasks.push(yield* spawn(countPiece, counts, start, end, passes));
    }
    for (const task of tasks) yield* task;
  },

  *countPiece(counts: Dict<string, number>, start: number, end: number, passes: number) {
    const piece = book().slice(start, end);
    for (let pass = 0; pass < passes; pass++) {
      for (const [word] of piece.matchAll(WORD)) counts.add(word, 1);
      yield;
    }
  },
});

export function shared(rt: Runtime, { characters, chunks, passes }: WordsParams): Job {
  let counts = rt.new(Dict<string, number>);
  return {
    reset() {
      counts[Symbol.dispose]();
      counts = rt.new(Dict<string, number>);
    },
    run: () => rt.run(countBook, counts, characters, chunks, passes),
    checksum: () => countsChecksum(counts),
    close: () => counts[Symbol.dispose](),
  };
}
