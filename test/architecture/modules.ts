// What keeps `require(esm)` working, with one class registry: see ARCHITECTURE.md. Violations come back as lines.

import ts from "typescript";

/** Lines on the conditions of a package.json's `exports`: `types` first, `default` last, never `require` or `import`. */
export function exportConditions(name: string, exports: unknown): string[] {
  const wrong: string[] = [];
  const visit = (value: unknown, where: string): void => {
    if (typeof value !== "object" || value === null) return;
    const keys = Object.keys(value);
    const conditions = keys.filter((key) => !key.startsWith("."));
    for (const key of conditions) {
      if (!["types", "default", "node", "browser"].includes(key)) wrong.push(`${name}${where} has a ${key} condition`);
    }
    if (conditions.includes("types") && conditions[0] !== "types") wrong.push(`${name}${where}: types must come first`);
    if (conditions.length > 0 && conditions.at(-1) !== "default") wrong.push(`${name}${where}: default must come last`);
    for (const [key, inner] of Object.entries(value)) visit(inner, `${where} ${key}`);
  };
  visit(exports, "");
  return wrong;
}

/** Lines on each `await` that runs while the module is loaded. */
export function topLevelAwaits(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const wrong: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) {
      // A computed name and a decorator run outside; nobody awaits in one.
      return;
    }
    if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier) || isAwaitUsing(node)) {
      wrong.push(`${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1} awaits at the top level`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return wrong;
}

const isAwaitUsing = (node: ts.Node): boolean =>
  ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.AwaitUsing) === ts.NodeFlags.AwaitUsing;
