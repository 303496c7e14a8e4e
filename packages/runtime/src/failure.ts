/**
 * Errors between threads: what was thrown, as one text. It is a flat table: a value that is an object is the number of a row,
 * so an object that occurs twice is one object on the other side too, cycles stay cycles, and nothing here recurses. Shared
 * objects cannot be written down; they go along as they are. What cannot be shared at all is said in words, one property at
 * a time: an error must arrive, whatever hangs on it.
 *
 * One text is one allocation, and its size is bounded, for an error is most welcome when memory is out.
 */
import { inspect, types } from "node:util";
import { addressOf, crossing, isWrapper, SCOPE, type Scope, thread, valueIn, type Wrapper } from "@ungil/heap";
import { type ClassName, classNameOf } from "./classes.js";
import { putBy, useReserve } from "./reserve.js";

/** What was thrown, as it travels: the text of its table, and the shared objects that the table mentions. */
export type Packed = string | [text: string, ...handles: unknown[]];

/** A value in the table: itself if JSON has it, the number of a row, or one of the others. */
export type Cell = string | number | boolean | null | [row: number] | Special;
export type Special =
  | { is: "undefined" }
  | { is: "number"; text: string }
  | { is: "bigint"; text: string }
  | { is: "handle"; number: number };

export interface ErrorRow {
  class: ClassName;
  name: string;
  message: string;
  stack: string;
  /** Enumerable properties, then those that are not. */
  own: [key: string, value: Cell][];
  hidden: [key: string, value: Cell][];
}

export type Row = ErrorRow | { items: Cell[] } | { own: [key: string, value: Cell][] };

/** The first cell is what was thrown. */
export type Table = [thrown: Cell, ...rows: Row[]];

/** Characters that an error may take, all that hangs on it included, and with how many it is tried when memory is out. */
const ROOM = 1 << 20;
const LESS_ROOM = [1 << 14, 1 << 10, 0];
/** What a message may take in any case. */
const TEXT_MIN = 200;
/** Properties that are not enumerable, and part of an error all the same. */
const HIDDEN = ["cause", "errors", "error", "suppressed"];
/** To say that so few characters are left out takes as many. */
const SHORT = 40;
/** So many properties are left out one by one: each keeps its name. */
const FEW = 3;
/** What a row takes at least. */
const ROW_MIN = 64;
const TOO_LARGE = "[left out: the error is too large]";

/** Whatever was thrown, as it travels. Shared objects go along if this is part of a step. */
export function pack(thrown: unknown, room = ROOM): Packed {
  const writer = new TableWriter(room);
  const table: Table = [writer.cell(thrown), ...writer.rows()];
  const text = JSON.stringify(table);
  return writer.handles.length > 0 ? [text, ...writer.handles] : text;
}

/** Packs into the heap: the address, or 0 if there is no memory even for the class and the message. */
export function failureIn(scope: Scope, thrown: unknown): number {
  let text = "";
  for (const room of [ROOM, ...LESS_ROOM]) {
    const packed = pack(thrown, room);
    const shorter = typeof packed === "string" ? packed : packed[0];
    if (text !== "" && shorter.length >= text.length) continue;
    text = shorter;
    try {
      valueIn(scope, packed, "The error");
      const address = crossing.ref;
      putBy(scope.heap);
      return address;
    } catch {
      // Memory is out.
    }
  }
  return useReserve(scope.heap, text);
}

class TableWriter {
  readonly handles: unknown[] = [];
  readonly #objects: object[] = [];
  readonly #numbers = new Map<object, number>();
  #room: number;

  constructor(room: number) {
    this.#room = room;
  }

  /** The rows of all objects that cells have mentioned: the nearest to what was thrown come first. */
  *rows(): Generator<Row> {
    // It grows meanwhile.
    for (const object of this.#objects) yield this.#row(object);
  }

  cell(value: unknown): Cell {
    this.#room -= 8;
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
        return Number.isFinite(value) && !Object.is(value, -0)
          ? value
          : { is: "number", text: Object.is(value, -0) ? "-0" : String(value) };
      case "boolean":
        return value;
      case "undefined":
        return { is: "undefined" };
      case "bigint":
        return this.#bigint(value);
      case "object":
        return value === null ? null : this.#object(value);
      default:
        return this.#text(inWords(value));
    }
  }

  #bigint(value: bigint): Cell {
    const text = value.toString(16);
    if (text.length > this.#room) return TOO_LARGE;
    this.#room -= text.length;
    return { is: "bigint", text };
  }

  #object(value: object): Cell {
    const known = this.#numbers.get(value);
    if (known !== undefined) return [known];
    if (this.#room <= 0 && this.#objects.length > 0) return TOO_LARGE;
    try {
      if (isWrapper(value)) return this.#handle(value);
      if (!isError(value) && !Array.isArray(value) && !isPlain(value)) return this.#text(inWords(value));
    } catch {
      return "[an object that throws]"; // a proxy can
    }
    this.#room -= ROW_MIN;
    const number = this.#objects.push(value) - 1;
    this.#numbers.set(value, number);
    return [number];
  }

  #handle(value: Wrapper): Cell {
    if (!canGoAlong(value)) return this.#text(`[${inWords(value)}]`);
    const known = this.handles.indexOf(value);
    return { is: "handle", number: known >= 0 ? known : this.handles.push(value) - 1 };
  }

  #row(object: object): Row {
    try {
      if (isError(object)) return this.#error(object);
      if (Array.isArray(object)) return { items: this.#items(object) };
      return { own: this.#properties(object, Object.keys(object)) };
    } catch {
      return { own: [] };
    }
  }

  #error(error: Error): ErrorRow {
    const type = classNameOf(error);
    for (const origin of type.origins ?? []) this.#room -= origin.length;
    const name = this.#text(textOf(error, "name", "Error"), TEXT_MIN);
    const message = this.#text(textOf(error, "message", ""), TEXT_MIN);
    const stack = this.#lines(withoutScheduler(textOf(error, "stack", "")));
    const keys = Object.keys(error).filter((key) => key !== "stack" && key !== "message");
    const hidden = HIDDEN.filter((key) => isHidden(error, key));
    // What was thrown before what hangs on it, so that it is not the causes that are left out.
    return {
      class: type,
      name,
      message,
      stack,
      hidden: this.#properties(error, hidden),
      own: this.#properties(error, keys),
    };
  }

  #items(array: readonly unknown[]): Cell[] {
    const cells: Cell[] = [];
    for (let n = 0; n < array.length; n++) {
      if (this.#room <= 0 && array.length - n > FEW) {
        cells.push(`[left out: ${array.length - n} more, the error is too large]`);
        break;
      }
      cells.push(this.#property(array, n));
    }
    return cells;
  }

  #properties(object: object, keys: readonly string[]): [string, Cell][] {
    const properties: [string, Cell][] = [];
    let left = 0;
    for (const key of keys) {
      if (this.#room <= 0 && keys.length > FEW && key !== "code" && key !== "name") {
        left++;
        continue;
      }
      this.#room -= key.length;
      properties.push([key, this.#property(object, key)]);
    }
    if (left > 0) properties.push(["...", `[left out: ${left} more, the error is too large]`]);
    return properties;
  }

  #property(object: object, key: string | number): Cell {
    let value: unknown;
    try {
      value = (object as Record<string | number, unknown>)[key];
    } catch (error) {
      return this.#text(`[a property that throws ${inWords(error)}]`);
    }
    return this.cell(value);
  }

  #text(text: string, least = SHORT): string {
    const room = Math.max(this.#room, least);
    this.#room -= Math.min(text.length, room);
    return text.length <= room ? text : `${text.slice(0, room)}... [${text.length - room} characters are left out]`;
  }

  /** As many lines of a stack as there is room for. */
  #lines(stack: string): string {
    const end = stack.length <= this.#room ? stack.length : Math.max(0, stack.lastIndexOf("\n", this.#room));
    this.#room -= end;
    return stack.slice(0, end);
  }
}

function isError(value: object): value is Error {
  return types.isNativeError(value) || value instanceof Error;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A cause may come from the class; nothing else that is not enumerable does. */
function isHidden(error: Error, key: string): boolean {
  const own = Object.getOwnPropertyDescriptor(error, key);
  if (own) return !own.enumerable;
  if (key !== "cause" || !(key in error)) return false;
  try {
    return error.cause !== undefined && typeof error.cause !== "function";
  } catch {
    return false;
  }
}

/** A handle that is not released, and of the runtime whose step this is. */
function canGoAlong(handle: Wrapper): boolean {
  try {
    addressOf(handle);
  } catch {
    return false;
  }
  const running = thread.scope;
  return running?.open === true && handle[SCOPE].x === running.x;
}

function inWords(value: unknown): string {
  try {
    return inspect(value, { depth: 2 });
  } catch {
    return `[${typeof value}]`;
  }
}

function textOf(error: Error, key: "name" | "message" | "stack", otherwise: string): string {
  try {
    const value: unknown = error[key];
    return typeof value === "string" ? value : value === undefined ? otherwise : String(value);
  } catch {
    return otherwise;
  }
}

/** Where this package's code is, as stacks name it. */
const here = import.meta.url.slice(0, import.meta.url.lastIndexOf("/") + 1);

/** A stack without the frames at its end that every coroutine has: the scheduler's. */
export function withoutScheduler(stack: string): string {
  const lines = stack.split("\n");
  let last = lines.length;
  while (last > 1 && /^\s+at /.test(lines[last - 1]!) && isOurs(lines[last - 1]!)) last--;
  return lines.slice(0, last).join("\n");
}

function isOurs(line: string): boolean {
  return line.includes(here) || isOfNode(line) || /\.(next|throw) \(<anonymous>\)$/.test(line);
}

/** A frame of one of node's own modules. */
export function isOfNode(line: string): boolean {
  return /[( ]node:/.test(line);
}
