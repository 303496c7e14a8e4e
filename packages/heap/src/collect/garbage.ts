/** Which objects are garbage at a cut: those to which nothing leads from outside of the heap. */
import { Layout as L } from "@ungil/kernel";
import type { Graph } from "./graph.js";

/** Objects that are looked at between two turns of others. */
const SLICE = 4096;

/** Types whose references are given back; what hangs on a container, its arrays and tables, goes with it. */
const broken = (type: number) =>
  type >= L.TYPE_FIRST_USER ||
  type === L.TYPE_LIST ||
  type === L.TYPE_DICT ||
  type === L.TYPE_ARRAY ||
  type === L.TYPE_RECORD ||
  type === L.TYPE_TASK;

export class Garbage {
  readonly #graph: Graph;
  /** 1: something leads to it. */
  readonly #reached: Uint8Array;
  /** How many objects are none. */
  reached = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#reached = new Uint8Array(graph.length);
  }

  /** Marks what is alive, in slices. O(objects and references). */
  *mark(): Generator<void> {
    const { outside, types, length } = this.#graph;
    for (let n = 0; n < length; n++) if (outside[n] !== 0 && types[n] !== 0) yield* this.spare(n);
  }

  /** Marks an object, and all that it leads to, in slices. */
  *spare(n: number): Generator<void> {
    this.#reach(n);
    for (let next = this.#stack.pop(); next !== undefined; next = this.#stack.pop()) {
      this.#graph.edgesOf(next, this.#reach);
      if (++this.#done % SLICE === 0) yield;
    }
  }

  readonly #stack: number[] = [];
  #done = 0;

  readonly #reach = (n: number): void => {
    if (this.#reached[n]) return;
    this.#reached[n] = 1;
    this.reached++;
    this.#stack.push(n);
  };

  isGarbage(n: number): boolean {
    return this.#reached[n] === 0;
  }

  get graph(): Graph {
    return this.#graph;
  }

  /** How many objects are garbage. */
  get found(): number {
    return this.#graph.objects - this.reached;
  }

  /** Addresses of those whose references are to be given back. */
  *addresses(): Generator<number> {
    const { types } = this.#graph;
    const isMeant = (n: number) => this.#reached[n] === 0 && broken(types[n] as number);
    yield* this.#graph.addresses(isMeant);
  }
}
