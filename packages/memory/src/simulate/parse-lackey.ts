/**
 * What `valgrind --tool=lackey --trace-mem=yes` writes (lackey/lk_main.c): `I  04001000,3` for an instruction, and
 * ` L 1ffeff7e,8`, ` S ...`, ` M ...` for a load, a store, a load and store of one place (their blank may be missing). Valgrind's own lines begin with
 * ==pid== or --pid--. A modify is one reference, which writes; an access across a page's end is one to each page.
 */
import { PAGE_MAX } from "../policies/index.js";
import { HEX, pageOf } from "./parse-addresses.js";
import { COMMA, CR, LF, malformed, SPACE, type TraceParser } from "./parser.js";
import { BATCH, pageShift, type References } from "./references.js";

const EXPECTED =
  'a line of lackey, like "I  04001000,3" or " L 1ffeff7e8,8" (also S, M), or one of valgrind\'s own, like "==123=="';
/** The widest access that is no mistake. */
const SIZE_MAX = 4096;
const [I, L, M, S] = [73, 76, 77, 83];
const EQUALS = 61;
const DASH = 45;

export class LackeyParser implements TraceParser {
  readonly cut = "line";
  private readonly shift: number;
  private readonly size: number;
  private line = 1;

  constructor(
    pageSize: number,
    /** False: only data. */
    private readonly instructions: boolean,
  ) {
    this.shift = pageShift(pageSize);
    this.size = pageSize;
  }

  parse(bytes: Uint8Array, at: number, into: References): number {
    const end = bytes.length;
    while (at < end && into.count < BATCH) {
      const first = bytes[at]!;
      const kind = first === SPACE ? bytes[at + 1]! : first;
      if (first === I ? kind === I : kind === L || kind === S || kind === M) at = this.access(bytes, at, kind, into);
      else if (first === EQUALS || first === DASH) while (at < end && bytes[at] !== LF) at++;
      if (bytes[at] === CR) at++;
      if (at < end && bytes[at] !== LF) throw malformed(bytes, at, this.line, EXPECTED);
      this.line++;
      at++;
    }
    return Math.min(at, end);
  }

  /** Reads one access; returns where its line should end. */
  private access(bytes: Uint8Array, from: number, kind: number, into: References): number {
    let at = from + (bytes[from] === SPACE ? 2 : 1);
    const blank = bytes[at] === SPACE;
    while (bytes[at] === SPACE) at++;
    let first = at;
    let high = 0;
    let low = 0;
    for (let digit = 0; (digit = HEX[bytes[at]!]!) >= 0; at++) {
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | digit;
    }
    let good = blank && at > first && at - first <= 16 && bytes[at] === COMMA;
    first = ++at;
    let size = 0;
    for (let byte = 0; (byte = bytes[at]!) >= 48 && byte <= 57; at++)
      size = Math.min(size * 10 + (byte - 48), 2 * SIZE_MAX);
    const page = pageOf(high, low, this.shift);
    good &&= at > first && size > 0 && size <= SIZE_MAX && page <= PAGE_MAX;
    if (!good) throw malformed(bytes, from, this.line, EXPECTED);
    if (kind === I && !this.instructions) return at;
    const write = kind === S || kind === M ? 1 : 0;
    const pages = 1 + Math.floor(((low & (this.size - 1)) + size - 1) / this.size);
    for (let n = 0; n < pages; n++) {
      into.pages[into.count] = page + n;
      into.writes[into.count++] = write;
    }
    return at;
  }
}
