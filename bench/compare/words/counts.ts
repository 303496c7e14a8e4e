// What a run of words gives, and its checksum.
import { byCodeUnits, sha256 } from "../data/digest.js";

export function countsChecksum(counts: Iterable<readonly [string, number]>): string {
  const sorted = [...counts].sort(([a], [b]) => byCodeUnits(a, b));
  return sha256(sorted.map(([word, count]) => `${word}\t${count}`));
}
