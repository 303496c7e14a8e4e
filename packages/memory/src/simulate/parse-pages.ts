/** Page numbers in decimal, separated by line ends, blanks or commas. `#` begins a comment. */
import { PAGE_MAX } from "../policies/index.js";
import { COMMA, CR, HASH, isBlank, LF, malformed, SPACE, TAB, type TraceParser } from "./parser.js";
import { BATCH, type References } from "./references.js";

const EXPECTED = "page numbers in decimal, at most 2^52 (addresses in hexadecimal begin with 0x, or give the format)";

export class PageParser implements TraceParser {
  readonly cut = "word";
  private line = 1;
  private comment = false;

  parse(bytes: Uint8Array, at: number, into: References): number {
    const { pages } = into;
    const end = bytes.length;
    let count = into.count;
    while (at < end && count < BATCH) {
      let byte = bytes[at]!;
      if (this.comment) {
        while (at < end && bytes[at] !== LF) at++;
        if (at < end) this.comment = false;
        continue;
      }
      if (byte >= 48 && byte <= 57) {
        const began = at;
        let value = byte - 48;
        while (++at < end && (byte = bytes[at]!) >= 48 && byte <= 57) value = value * 10 + (byte - 48);
        if (value > PAGE_MAX || (at < end && !isBlank(byte))) throw malformed(bytes, began, this.line, EXPECTED);
        pages[count++] = value;
      } else if (byte === LF) {
        this.line++;
        at++;
      } else if (byte === SPACE || byte === COMMA || byte === TAB || byte === CR) at++;
      else if (byte === HASH) this.comment = true;
      else throw malformed(bytes, at, this.line, EXPECTED);
    }
    // Page numbers say nothing of writes.
    into.writes.fill(0, into.count, count);
    into.count = count;
    return at;
  }
}
