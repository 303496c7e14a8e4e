/** What a trace is once it is read: batches of page references. */
import { SimulationError } from "../errors.js";

export interface References {
  /** Page numbers; the first `count` are valid, and only until the next batch is asked for: buffers are used again. */
  pages: Float64Array;
  /** 1 where the reference modifies the page. */
  writes: Uint8Array;
  count: number;
}

/** References in a batch, at most; parsers may go beyond it by what one line makes. */
export const BATCH = 16384;
export const SLACK = 512;

export function emptyBatch(): References {
  return { pages: new Float64Array(BATCH + SLACK), writes: new Uint8Array(BATCH + SLACK), count: 0 };
}

/** Page numbers in memory as batches. */
export function* batches(pages: Iterable<number>): IterableIterator<References> {
  const batch = emptyBatch();
  for (const page of pages) {
    batch.pages[batch.count++] = page;
    if (batch.count === BATCH) {
      yield batch;
      batch.count = 0;
    }
  }
  if (batch.count > 0) yield batch;
}

/** log2 of a page size. */
export function pageShift(pageSize: number): number {
  const shift = Math.log2(pageSize);
  if (!Number.isInteger(shift) || shift < 4 || shift > 30) {
    throw new SimulationError(`a page of ${pageSize} bytes: page sizes are powers of two from 16 to 2^30`);
  }
  return shift;
}
