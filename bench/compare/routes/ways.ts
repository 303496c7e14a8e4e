// What all variants of routes have in common: the cost of a leg, the frontier of Dijkstra's algorithm, the checksum.

import { sha256 } from "../data/digest.js";
import { flights } from "../data/flights.js";

const EARTH_RADIUS_KM = 6371;
const RADIANS = Math.PI / 180;

/** The great-circle distance in whole kilometres (haversine). */
export function kilometres(latitude1: number, longitude1: number, latitude2: number, longitude2: number): number {
  const north = Math.sin(((latitude2 - latitude1) * RADIANS) / 2);
  const east = Math.sin(((longitude2 - longitude1) * RADIANS) / 2);
  const chord = north * north + Math.cos(latitude1 * RADIANS) * Math.cos(latitude2 * RADIANS) * east * east;
  return Math.round(2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(chord)));
}

/** What Dijkstra's algorithm found from one source: reached, total, mix. */
export type Found = [reached: number, total: number, mix: number];

export function summary(costs: Iterable<number>): Found {
  let reached = 0;
  let total = 0;
  let mix = 0;
  let index = 0;
  for (const cost of costs) {
    index++;
    if (cost === Number.POSITIVE_INFINITY) continue;
    reached++;
    total += cost;
    mix = (mix + Math.imul(index, cost)) >>> 0;
  }
  return [reached, total, mix];
}

/** Every (charge, source) of a run, in the order of the checksum's lines. */
export function questions(sources: number, charges: number): { charge: number; source: number }[] {
  const count = sources || flights().places.length;
  const all: { charge: number; source: number }[] = [];
  for (let round = 0; round < charges; round++) {
    for (let source = 0; source < count; source++) all.push({ charge: round * 100, source });
  }
  return all;
}

export function waysChecksum(sources: number, charges: number, found: readonly Found[]): string {
  const { places } = flights();
  const asked = questions(sources, charges);
  if (found.length !== asked.length) throw new Error(`${asked.length} questions, but ${found.length} answers`);
  return sha256(asked.map(({ charge, source }, at) => [charge, places[source]!.iata, ...found[at]!].join("\t")));
}

const INDEX_BITS = 9;

/** A binary heap of airports by cost. An entry is one number, cost x 2^9 + index: ties go to the lower index. */
export class Frontier {
  readonly #heap: number[] = [];

  get empty(): boolean {
    return this.#heap.length === 0;
  }

  push(cost: number, index: number): void {
    const heap = this.#heap;
    const entry = cost * (1 << INDEX_BITS) + index;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]! <= entry) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  /** The index of the nearest airport. */
  pop(): number {
    const heap = this.#heap;
    const nearest = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return nearest % (1 << INDEX_BITS);
  }

  #sink(entry: number): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= entry) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = entry;
  }
}
