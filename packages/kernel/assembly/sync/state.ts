/** The state word of a task: its state and its flags. */
import * as S from "../layout/sync";
import { wordCas, wordLoad } from "../machine/word";

// @ts-ignore: decorator
@inline export function stateOf(p: usize): u32 {
  return wordLoad(p + S.TASK_STATE);
}

/** Replaces bits of the state word; returns what it was. */
export function stateChange(p: usize, clear: u32, set: u32): u32 {
  let word = stateOf(p);
  while (true) {
    const old = wordCas(p + S.TASK_STATE, word, (word & ~clear) | set);
    if (old == word) return old;
    word = old;
  }
}
