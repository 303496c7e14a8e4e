// routes on shared objects: one graph in shared memory, walked by every thread at once. Nothing is copied but the answers.
import {
  type Class,
  coroutines,
  f64,
  i32,
  List,
  list,
  type Runtime,
  ref,
  type Steps,
  scope,
  spawn,
  str,
  struct,
  type Task,
} from "ungil";
import { flights } from "../data/flights.js";
import type { Job } from "../workload.js";
import { type Found, Frontier, kilometres, questions, summary, waysChecksum } from "./ways.js";
import type { RoutesParams } from "./workload.js";

export class Airport extends struct("bench.Airport", {
  iata: str,
  index: i32,
  latitude: f64,
  longitude: f64,
  routes: list<Route>(),
}) {}

export class Route extends struct("bench.Route", {
  from: ref((): Class<Airport> => Airport),
  to: ref((): Class<Airport> => Airport),
}) {}

export const { buildGraph, findAll, find } = coroutines(import.meta, {
  *buildGraph() {
    const { places, routes } = flights();
    const airports = places.map((place, index) => new Airport({ ...place, index, routes: new List<Route>() }));
    for (const [a, b] of routes) {
      const from = airports[a]!;
      from.routes!.push(new Route({ from, to: airports[b]! }));
    }
    return new List(airports);
  },

  *findAll(airports: List<Airport>, sources: number, charges: number): Steps<Found[]> {
    const tasks: Task<Found>[] = [];
    for (const { charge, source } of questions(sources, charges)) {
      tasks.push(yield* spawn(find, airports, source, charge));
    }
    const found: Found[] = [];
    for (const task of tasks) found.push(yield* task);
    return found;
  },

  *find(airports: List<Airport>, source: number, charge: number) {
    return scope(() => cheapest(airports.get(source)!, airports.length, charge));
  },
});

function cheapest(source: Airport, count: number, charge: number): Found {
  const costs = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const done = new Uint8Array(count);
  const reached: Airport[] = [];
  const frontier = new Frontier();
  const first = source.index;
  costs[first] = 0;
  reached[first] = source;
  frontier.push(0, first);
  while (!frontier.empty) {
    const index = frontier.pop();
    if (done[index] === 1) continue;
    done[index] = 1;
    const airport = reached[index]!;
    const { latitude, longitude } = airport;
    for (const route of airport.routes!) {
      const to = route.to!;
      const next = to.index;
      if (done[next] === 1) continue;
      const leg = kilometres(latitude, longitude, to.latitude, to.longitude);
      const cost = costs[index]! + leg + charge;
      if (cost >= costs[next]!) continue;
      costs[next] = cost;
      reached[next] = to;
      frontier.push(cost, next);
    }
  }
  return summary(costs);
}

export async function shared(rt: Runtime, { sources, charges }: RoutesParams): Promise<Job> {
  const airports = await rt.run(buildGraph);
  let found: Found[] = [];
  return {
    async run() {
      found = await rt.run(findAll, airports, sources, charges);
    },
    checksum: () => waysChecksum(sources, charges, found),
    // The graph is full of cycles: it goes with its runtime.
  };
}
