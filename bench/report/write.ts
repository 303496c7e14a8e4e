// Writes a report where the user asked for it: FILE is relative to where the command was typed, and pnpm says in
// INIT_CWD where that was.
import { accessSync, constants, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { UsageError } from "./exit.js";
import { report } from "./machine.js";
import type { Row } from "./shape.js";
import { validateReport } from "./validate.js";

export function typedPath(file: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), file);
}

export function writeReport(file: string, rows: Row[]): string {
  const path = typedPath(file);
  const value = report(rows);
  const faults = validateReport(value);
  if (faults.length > 0) throw new Error(`the report does not have its own shape:\n  ${faults.join("\n  ")}`);
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
  return path;
}

/** Says at once, not after two minutes, that a file cannot be written. */
export function checkPath(file: string): void {
  const folder = dirname(typedPath(file));
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new UsageError(`--json ${file}: the folder ${folder} does not exist or cannot be written to.`);
  }
}
