/** Schemas: the field types of structs, and how fields are laid out. */
import { Layout as L } from "@ungil/kernel";
import type { Dict } from "./dict.js";
import { LimitError, SchemaError } from "./errors.js";
import type { List } from "./list.js";
import type { ClassToken, Shared } from "./shared.js";

export type FieldKind = "i32" | "u32" | "f64" | "bool" | "str" | "ref";

/** A class of shared objects, as a schema names it: the annotation that lets a struct refer to itself. */
export type Class<T> = abstract new (...args: never[]) => T;

declare const fieldType: unique symbol;

/** A field type. `T` is what JavaScript sees. */
export interface Field<T> {
  readonly kind: FieldKind;
  /** For references: the class, looked up at the first use, so that structs can refer to each other. */
  readonly target?: () => Class<unknown>;
  readonly [fieldType]?: T;
}

/** Signed 32-bit integer. */
export const i32: Field<number> = { kind: "i32" };
/** Unsigned 32-bit integer. */
export const u32: Field<number> = { kind: "u32" };
/** Double. */
export const f64: Field<number> = { kind: "f64" };
export const bool: Field<boolean> = { kind: "bool" };
/** Immutable string; "" if it was never set. */
export const str: Field<string> = { kind: "str" };

/** A reference to a shared object of a class, or null. */
export function ref<T>(target: () => Class<T>): Field<T | null> {
  if (typeof target !== "function")
    throw new SchemaError("ref() takes a function that returns the class: ref(() => Account)");
  return { kind: "ref", target };
}

let listClass: Class<unknown>;
let dictClass: Class<unknown>;

/** Called once by the modules of List and Dict, which stand above this one. */
export function setContainers(list: Class<unknown>, dict: Class<unknown>): void {
  listClass = list;
  dictClass = dict;
}

/** A reference to a List, or null. */
export const list = <T>(): Field<List<T> | null> => ({ kind: "ref", target: () => listClass });
/** A reference to a Dict, or null. */
export const dict = <K extends string | number, V>(): Field<Dict<K, V> | null> => ({
  kind: "ref",
  target: () => dictClass,
});

// biome-ignore lint/suspicious/noExplicitAny: a schema holds fields of any type
export type Schema = Record<string, Field<any>>;

/** The fields of an instance. */
export type Fields<S extends Schema> = { -readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never };
export type Struct<S extends Schema> = Fields<S> & Shared;

export interface FieldLayout {
  readonly name: string;
  readonly kind: FieldKind;
  readonly offset: number;
  readonly target?: () => Class<unknown>;
}

export interface StructLayout {
  readonly name: string;
  /** Of the module that defined it, for messages. */
  readonly url: string;
  /** Names of the fields in the order of the schema. */
  readonly order: readonly string[];
  readonly fields: readonly FieldLayout[];
  /** Bytes, header included; a multiple of 8. */
  readonly size: number;
  /** 64-bit mask of u32 words that are counted references: low, high. */
  readonly refMask: readonly [number, number];
  readonly token: ClassToken;
}

const bytesOf: Record<FieldKind, number> = { i32: 4, u32: 4, f64: 8, bool: 4, str: 4, ref: 4 };
/** What every object inherits cannot be told from a field that was given; `toJSON` has a meaning of its own. */
const reserved = new Set(["toJSON"]);

/** Lays fields out: doubles first, so that nothing is padded, then words in the order of the schema. `define`: struct(). */
export function layOut(
  name: string,
  schema: Schema,
  token: ClassToken,
  define: (...args: never[]) => unknown,
): StructLayout {
  if (typeof name !== "string" || name === "")
    throw new SchemaError(`struct(name, schema): the name must be a string that is not empty, not ${String(name)}`);
  if (typeof schema !== "object" || schema === null)
    throw new SchemaError(`struct("${name}", schema): the schema must be an object of field types`);
  // { __proto__: f64 } is no field, but what the schema inherits from.
  if (!isPlain(schema))
    throw new SchemaError(
      `struct("${name}", schema): the schema must be a plain object; a field cannot be called __proto__`,
    );
  const entries = Object.entries(schema);
  for (const [field, type] of entries) {
    if (!type || !(type.kind in bytesOf))
      throw new SchemaError(
        `struct("${name}"): ${field} is not a field type; use i32, u32, f64, bool, str, ref(() => Class), list() or dict()`,
      );
    if (reserved.has(field) || field in Object.prototype)
      throw new SchemaError(`struct("${name}"): a field cannot be called ${field}`);
  }
  const ordered = [...entries.filter(([, t]) => t.kind === "f64"), ...entries.filter(([, t]) => t.kind !== "f64")];
  let offset: number = L.OBJECT_BODY;
  let [low, high] = [0, 0];
  const fields: FieldLayout[] = [];
  for (const [field, type] of ordered) {
    if (type.kind === "str" || type.kind === "ref") {
      const word = offset >>> 2;
      if (word < 32) low |= 1 << word;
      else high |= 1 << (word - 32);
    }
    fields.push({ name: field, kind: type.kind, offset, ...(type.target ? { target: type.target } : {}) });
    offset += bytesOf[type.kind];
  }
  if (offset > 256)
    throw new LimitError(
      `struct("${name}") takes ${offset - L.OBJECT_BODY} bytes; 248 is the most. Move some fields into a struct of their own`,
    );
  return {
    name,
    url: calledFrom(define),
    order: entries.map(([field]) => field),
    fields,
    size: Math.max(16, (offset + 7) & ~7),
    refMask: [low >>> 0, high >>> 0],
    token,
  };
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** URL of the module that called a function: the first frame below the function, wherever source maps put that. */
function calledFrom(define: (...args: never[]) => unknown): string {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, define);
  for (const line of (holder.stack ?? "").split("\n").slice(1)) {
    const url =
      /((?:file|data|node|https?):[^\s)]*?)(?::\d+)?(?::\d+)?\)?$/.exec(line)?.[1] ??
      /\(?(\/[^)]*?)(?::\d+)(?::\d+)\)?$/.exec(line)?.[1];
    if (url) return url;
  }
  return "an unknown module";
}
