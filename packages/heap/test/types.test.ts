/** The public types, as TypeScript sees the built package: a fixture whose only errors are the mistakes it marks. */
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, it } from "vitest";

const fixture = fileURLToPath(new URL("./fixtures/types.ts", import.meta.url));
const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Lines of the fixture with an error when nothing is expected to be one. */
function errors(): string[] {
  const { config } = ts.readConfigFile(`${root}/tsconfig.json`, ts.sys.readFile);
  const options = {
    ...ts.parseJsonConfigFileContent(config, ts.sys, root).options,
    noEmit: true,
    types: [],
    lib: ["lib.es2024.d.ts", "lib.esnext.disposable.d.ts"],
  };
  const host = ts.createCompilerHost(options);
  const read = host.readFile.bind(host);
  host.readFile = (file) => (file === fixture ? read(file)?.replaceAll("@ts-expect-error", "") : read(file));
  return ts.getPreEmitDiagnostics(ts.createProgram([fixture], options, host)).map(({ file, start, messageText }) => {
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line : 0;
    return `${file?.fileName.split("/").pop()}:${line} ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
  });
}

it("fields, references, containers and handles have their types; every mistake, and nothing else, is an error", () => {
  const mistakes = (ts.sys.readFile(fixture) ?? "")
    .split("\n")
    .flatMap((text, n) => (text.includes("@ts-expect-error") && n > 0 ? [`types.ts:${n + 1} `] : []));
  expect(mistakes.length).toBeGreaterThan(20);
  expect(errors().map((error) => `${error.split(" ")[0]} `)).toEqual(mistakes);
}, 60_000);
