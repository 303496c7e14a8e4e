// The programs in our READMEs: a ```js block after the line `<!-- example: NAME -->`, and, if the text says what it
// prints, a ```text block after the line `<!-- output: NAME -->`.

export interface Example {
  name: string;
  code: string;
  output: string | undefined;
}

const fenced = (mark: string, name: string, language: string) =>
  new RegExp(`<!-- ${mark}: (${name}) -->\\s*\\n\`\`\`${language}\\n([\\s\\S]*?)\\n\`\`\``, "g");

export function examples(markdown: string): Example[] {
  const outputs = new Map(
    [...markdown.matchAll(fenced("output", "[\\w-]+", "text"))].map(([, name, text]) => [name, text] as const),
  );
  return [...markdown.matchAll(fenced("example", "[\\w-]+", "js"))].map(([, name = "", code = ""]) => ({
    name,
    code: `${code}\n`,
    output: outputs.get(name),
  }));
}

/** Marks that no block follows: a typing mistake would otherwise hide an example from its test. */
export function danglingMarks(markdown: string): string[] {
  const found = new Set(examples(markdown).map((example) => example.name));
  return [...markdown.matchAll(/<!-- (?:example|output): (.*?) -->/g)]
    .map((match) => match[1] ?? "")
    .filter((name) => !found.has(name));
}

/**
 * The same program as a CommonJS module: `require` for `import`, `module` for `import.meta`, and an async function
 * around the rest, since CommonJS has no top-level await. It is called at once, so coroutines register as before.
 */
export function asCommonJs(code: string): string {
  const requires: string[] = [];
  const body = code
    .replace(/^import (\{[^}]*\}|\w+) from ("[^"]+");?$/gm, (_, names: string, from: string) => {
      requires.push(`const ${names.replace(/ as /g, ": ")} = require(${from});`);
      return "";
    })
    .replace(/^export /gm, "")
    .replaceAll("import.meta", "module");
  return `${requires.join("\n")}\n(async () => {\n${body.trim()}\n})().catch((error) => {\n  console.error(error);\n  process.exitCode = 1;\n});\n`;
}
