/**
 * Addresses in hexadecimal, up to 64 bits, with or without 0x, separated by line ends, blanks or commas. `#` begins a
 * comment. An address is two halves of 32 bits until it has become a page number: a double cannot hold it.
 */
import { PAGE_MAX } from "../policies/index.js";
import { COMMA, CR, HASH, isBlank, LF, malformed, SPACE, TAB, type TraceParser } from "./parser.js";
import { BATCH, pageShift, type References } from "./references.js";

const EXPECTED = "addresses in hexadecimal, like 0x7ffe5c20, of at most 64 bits and on a page below 2^52";

export class AddressParser implements TraceParser {
  readonly cut = "word";
  private readonly shift: number;
  private line = 1;
  private comment = false;

  constructor(pageSize: number) {
    this.shift = pageShift(pageSize);
  }

  parse(bytes: Uint8Array, at: number, into: References): number {
    const { pages } = into;
    const { shift } = this;
    const end = bytes.length;
    let count = into.count;
    while (at < end && count < BATCH) {
      const byte = bytes[at]!;
      if (this.comment) {
        while (at < end && bytes[at] !== LF) at++;
        if (at < end) this.comment = false;
      } else if (HEX[byte]! >= 0) {
        const began = at;
        if (byte === 48 && (bytes[at + 1]! | 32) === 120) at += 2;
        const first = at;
        let high = 0;
        let low = 0;
        for (let digit = 0; at < end && (digit = HEX[bytes[at]!]!) >= 0; at++) {
          high = (high << 4) | (low >>> 28);
          low = (low << 4) | digit;
          if (at - first >= 16) throw malformed(bytes, began, this.line, EXPECTED);
        }
        const page = pageOf(high, low, shift);
        if (at === first || page > PAGE_MAX || (at < end && !isBlank(bytes[at]))) {
          throw malformed(bytes, began, this.line, EXPECTED);
        }
        pages[count++] = page;
      } else if (byte === LF) {
        this.line++;
        at++;
      } else if (byte === SPACE || byte === COMMA || byte === TAB || byte === CR) at++;
      else if (byte === HASH) this.comment = true;
      else throw malformed(bytes, at, this.line, EXPECTED);
    }
    into.writes.fill(0, into.count, count);
    into.count = count;
    return at;
  }
}

/** The value of a hexadecimal digit by its byte; -1 for other bytes. */
export const HEX = new Int8Array(256).fill(-1);
for (let n = 0; n < 16; n++) {
  const digit = n.toString(16);
  HEX[digit.charCodeAt(0)] = n;
  HEX[digit.toUpperCase().charCodeAt(0)] = n;
}

export const pageOf = (high: number, low: number, shift: number): number =>
  (high >>> 0) * 2 ** (32 - shift) + (low >>> shift);
