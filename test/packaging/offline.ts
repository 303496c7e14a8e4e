// Packs the published packages and installs them into an empty project, with npm and without the network.

import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import { floors, type Manifest, nameOf, root } from "../architecture/repository.js";
import { command } from "../examples/programs.js";

const manifestAt = (folder: string): Manifest & { optionalDependencies?: Record<string, string> } =>
  JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));

async function must(file: string, args: string[], cwd: string, timeout: number): Promise<string> {
  const { code, stdout, stderr } = await command(file, args, cwd, timeout);
  if (code !== 0) throw new Error(`${file} ${args.join(" ")} ended with ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

/** pnpm as a command: the one that runs us if it does, else as the README calls it. */
function pnpm(): [string, string[]] {
  const runner = process.env.npm_execpath ?? "";
  return /pnpm\.c?js$/.test(runner) ? [process.execPath, [runner]] : ["npx", ["-y", "pnpm@10"]];
}

/** A tarball of each published package, as it would be uploaded. */
export async function pack(destination: string): Promise<string[]> {
  mkdirSync(destination, { recursive: true });
  const [file, args] = pnpm();
  for (const floor of floors) {
    await must(file, [...args, "pack", "--pack-destination", destination], path.join(root, "packages", floor), 60_000);
  }
  return readdirSync(destination)
    .filter((name) => name.endsWith(".tgz"))
    .map((name) => path.join(destination, name));
}

/** Folders of everything from elsewhere that `names`, seen from the package in `from`, need to run. */
function foreign(from: string, names: readonly string[], found = new Map<string, string>()): Map<string, string> {
  for (const name of names) {
    if (found.has(name) || name === "ungil" || name.startsWith("@ungil/")) continue;
    // In pnpm's layout a package's dependencies are in its own node_modules, or beside it.
    const candidates = [
      path.join(from, "node_modules", name),
      path.join(from.slice(0, from.lastIndexOf("node_modules")), "node_modules", name),
    ];
    const folder = candidates.map(resolved).find((candidate) => candidate !== undefined);
    if (folder === undefined) continue; // an optional one for another platform
    found.set(name, folder);
    const { dependencies, optionalDependencies } = manifestAt(folder);
    foreign(folder, Object.keys({ ...dependencies, ...optionalDependencies }), found);
  }
  return found;
}

function resolved(folder: string): string | undefined {
  try {
    return realpathSync(folder);
  } catch {
    return undefined;
  }
}

/** An empty project in `project` into which npm has installed the tarballs; `more`: packages of ours to add, like types. */
export async function install(project: string, tarballs: readonly string[], more: readonly string[]): Promise<void> {
  mkdirSync(project, { recursive: true });
  writeFileSync(path.join(project, "package.json"), '{ "name": "somebody", "private": true }\n');
  const others = new Map<string, string>();
  for (const floor of floors) {
    const folder = path.join(root, "packages", floor);
    foreign(folder, Object.keys(manifestAt(folder).dependencies ?? {}), others);
  }
  foreign(root, more, others);
  const quiet = ["--offline", "--install-links", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"];
  // The packages that a registry would serve are handed over as folders: npm packs and installs them the same way. As
  // copies: pnpm's files are hard links into its store, and npm 10 cannot pack a folder of many ("Exit handler never called!").
  const copies = path.join(path.dirname(project), "others");
  for (const [name, folder] of others) cpSync(folder, path.join(copies, name), { recursive: true, dereference: true });
  const args = [
    "install",
    ...quiet,
    "--cache",
    path.join(path.dirname(project), "empty cache"),
    ...tarballs,
    ...[...others.keys()].map((name) => path.join(copies, name)),
  ];
  await must("npm", args, project, 120_000);
}

export const published = floors.map(nameOf);
