// What a run of index gives, and its checksum.
import { byCodeUnits, sha256 } from "../data/digest.js";

export function positionsChecksum(positions: Iterable<readonly [string, Iterable<number>]>): string {
  const sorted = [...positions].sort(([a], [b]) => byCodeUnits(a, b));
  return sha256(sorted.map(([word, list]) => `${word}\t${[...list].sort((a, b) => a - b).join(",")}`));
}
