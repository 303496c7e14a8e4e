/**
 * Which class extends a struct. JavaScript tells nobody that a class was extended, and an object that comes out of memory
 * needs the prototype of the extending class: it is learnt when the class is constructed, named by a `ref`, tested with
 * `instanceof`, or found among the exports of its module. It is one class, or two threads could disagree on which.
 */
import { SchemaError } from "./errors.js";
import type { StructLayout } from "./schema.js";
import { type ClassToken, KIND } from "./shared.js";

interface Link {
  readonly layout: StructLayout;
  /** Of the class that extends the struct; the struct's own as long as none is known. */
  prototype: object;
  /** Of the handles that were made before a class was known: it inherits from `prototype`. */
  early: object | null;
}

type Class = (abstract new (...args: never[]) => object) & { prototype: object };

/** By the class that struct() has returned. */
const links = new Map<object, Link>();
const layouts = new Map<ClassToken, StructLayout>();

/** Called by struct(): nobody extends it yet. */
export function linkStruct(base: { prototype: object }, layout: StructLayout): void {
  links.set(base, { layout, prototype: base.prototype, early: null });
  layouts.set(layout.token, layout);
}

/** The prototype of a struct's handles. What is made before the class is known gets its methods when it is. */
export function prototypeOf(base: { prototype: object }): object {
  const link = links.get(base) as Link;
  if (link.prototype !== base.prototype) return link.prototype;
  link.early ??= Object.create(base.prototype) as object;
  return link.early;
}

/** The layout behind a class token; undefined for List and others that are no structs. */
export function layoutOf(token: ClassToken): StructLayout | undefined {
  return layouts.get(token);
}

/** The class token of a class that extends (or is) a struct, List or Dict; links the extending class to its struct. */
export function tokenOf(target: unknown): ClassToken | undefined {
  if (typeof target !== "function") return undefined;
  let below = target as Class;
  for (
    let base: unknown = Object.getPrototypeOf(target);
    typeof base === "function";
    base = Object.getPrototypeOf(base)
  ) {
    const link = links.get(base);
    if (link) linkClass(link, base as Class, below, target as Class);
    below = base as Class;
  }
  return (target.prototype as { [KIND]?: ClassToken } | undefined)?.[KIND];
}

/** `extending` extends the struct `base` itself, `target` is it or extends it. */
function linkClass(link: Link, base: Class, extending: Class, target: Class): void {
  if (link.prototype === base.prototype) {
    link.prototype = extending.prototype;
    if (link.early) Object.setPrototypeOf(link.early, link.prototype);
  }
  if (link.prototype === target.prototype) return;
  const other = (link.prototype as { constructor: Class }).constructor;
  const how =
    link.prototype === extending.prototype && extending !== target
      ? `extends class ${extending.name}, which extends`
      : `extends the struct that class ${other.name} extends,`;
  throw new SchemaError(
    `class ${target.name || "(anonymous)"} ${how} struct("${link.layout.name}"). Objects of a struct have one class: ` +
      `give ${target.name || "it"} a struct of its own`,
  );
}

/** Links the struct classes among a module's exports; all of them, before one that cannot be is reported. */
export function linkExports(namespace: Record<string, unknown>): void {
  let wrong: unknown = null;
  // Not Object.keys: that reads them, and an export may have no value yet.
  for (const name of Reflect.ownKeys(namespace)) {
    try {
      tokenOf(namespace[name as string]);
    } catch (error) {
      if (!(error instanceof ReferenceError)) wrong ??= error;
    }
  }
  if (wrong) throw wrong;
}

/** URLs of modules whose structs no class is known to extend: import them (they are loaded) and `linkExports`. */
export function unlinkedModules(): string[] {
  const urls = new Set<string>();
  for (const [base, link] of links) {
    if (link.prototype === (base as { prototype: object }).prototype) urls.add(link.layout.url);
  }
  return [...urls];
}
