// routes in plain JavaScript: one thread, airports and routes are plain objects that refer to each other.
import { type Flights, flights } from "../data/flights.js";
import type { Job } from "../workload.js";
import { type Found, Frontier, kilometres, questions, summary, waysChecksum } from "./ways.js";
import type { RoutesParams } from "./workload.js";

export interface Airport {
  iata: string;
  index: number;
  latitude: number;
  longitude: number;
  routes: Route[];
}

export interface Route {
  from: Airport;
  to: Airport;
}

export function graph({ places, routes }: Flights): Airport[] {
  const airports: Airport[] = places.map((place, index) => ({ ...place, index, routes: [] }));
  for (const [a, b] of routes) {
    const from = airports[a]!;
    from.routes.push({ from, to: airports[b]! });
  }
  return airports;
}

export function cheapest(source: Airport, count: number, charge: number): Found {
  const costs = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const done = new Uint8Array(count);
  const reached: Airport[] = [];
  const frontier = new Frontier();
  costs[source.index] = 0;
  reached[source.index] = source;
  frontier.push(0, source.index);
  while (!frontier.empty) {
    const index = frontier.pop();
    if (done[index] === 1) continue;
    done[index] = 1;
    const airport = reached[index]!;
    for (const { to } of airport.routes) {
      if (done[to.index] === 1) continue;
      const leg = kilometres(airport.latitude, airport.longitude, to.latitude, to.longitude);
      const cost = costs[index]! + leg + charge;
      if (cost >= costs[to.index]!) continue;
      costs[to.index] = cost;
      reached[to.index] = to;
      frontier.push(cost, to.index);
    }
  }
  return summary(costs);
}

export function plain({ sources, charges }: RoutesParams): Job {
  const airports = graph(flights());
  let found: Found[] = [];
  return {
    run() {
      found = questions(sources, charges).map(({ charge, source }) =>
        cheapest(airports[source]!, airports.length, charge),
      );
    },
    checksum: () => waysChecksum(sources, charges, found),
  };
}
