/**
 * Errors between threads: what was thrown, made again from its table. No constructor runs. The new stack has both: where it
 * was thrown and who awaited it.
 */
import { classFor, type ErrorClass, modulesOf } from "./classes.js";
import { RemoteError } from "./errors.js";
import { type Cell, type ErrorRow, isOfNode, type Packed, type Row, type Table } from "./failure.js";

function tableOf(packed: Packed): Table {
  return JSON.parse(typeof packed === "string" ? packed : packed[0]) as Table;
}

const isErrorRow = (row: Row): row is ErrorRow => "class" in row;

/** Modules that are loaded here and would have to be looked through first, so that classes in it are known. */
export function modulesNeeded(packed: Packed): string[] {
  const [, ...rows] = tableOf(packed);
  const urls = new Set<string>();
  for (const row of rows) {
    if (!isErrorRow(row) || classFor(row.class)) continue;
    for (const url of modulesOf(row.class)) urls.add(url);
  }
  return [...urls];
}

/** What was thrown, on this thread. `awaited`: the stack of who waits for it. */
export function unpack(packed: Packed, awaited: string): unknown {
  const [thrown, ...rows] = tableOf(packed);
  const handles = typeof packed === "string" ? [] : packed.slice(1);
  // First all objects, then what they refer to: each other, maybe.
  const objects = rows.map((row) => (isErrorRow(row) ? makeError(row) : "items" in row ? [] : {}));
  const value = (cell: Cell) => plain(cell, objects, handles);
  const first = Array.isArray(thrown) ? thrown[0] : -1;
  for (const [n, row] of rows.entries()) {
    const object = objects[n] as object;
    if (isErrorRow(row)) fillError(object as Error, row, value, n === first ? awaited : "");
    else if ("items" in row) for (const item of row.items) (object as unknown[]).push(value(item));
    else for (const [key, cell] of row.own) define(object, key, value(cell), true);
  }
  return value(thrown);
}

function plain(cell: Cell, objects: readonly object[], handles: readonly unknown[]): unknown {
  if (typeof cell !== "object" || cell === null) return cell;
  if (Array.isArray(cell)) return objects[cell[0]];
  switch (cell.is) {
    case "undefined":
      return undefined;
    case "number":
      return Number(cell.text);
    case "bigint":
      return cell.text.startsWith("-") ? -BigInt(`0x${cell.text.slice(1)}`) : BigInt(`0x${cell.text}`);
    case "handle":
      return cell.number < handles.length ? handles[cell.number] : "[left out: memory was out]";
  }
}

/** An own property, whatever its name is. */
function define(object: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(object, key, { value, enumerable, configurable: true, writable: true });
}

function makeError(row: ErrorRow): Error {
  const type = classFor(row.class);
  if (!type) return new RemoteError(row.message, row.name === "Error" ? row.class.name : row.name);
  if ((type as unknown) === DOMException) return new DOMException(row.message, row.name) as unknown as Error;
  return makeOfClass(row, type);
}

/** A real error (structuredClone and inspect know it as one) under the class's prototype. */
function makeOfClass(row: ErrorRow, type: ErrorClass): Error {
  const error = new Error(row.message);
  Object.setPrototypeOf(error, type.prototype);
  const hasName = row.own.some(([key]) => key === "name");
  if (!hasName && error.name !== row.name) define(error, "name", row.name, false);
  return error;
}

function fillError(error: Error, row: ErrorRow, value: (cell: Cell) => unknown, awaited: string): void {
  const isKnown = classFor(row.class) !== undefined;
  for (const [key, cell] of row.hidden) define(error, key, value(cell), false);
  for (const [key, cell] of row.own) {
    // A RemoteError has a name and a code of its own.
    if (!isKnown && key === "name") continue;
    define(error, !isKnown && key === "code" ? "remoteCode" : key, value(cell), true);
  }
  define(error, "stack", joinStacks(row, awaited), false);
}

function joinStacks({ stack, name, message }: ErrorRow, awaited: string): string {
  const remote = stack || `${name}: ${message}`;
  const frames = awaited
    .split("\n")
    .filter((line) => /^\s+at /.test(line) && !isOfNode(line))
    .join("\n");
  return frames ? `${remote}\n    --- awaited by ---\n${frames}` : remote;
}
