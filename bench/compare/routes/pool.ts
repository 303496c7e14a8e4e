// routes as people do it today: piscina, and structured clone copies the whole graph to a thread with every batch of
// questions.
import type { Piscina } from "piscina";
import { flights } from "../data/flights.js";
import type { Job } from "../workload.js";
import { type Airport, cheapest, graph } from "./plain.js";
import { type Found, questions, waysChecksum } from "./ways.js";
import type { RoutesParams } from "./workload.js";

/** Few enough that the copies cost little, enough to share the work evenly. */
const BATCHES = 16;

export const poolFile = new URL(import.meta.url);

interface Batch {
  airports: Airport[];
  asked: { charge: number; source: number }[];
}

export function answer({ airports, asked }: Batch): Found[] {
  return asked.map(({ charge, source }) => cheapest(airports[source]!, airports.length, charge));
}

export function pool(piscina: Piscina, { sources, charges }: RoutesParams): Job {
  const airports = graph(flights());
  const all = questions(sources, charges);
  const size = Math.ceil(all.length / BATCHES);
  let found: Found[] = [];
  return {
    async run() {
      const batches: Promise<Found[]>[] = [];
      for (let at = 0; at < all.length; at += size) {
        const batch: Batch = { airports, asked: all.slice(at, at + size) };
        batches.push(piscina.run(batch, { name: "answer" }));
      }
      found = (await Promise.all(batches)).flat();
    },
    checksum: () => waysChecksum(sources, charges, found),
  };
}
