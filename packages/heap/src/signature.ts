/**
 * What a layout is known by on all threads: the names, kinds, offsets and order of its fields, and for references the name
 * of what they refer to. By name only, so that structs may refer to each other; worked out at the first use of the struct,
 * when the classes that `ref(() => Class)` names are there.
 */
import { SchemaError } from "./errors.js";
import { layoutOf, tokenOf } from "./links.js";
import type { FieldLayout, StructLayout } from "./schema.js";
import type { ClassToken } from "./shared.js";

export interface Signature {
  /** The schema in words, for messages. */
  readonly text: string;
  /** 64 bits: low, high. */
  readonly hash: readonly [number, number];
  /** The structs that it refers to. */
  readonly targets: readonly StructLayout[];
}

const known = new WeakMap<StructLayout, Signature>();

/** Throws SchemaError if a class that a field refers to is not there yet. */
export function signatureOf(layout: StructLayout): Signature {
  const found = known.get(layout);
  if (found) return found;
  const targets: StructLayout[] = [];
  const words = new Map<string, string>();
  for (const field of layout.fields) {
    const token = field.kind === "ref" ? targetOf(layout, field) : undefined;
    const target = token && layoutOf(token);
    if (target) targets.push(target);
    words.set(field.name, token ? (target ? `ref(${token.name})` : token.name) : field.kind);
  }
  const signature: Signature = {
    text: layout.order.map((name) => `${name}: ${words.get(name)}`).join(", "),
    hash: hash64(
      JSON.stringify([layout.order, layout.fields.map(({ name, offset }) => [name, words.get(name), offset])]),
    ),
    targets,
  };
  known.set(layout, signature);
  return signature;
}

/** The class that a reference field refers to. */
export function targetOf(layout: StructLayout, field: FieldLayout): ClassToken {
  const where = `struct("${layout.name}"): ref of ${field.name}`;
  let target: unknown;
  try {
    target = field.target?.();
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    throw new SchemaError(
      `${where} names a class that is not there yet: ${cause.message}. Its module has not run so far; use ${layout.name} later`,
      { cause },
    );
  }
  const token = tokenOf(target);
  if (!token) throw new SchemaError(`${where} does not return a class of shared objects, but ${String(target)}`);
  return token;
}

/** FNV-1a, 64 bits. */
function hash64(text: string): readonly [number, number] {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return [Number(hash & 0xffffffffn), Number(hash >> 32n)];
}
