/**
 * Which pages of an image this process has itself written or checked. A page that a save finds in the file already is not written
 * again; whether it is there undamaged is known of these, and looked at of all others.
 */
import type { Stats } from "node:fs";
import type { ImagePage } from "./manifest.js";

interface Trust {
  /** Of the file, as it was then: another one may have taken its place. */
  readonly device: number;
  readonly inode: number;
  readonly generation: number;
  readonly hashes: ReadonlySet<string>;
}

const FILES_MAX = 8;
const trusted = new Map<string, Trust>();

export const keyOf = (hash: Buffer): string => hash.toString("latin1");

export function trust(file: string, stat: Stats, generation: number, pages: readonly ImagePage[]): void {
  trusted.delete(file);
  trusted.set(file, {
    device: stat.dev,
    inode: stat.ino,
    generation,
    hashes: new Set(pages.map(({ hash }) => keyOf(hash))),
  });
  const [oldest] = trusted.keys();
  if (trusted.size > FILES_MAX && oldest !== undefined) trusted.delete(oldest);
}

/** Hashes of pages of this generation that are known to be undamaged. */
export function trustedPages(file: string, stat: Stats, generation: number): ReadonlySet<string> {
  const known = trusted.get(file);
  const isSame = known && known.device === stat.dev && known.inode === stat.ino && known.generation === generation;
  return isSame ? known.hashes : new Set();
}
