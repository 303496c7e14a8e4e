// Parts of a heap (fixtures/swap.mjs) on which random work is done, and what they must be afterwards, in plain JavaScript.
import { changePlain, draw } from "./fixtures/swap.mjs";

export interface Plain {
  steps: number;
  cells: { n: number; text: string }[];
  index: Map<string, { n: number; text: string }>;
  chain: number[];
}

/** A plain part on which that many operations have been done, from a seed. */
export class Oracle {
  readonly part: Plain = { steps: 0, cells: [], index: new Map(), chain: [] };
  readonly #next: (n: number) => number;

  constructor(seed: number) {
    this.#next = draw(seed);
  }

  to(steps: number): Plain {
    while (this.part.steps < steps) changePlain(this.part, this.#next);
    return this.part;
  }
}

/** What a part of the heap, or of a snapshot of it, has that the oracle has not. In slices: each scope ends what it has read. */
export function differences(inStep: <T>(work: () => T) => T, part: any, plain: Plain): string[] {
  const found: string[] = [];
  const expected = (what: string, is: unknown, should: unknown) => {
    if (is !== should && found.length < 10) found.push(`${what}: ${is} instead of ${should}`);
  };
  const same = (what: string, cell: any, should: { n: number; text: string }) => {
    expected(`${what}.n`, cell.n, should.n);
    expected(`${what}.text`, cell.text, should.text);
  };
  expected("cells", part.cells.length, plain.cells.length);
  for (let from = 0; from < plain.cells.length; from += 200) {
    inStep(() => {
      const { cells } = part;
      for (let n = from; n < Math.min(from + 200, plain.cells.length); n++)
        same(`cell ${n}`, cells.get(n), plain.cells[n]!);
    });
  }
  expected("index", part.index.size, plain.index.size);
  const keys = [...plain.index];
  for (let from = 0; from < keys.length; from += 200)
    inStep(() => {
      const { index } = part;
      for (const [key, cell] of keys.slice(from, from + 200)) same(key, index.get(key) ?? {}, cell);
    });
  inStep(() => {
    let link = part.chain;
    for (const n of plain.chain.slice().reverse()) {
      expected("chain", link?.n, n);
      link = link?.next;
    }
    expected("the end of the chain", link, null);
  });
  return found;
}

export function seedOf(name: string): number {
  const seed = Number(process.env.UNGIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${name}: UNGIL_TEST_SEED=${seed}`);
  return seed;
}
