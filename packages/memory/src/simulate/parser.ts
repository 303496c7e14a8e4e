/**
 * From bytes to references, a piece at a time and without a string per line. What a piece holds is whole: `lines.ts`
 * cuts the stream where a parser can be interrupted.
 */
import { TraceError } from "../errors.js";
import type { References } from "./references.js";

export interface TraceParser {
  /** Where a piece may end: after a line, or after any blank or comma. */
  readonly cut: "line" | "word";
  /** Reads from `at` until the piece ends or the batch is full; returns where it stopped. */
  parse(bytes: Uint8Array, at: number, into: References): number;
}

export const LF = 10;
export const CR = 13;
export const TAB = 9;
export const SPACE = 32;
export const COMMA = 44;
export const HASH = 35;

export const isBlank = (byte: number | undefined): boolean =>
  byte === SPACE || byte === LF || byte === COMMA || byte === TAB || byte === CR;

const SHOWN = 40;

/** The error for what stands at `at`. */
export function malformed(bytes: Uint8Array, at: number, line: number, expected: string): TraceError {
  let from = at;
  while (from > 0 && bytes[from - 1] !== LF && at - from < SHOWN) from--;
  let to = at;
  while (to < bytes.length && bytes[to] !== LF && to - at < SHOWN) to++;
  const text = Buffer.from(bytes.subarray(from, to))
    .toString("latin1")
    .replace(/[^ -~]/g, "?")
    .trim();
  return new TraceError(`line ${line} of the trace is "${text}": expected ${expected}`, line, text, expected);
}
