// The graph of routes: every pair of US airports with flights in 2008 (flights-airport.csv), and where the airports
// are (airports.csv), from the npm package vega-datasets. 305 airports, 5366 routes, cycles everywhere.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface Place {
  iata: string;
  latitude: number;
  longitude: number;
}

export interface Flights {
  /** In the order of their IATA codes. */
  places: Place[];
  /** Pairs of indices into `places`, in the order of the file. */
  routes: [from: number, to: number][];
}

let loaded: Flights | undefined;

export function flights(): Flights {
  return (loaded ??= parseFlights(read("flights-airport.csv"), read("airports.csv")));
}

export function parseFlights(routesCsv: string, airportsCsv: string): Flights {
  const pairs = records(routesCsv).map(([from, to]) => [from!, to!] as const);
  const codes = [...new Set(pairs.flat())].sort();
  const index = new Map(codes.map((code, at) => [code, at]));
  const where = new Map(records(airportsCsv).map((record) => [record[0]!, record]));
  const places = codes.map((iata) => {
    const record = where.get(iata);
    if (record === undefined) throw new Error(`airports.csv does not know the airport ${iata}`);
    return { iata, latitude: Number(record.at(-2)), longitude: Number(record.at(-1)) };
  });
  return { places, routes: pairs.map(([from, to]) => [index.get(from)!, index.get(to)!]) };
}

/** The records of a CSV text without its head line. Quotes enclose commas; no file here quotes a quote. */
function records(csv: string): string[][] {
  const lines = csv.trimEnd().split(/\r?\n/).slice(1);
  return lines.map((line) => [...line.matchAll(/(?:^|,)(?:"([^"]*)"|([^,]*))/g)].map((match) => match[1] ?? match[2]!));
}

function read(file: string): string {
  // The package exports its code only, build/index.js: the data lie in a folder beside that one.
  const entry = createRequire(import.meta.url).resolve("vega-datasets");
  return readFileSync(join(dirname(entry), "..", "data", file), "utf8");
}
