/**
 * Reading a trace: a file, standard input, or any stream of bytes; gzip is seen by its first bytes, the format by its
 * first line. Memory is bounded by the size of a chunk, whatever the length of the trace.
 */
import { createReadStream, statSync } from "node:fs";
import { addAbortSignal, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { SimulationError, TraceError } from "../errors.js";
import { AddressParser } from "./parse-addresses.js";
import { LackeyParser } from "./parse-lackey.js";
import { PageParser } from "./parse-pages.js";
import { isBlank, LF, type TraceParser } from "./parser.js";
import { emptyBatch, pageShift, type References } from "./references.js";

export const FORMATS = ["pages", "addresses", "lackey"] as const;
export type TraceFormat = (typeof FORMATS)[number];

export interface ReadOptions {
  /** What the lines are; seen from the first one if left out. */
  format?: TraceFormat;
  /** Bytes of a page: divides addresses, not page numbers. 4096 if left out. */
  pageSize?: number;
  /** Lackey only: whether instruction fetches count. True if left out. */
  instructions?: boolean;
  /** Told how many bytes have been read so far, before they are unpacked. */
  onBytes?: (bytes: number) => void;
}

const CHUNK = 1 << 20;
/** A line, or a word, that is longer is none. */
const LINE_MAX = 1 << 16;

/** The bytes of a file, or of standard input for `-`, until `signal`; and how many, 0 where that cannot be known. */
export function openTrace(file: string, signal?: AbortSignal): { bytes: Readable; length: number } {
  const abortable = (stream: Readable) => (signal === undefined ? stream : addAbortSignal(signal, stream));
  if (file === "-") return { bytes: abortable(process.stdin), length: 0 };
  const facts = statSync(file, { throwIfNoEntry: false });
  if (facts === undefined) throw new TraceError(`there is no trace ${file}`);
  if (facts.isDirectory()) throw new TraceError(`the trace ${file} is a folder`);
  const bytes = abortable(createReadStream(file, { highWaterMark: CHUNK }));
  return { bytes, length: facts.isFile() ? facts.size : 0 };
}

/** The references of a trace, in batches whose buffers are used again. TraceError if a line cannot be read. */
export async function* readTrace(
  source: string | AsyncIterable<Uint8Array>,
  options: ReadOptions = {},
): AsyncGenerator<References, void, undefined> {
  const { format, pageSize = 4096, instructions = true, onBytes } = options;
  if (format !== undefined && !FORMATS.includes(format)) {
    throw new SimulationError(`there is no trace format ${format}: there are ${FORMATS.join(", ")}`);
  }
  // Even where nothing is divided by it.
  pageShift(pageSize);
  const make = (name: TraceFormat): TraceParser => {
    if (name === "lackey") return new LackeyParser(pageSize, instructions);
    if (!instructions)
      throw new SimulationError(`a trace of ${name} does not tell instruction fetches: only lackey's do`);
    return name === "pages" ? new PageParser() : new AddressParser(pageSize);
  };
  const stream = typeof source === "string" ? openTrace(source).bytes : source;
  const batch = emptyBatch();
  let parser = format === undefined ? undefined : make(format);
  let isFirst = true;
  for await (const piece of pieces(unpacked(counted(stream, onBytes)), () => parser?.cut ?? "line")) {
    const bytes = isFirst ? withoutMark(piece) : piece;
    isFirst = false;
    // Comments before the first reference are the same in pages and addresses, so nothing is lost by not knowing yet.
    parser ??= make(detect(bytes) ?? "pages");
    for (let at = 0; at < bytes.length; ) {
      at = parser.parse(bytes, at, batch);
      if (at < bytes.length) {
        yield batch;
        batch.count = 0;
      }
    }
  }
  if (batch.count > 0) yield batch;
}

/** Editors begin a text with a byte order mark. */
function withoutMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

async function* counted(source: AsyncIterable<Uint8Array>, onBytes?: (bytes: number) => void) {
  let total = 0;
  for await (const chunk of source) {
    total += chunk.length;
    onBytes?.(total);
    yield chunk;
  }
}

/** Unpacks what begins with gzip's magic bytes (RFC 1952, 2.3.1); several members one after another too. */
async function* unpacked(source: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array = Buffer.alloc(0);
  while (head.length < 2) {
    const { value, done } = await source.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    yield head;
    yield* source;
    return;
  }
  const packed = Readable.from(
    (async function* () {
      yield head;
      yield* source;
    })(),
    { objectMode: false },
  );
  const gunzip = createGunzip({ chunkSize: CHUNK });
  packed.on("error", (error) => gunzip.destroy(error));
  try {
    yield* packed.pipe(gunzip) as AsyncIterable<Uint8Array>;
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (!/^Z_/.test(code) && !/unexpected end/.test(message)) throw error;
    throw new TraceError(`the gzip data is broken: ${message}`, 0, "", "", { cause: error });
  } finally {
    packed.destroy();
  }
}

/** Cuts a stream so that no line (or word) is split; the last piece is ended where the stream does not. */
async function* pieces(source: AsyncIterable<Uint8Array>, cut: () => "line" | "word"): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = Buffer.alloc(0);
  for await (const chunk of source) {
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let end = all.lastIndexOf(LF) + 1;
    if (end === 0 && (cut() === "word" || all.length > LINE_MAX)) {
      end = all.length;
      while (end > 0 && !isBlank(all[end - 1])) end--;
    }
    if (all.length - end > LINE_MAX && cut() === "word") {
      // One long line of words.
      let word = all.length;
      while (word > end && !isBlank(all[word - 1])) word--;
      end = word;
    }
    if (all.length - end > LINE_MAX) {
      throw new TraceError(`the trace has a line of more than ${LINE_MAX} bytes: it is no trace`);
    }
    if (end > 0) yield all.subarray(0, end);
    rest = Buffer.from(all.subarray(end));
  }
  if (rest.length > 0) yield Buffer.concat([rest, Buffer.from([LF])]);
}

/** The format, from the first line that says it; undefined if there are only blank lines and comments yet. */
export function detect(bytes: Uint8Array): TraceFormat | undefined {
  const lines = Buffer.from(bytes.subarray(0, LINE_MAX)).toString("latin1").split("\n");
  for (const line of lines) {
    if (/^\s*(#|$)/.test(line)) continue;
    if (/^(==|--)\d+(==|--)/.test(line) || /^(I {1,2}| [LSM] )[0-9a-f]+,\d/i.test(line)) return "lackey";
    if (/^\s*0x/i.test(line)) return "addresses";
    if (/^[\s,]*\d/.test(line)) return "pages";
    const expected = "page numbers (7 0 1), addresses (0x7ffe5c20) or lines of valgrind's lackey ( L 1ffeff7e8,8)";
    const text = line.slice(0, 80).replace(/[^ -~]/g, "?");
    const number = lines.indexOf(line) + 1;
    throw new TraceError(`line ${number} of the trace is "${text}": expected ${expected}`, number, text, expected);
  }
  return undefined;
}
