/** For the verifier's tests: a heap with something of everything, where to damage it, and a step in which it is open. */
import { type Class, Dict, f64, id, List, ref, Scope, scope, str, struct, thread } from "@ungil/heap";
import { type Kernel, Layout as L } from "@ungil/kernel";
import type { TestMachine } from "./support.js";

export class Node extends struct("Node", { value: f64, text: str, next: ref((): Class<Node> => Node) }) {}

/** A heap with something of everything, inside a step, and physical addresses of it. */
export class Specimen {
  readonly kernel: Kernel;
  readonly node = new Node({ value: 1, text: "a text", next: new Node({ value: 2 }) });
  readonly list = new List<unknown>([1, "two", this.node, this.node]);
  readonly dict = new Dict<string, number>(Array.from({ length: 60 }, (_, n) => [`key ${n}`, n]));
  readonly large = new List<number>(Array.from({ length: 5000 }, (_, n) => n));

  constructor(readonly m: TestMachine) {
    this.kernel = m.kernel;
  }

  word(physical: number): number {
    return this.kernel.u32[physical >>> 2] as number;
  }

  put(physical: number, value: number): void {
    this.kernel.u32[physical >>> 2] = value;
  }

  /** Physical address of the bucket that a weak cell is the first one of. */
  cells(cell: object): number {
    const buckets = this.kernel.control(L.CB_WEAK_BUCKETS);
    for (let n = 0; n < buckets; n++) {
      const bucket = this.kernel.control(L.CB_WEAK) + n * L.WEAK_BUCKET_SIZE;
      if (this.word(bucket + L.BUCKET_CELLS) === id(cell)) return bucket;
    }
    throw new Error("the cell is the first one of no bucket");
  }

  /** Changes a word by a function of what it was. */
  change(physical: number, by: (old: number) => number): void {
    this.put(physical, by(this.word(physical)));
  }

  at(object: object, offset = 0): number {
    return this.kernel.walk(id(object)) + offset;
  }

  /** Physical address of a part whose address stands in an object. */
  part(object: object, offset: number): number {
    return this.kernel.walk(this.word(this.at(object, offset)));
  }

  tb(field: number): number {
    return this.kernel.block + field;
  }

  page(object: object | number): number {
    return (typeof object === "number" ? object : id(object)) >>> L.PAGE_SHIFT;
  }

  /** A field of a page's descriptor. */
  pd(page: number, field: number): number {
    return this.kernel.control(L.CB_DESCRIPTORS) + page * L.PAGE_DESCRIPTOR_SIZE + field;
  }

  pte(page: number): number {
    return this.kernel.control(L.CB_PAGE_TABLE) + page * 8;
  }

  copy(page: number): number {
    return this.kernel.control(L.CB_SWAP_COPIES) + page * 4;
  }

  /** Flips a bit of a bit map of the control block. */
  flip(map: number, bit: number): void {
    this.change(this.kernel.control(map) + (bit >>> 5) * 4, (word) => word ^ (1 << (bit & 31)));
  }

  bucket(string: number): number {
    const hash = this.word(this.kernel.walk(string) + L.STR_HASH);
    return this.kernel.control(L.CB_INTERN) + 4 * (hash & (this.kernel.control(L.CB_INTERN_BUCKETS) - 1));
  }

  text(text: string): number {
    return this.m.heap.strings.address(text) >>> 0;
  }

  /** Where NEXT and END of the open page of the node's class stand. */
  bump(block: number, word: 0 | 1): number {
    return block + L.TB_BUMP + 8 * this.word(this.pd(this.page(this.node), L.PD_CLASS)) + 4 * word;
  }

  /** A field of the history of the node's page. */
  history(field: number): number {
    return this.kernel.control(L.CB_HISTORY) + this.page(this.node) * L.HISTORY_SIZE + field;
  }

  /** What that page was at the cut. */
  get version(): number {
    return this.word(this.history(L.HISTORY_VERSIONS));
  }

  get run(): number {
    return this.page(this.word(this.at(this.large, L.LIST_ITEMS)));
  }
}

/** Runs with a specimen whose step is open, and something in limbo. */
export function withSpecimen(m: TestMachine, work: (s: Specimen) => void): void {
  const running = new Scope(m.heap, m.heap.x, true);
  m.heap.x.batchBegin();
  thread.scope = running;
  // A block that came back out of order: it is in a free list.
  scope(() => {
    new Node();
    return new Node();
  });
  const s = new Specimen(m);
  const list = new List<unknown>([null]);
  for (let n = 0; n < 10; n++) list.set(0, new Node({ value: n }));
  m.heap.x.snapshotTake();
  s.node.value = 3;
  s.list.get(2);
  s.large.get(0);
  work(s);
  running.open = false;
  thread.scope = m.heap.root;
}
