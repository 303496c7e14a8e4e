// Who may import whom. Each function takes the sources and returns one line for each violation.

import { builtinModules } from "node:module";
import path from "node:path";
import ts from "typescript";
import type { Files } from "./repository.js";

/** The modules that a source names: imports, re-exports, types-only ones and `import()`. */
export function specifiers(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName);
}

const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

const isBuiltin = (specifier: string) => specifier.startsWith("node:") || builtinModules.includes(specifier);

/**
 * A package imports only packages on floors below its own, by name, and only what its package.json declares.
 * `order` lists package names from the lowest floor up; `declared` the dependencies of each.
 */
export function packageImports(
  folder: string,
  name: string,
  files: Files,
  order: readonly string[],
  declared: readonly string[],
): string[] {
  const wrong: string[] = [];
  const floor = order.indexOf(name);
  for (const [file, text] of files) {
    for (const specifier of specifiers(text)) {
      if (specifier.startsWith(".")) {
        const target = path.posix.join(path.posix.dirname(file), specifier);
        if (!`${target}/`.startsWith(`${folder}/`)) wrong.push(`${file} reaches out of its package: ${specifier}`);
        continue;
      }
      if (isBuiltin(specifier)) {
        if (!specifier.startsWith("node:")) wrong.push(`${file} imports ${specifier} without node:`);
        continue;
      }
      const target = packageOf(specifier);
      if (order.includes(target) && order.indexOf(target) >= floor) {
        wrong.push(`${file} imports upwards: ${specifier} from ${name}`);
      }
      if (!declared.includes(target)) wrong.push(`${file} imports ${target}, which ${name} does not depend on`);
    }
  }
  return wrong;
}

/** Strongly connected components of more than one node, as "a -> b -> a" lines. */
export function cycles(graph: Map<string, Set<string>>): string[] {
  const found: string[] = [];
  const reported = new Set<string>();
  const state = new Map<string, "open" | "done">();
  const stack: string[] = [];
  const visit = (node: string): void => {
    state.set(node, "open");
    stack.push(node);
    for (const next of [...(graph.get(node) ?? [])].sort()) {
      if (state.get(next) === "open") {
        const loop = stack.slice(stack.indexOf(next));
        const key = [...loop].sort().join(" ");
        if (!reported.has(key)) found.push([...loop, next].join(" -> "));
        reported.add(key);
      } else if (!state.has(next)) visit(next);
    }
    stack.pop();
    state.set(node, "done");
  };
  for (const node of [...graph.keys()].sort()) if (!state.has(node)) visit(node);
  return found;
}

/** Import cycles between packages, by what their package.json files declare. */
export function packageCycles(dependencies: Map<string, readonly string[]>): string[] {
  const graph = new Map<string, Set<string>>();
  for (const [name, list] of dependencies) graph.set(name, new Set(list.filter((other) => dependencies.has(other))));
  return cycles(graph);
}

/** Where inside `base` a file belongs: its folder, or itself if it lies in `base` directly. */
function part(base: string, file: string): string {
  const [first = "", ...rest] = path.posix.relative(base, file).split("/");
  return rest.length > 0 ? `${first}/` : first;
}

/** A relative import without its extension: assembly sources leave it out, the others write `.js`. */
const stem = (file: string) => file.replace(/\.(m?[jt]s)$/, "");

function relativeImports(files: Files, base: string): { from: string; to: string; file: string; specifier: string }[] {
  return [...files].flatMap(([file, text]) =>
    specifiers(text)
      .filter((specifier) => specifier.startsWith("."))
      .map((specifier) => ({
        file,
        specifier,
        from: stem(part(base, file)),
        to: stem(part(base, path.posix.join(path.posix.dirname(file), specifier))),
      })),
  );
}

/** Import cycles between the folders of one package. The files beside them (an index, a table of layouts) do not count. */
export function folderCycles(base: string, files: Files): string[] {
  const graph = new Map<string, Set<string>>();
  for (const { from, to } of relativeImports(files, base)) {
    if (from !== to && from.endsWith("/") && to.endsWith("/")) graph.set(from, (graph.get(from) ?? new Set()).add(to));
  }
  return cycles(graph);
}

/** Folders of `base` import only folders before them in `order`; an unknown folder is a violation too. */
export function folderImports(base: string, files: Files, order: readonly string[]): string[] {
  const wrong: string[] = [];
  for (const file of files.keys()) {
    const folder = part(base, file);
    if (folder.endsWith("/") && !order.includes(folder.slice(0, -1)))
      wrong.push(`${file}: no floor is given to ${folder}`);
  }
  for (const { file, specifier, from, to } of relativeImports(files, base)) {
    if (!from.endsWith("/") || !to.endsWith("/")) continue;
    if (order.indexOf(to.slice(0, -1)) > order.indexOf(from.slice(0, -1))) {
      wrong.push(`${file} imports upwards: ${specifier}`);
    }
  }
  return wrong;
}
