// routes: the cheapest way from every airport to every other one, over the flight graph held as linked objects, full of
// cycles: an airport has a list of routes, a route refers to both of its airports. A leg costs its length, the
// great-circle distance in whole kilometres, plus a charge for the landing; Dijkstra's algorithm runs from each of the
// first `sources` airports in IATA order (all if 0), for `charges` charges: 0, 100, 200 ... km. One source with one charge is one task.
// Checksum: SHA-256 of the lines `charge TAB iata TAB reached TAB total TAB mix LF`, by charge, then by IATA code. reached: airports that
// can be reached, the source among them; total: the sum of their costs; mix: the sum of (index + 1) x cost modulo 2^32,
// index being the airport's place in IATA order.
import { workload } from "../workload.js";
import { plain } from "./plain.js";
import { pool, poolFile } from "./pool.js";
import { shared } from "./shared.js";

export type RoutesParams = { sources: number; charges: number };

export const routes = workload<RoutesParams>({
  name: "routes",
  about: "all-pairs cheapest ways over linked airports and routes",
  weight: 1,
  params: { full: { sources: 0, charges: 6 }, quick: { sources: 40, charges: 2 } },
  plain,
  shared,
  pool,
  poolFile,
});
