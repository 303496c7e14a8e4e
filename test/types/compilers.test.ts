/** The public types under the oldest TypeScript that we promise (`typecheck` has them under our own). */
import { fileURLToPath } from "node:url";
import ts from "typescript-5.4";
import { expect, it } from "vitest";

const files = [
  "packages/runtime/test/types.ts",
  "packages/memory/test/space/types.ts",
  "test/packaging/fixtures/typed.ts",
].map((file) => fileURLToPath(new URL(`../../${file}`, import.meta.url)));

/** Errors of the fixtures: each marks the mistakes that it makes with @ts-expect-error. */
function errors(): string[] {
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts", "lib.esnext.disposable.d.ts"],
    types: ["node"],
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false, // our own declarations are checked too
    noEmit: true,
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ file, messageText }) =>
        `${file?.fileName.split("/").pop()}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`,
    );
}

it("TypeScript 5.4 accepts what is right, and nothing else", () => {
  expect(ts.version).toMatch(/^5\.4\./);
  expect(errors()).toEqual([]);
}, 120_000);
