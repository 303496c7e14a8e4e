/**
 * Who refers to whom, as CPython's gc.get_objects and gc.get_referrers tell: a look at the whole heap while the world stands still.
 * What containers are made of (arrays of values, tables, copies of plain arrays and objects) is passed over: the container
 * is who refers.
 */
import { type HeapExports, type Kernel, Layout as L } from "@ungil/kernel";
import { Graph } from "./graph.js";
import { openPages, Past } from "./past.js";

/** What people have handles on. */
const isVisible = (type: number) =>
  type >= L.TYPE_FIRST_USER || type === L.TYPE_LIST || type === L.TYPE_DICT || type === L.TYPE_TASK;

/** Types of what people have handles on, and where such objects are. */
export interface Found {
  readonly address: number;
  readonly type: number;
}

export class Referrers {
  readonly #graph: Graph;

  /** The caller has stopped the world. O(heap): reads all of it. */
  constructor(kernel: Kernel<HeapExports>) {
    const x = kernel.exports;
    const cut = x.snapshotTake();
    try {
      const past = new Past(kernel, cut, openPages(kernel));
      try {
        this.#graph = new Graph(past);
        for (const _ of this.#graph.read());
      } finally {
        past.close();
      }
    } finally {
      if (cut) x.snapshotClose(cut);
    }
  }

  /** All objects of which people can have handles. */
  *objects(): Generator<Found> {
    yield* this.#found(() => true);
  }

  /** Objects that refer to any of those at these addresses, directly. O(references), for each level of plain arrays and objects. */
  *of(addresses: Iterable<number>): Generator<Found> {
    const graph = this.#graph;
    const isTarget = new Uint8Array(graph.length);
    const refers = new Uint8Array(graph.length);
    for (const address of addresses) {
      const n = graph.at(address);
      if (n >= 0) isTarget[n] = 1;
    }
    for (let grows = true; grows; ) {
      grows = false;
      for (let n = 0; n < graph.length; n++) {
        if (refers[n] || graph.types[n] === 0) continue;
        graph.edgesOf(n, (target) => {
          if (isTarget[target]) refers[n] = 1;
        });
        if (!refers[n] || isVisible(graph.types[n] as number) || isTarget[n]) continue;
        isTarget[n] = 1;
        grows = true;
      }
    }
    yield* this.#found((n) => refers[n] === 1);
  }

  *#found(isMeant: (n: number) => boolean): Generator<Found> {
    const { types } = this.#graph;
    // What is on its way to die is nobody's any more.
    const wanted = (n: number) => isVisible(types[n] as number) && isMeant(n) && this.#graph.isAlive(n);
    for (const [n, address] of this.#graph.places(wanted)) yield { address, type: types[n] as number };
  }
}
