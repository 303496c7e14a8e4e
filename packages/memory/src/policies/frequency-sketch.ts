/**
 * How often a page has been referenced lately, about: a count-min sketch (Cormode, Muthukrishnan 2005) whose counters
 * are halved after every `sample` increments, as TinyLFU does. A counter goes to 15. There are 16 counters for each page
 * of the capacity, rounded up to a power of two.
 *
 * A page's four counters lie in one block of 64 bytes, one in each quarter, so that a look costs one cache line. With
 * x = mix(page) (Wellons' lowbias32) and y = x times 2^32 / golden ratio, the block is x modulo the number of blocks, and
 * the place in quarter r are bits 16 + 4r to 19 + 4r of y.
 */
const BLOCK = 64;
const QUARTERS = 4;
const MOST = 15;

export class FrequencySketch {
  private counters!: Uint8Array;
  private mask = 0;
  private additions = 0;
  private sample = 0;

  /** `period`: increments until counters are halved, for each page of the capacity. */
  constructor(
    capacity: number,
    private readonly period: number,
  ) {
    this.resize(capacity);
  }

  /** Forgets everything. */
  resize(capacity: number): void {
    const blocks = 2 ** Math.ceil(Math.log2(Math.max(1, capacity / 4)));
    this.counters = new Uint8Array(blocks * BLOCK);
    this.mask = blocks - 1;
    this.sample = this.period * capacity;
    this.additions = 0;
  }

  clear(): void {
    this.counters.fill(0);
    this.additions = 0;
  }

  estimate(page: number): number {
    const { counters } = this;
    const x = mix(page);
    const y = Math.imul(x, 0x9e3779b1);
    const block = (x & this.mask) * BLOCK;
    let least = MOST;
    for (let r = 0; r < QUARTERS; r++) {
      const count = counters[block + 16 * r + ((y >>> (16 + 4 * r)) & 15)]!;
      if (count < least) least = count;
    }
    return least;
  }

  increment(page: number): void {
    const { counters } = this;
    const x = mix(page);
    const y = Math.imul(x, 0x9e3779b1);
    const block = (x & this.mask) * BLOCK;
    let changed = false;
    for (let r = 0; r < QUARTERS; r++) {
      const at = block + 16 * r + ((y >>> (16 + 4 * r)) & 15);
      if (counters[at]! < MOST) {
        counters[at]!++;
        changed = true;
      }
    }
    if (changed && ++this.additions >= this.sample) this.halve();
  }

  private halve(): void {
    const { counters } = this;
    for (let n = 0; n < counters.length; n++) counters[n]! >>= 1;
    this.additions >>= 1;
  }
}

function mix(page: number): number {
  let x = (page | 0) ^ Math.imul((page * 2 ** -32) | 0, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return x ^ (x >>> 16);
}
