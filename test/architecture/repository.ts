// The repository as the checkers see it: a map from path (with slashes, relative to the root) to text. A test can hand
// a checker a map of its own instead, which is how each checker is shown to find what it looks for.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export type Files = Map<string, string>;

const skipped = new Set(["node_modules", "dist", ".git", ".report", "coverage"]);

/** Paths of the files below a folder, `dist` and `node_modules` left out unless the folder is itself in one. */
export function list(folder: string): string[] {
  const full = path.join(root, folder);
  if (!existsSync(full)) return [];
  return readdirSync(full, { withFileTypes: true })
    .flatMap((entry) => {
      const name = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) return skipped.has(entry.name) ? [] : list(name);
      return entry.isFile() ? [name] : [];
    })
    .sort();
}

export function read(folder: string, pattern: RegExp): Files {
  return new Map(
    list(folder)
      .filter((file) => pattern.test(file))
      .map((file) => [file, readFileSync(path.join(root, file), "utf8")]),
  );
}

/** The published packages, lowest floor first. */
export const floors = ["kernel", "memory", "heap", "runtime", "ungil", "inspector", "cluster"].filter((name) =>
  existsSync(path.join(root, "packages", name)),
);

export const nameOf = (floor: string): string => (floor === "ungil" ? "ungil" : `@ungil/${floor}`);

export interface Manifest {
  name: string;
  type?: string;
  dependencies?: Record<string, string>;
  exports?: unknown;
  private?: boolean;
}

export function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(path.join(root, folder, "package.json"), "utf8")) as Manifest;
}
