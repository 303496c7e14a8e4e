/**
 * The error classes that this thread knows, and what another thread calls them. A name alone says little: programs have
 * their own SchemaError. So a class travels with its *origins*, the places where every thread finds it: "node:RangeError",
 * "ungil:LimitError", or the URL of a module, "#", and the name of an export. What has no origin can be known by the name
 * under which it was registered.
 */
import { AssertionError } from "node:assert";
import { isMainThread } from "node:worker_threads";
import * as heapErrors from "@ungil/heap";
import * as kernelErrors from "@ungil/kernel";
import { UngilError } from "@ungil/kernel";
import { isLoaded } from "./coroutines.js";
import * as runtimeErrors from "./errors.js";
import { type Namespace, withExports } from "./namespace.js";

export type ErrorClass = abstract new (...args: never[]) => Error;

/** A class, as it travels. */
export interface ClassName {
  readonly name: string;
  /** Where it is found; null if the thread that threw it cannot tell. */
  readonly origins: readonly string[] | null;
}

const classes = new Map<string, ErrorClass>();
const originsOf = new WeakMap<ErrorClass, string[]>();
const registered = new Map<string, Set<ErrorClass>>();
const ORIGINS_MAX = 8;
/** Modules that have been looked through or are being so, and those of which nothing is missing. */
const looks = new Map<string, Promise<void>>();
const seen = new Set<string>();

function note(type: ErrorClass, origin: string): void {
  classes.set(origin, type);
  const origins = originsOf.get(type);
  if (!origins) originsOf.set(type, [origin]);
  else if (origins.length < ORIGINS_MAX && !origins.includes(origin)) origins.push(origin);
}

function isErrorClass(value: unknown): value is ErrorClass {
  return typeof value === "function" && (value === Error || value.prototype instanceof Error);
}

const standard = ["Error", "TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError", "URIError"];
for (const name of [...standard, "AggregateError", "SuppressedError", "DOMException"]) {
  const type = (globalThis as unknown as Namespace)[name];
  if (isErrorClass(type)) note(type, `node:${name}`);
}
for (const type of [WebAssembly.CompileError, WebAssembly.LinkError, WebAssembly.RuntimeError])
  note(type as unknown as ErrorClass, `node:WebAssembly.${type.name}`);
note(AssertionError as unknown as ErrorClass, "node:AssertionError");
for (const exports of [kernelErrors, heapErrors, runtimeErrors] as Namespace[]) {
  for (const [name, value] of Object.entries(exports)) {
    if (value === UngilError || (isErrorClass(value) && value.prototype instanceof UngilError))
      note(value as ErrorClass, `ungil:${name}`);
  }
}

/** Tells this thread of error classes that its modules do not export: errors of these classes keep `instanceof`. */
export function registerErrors(...types: ErrorClass[]): void {
  for (const type of types) {
    if (!isErrorClass(type) || type === Error) throw new TypeError("registerErrors() takes classes that extend Error");
    const named = registered.get(type.name);
    if (named) named.add(type);
    else registered.set(type.name, new Set([type]));
  }
}

/** Notes the error classes among the exports of a module. False if some of them have no value yet. */
export function noteErrorClasses(url: string, exports: Namespace): boolean {
  let complete = true;
  // Not Object.keys: that reads them.
  for (const key of Reflect.ownKeys(exports)) {
    if (typeof key !== "string") continue;
    try {
      noteExport(`${url}#${key}`, exports[key]);
    } catch {
      complete = false;
    }
  }
  if (complete) seen.add(url);
  return complete;
}

function noteExport(origin: string, value: unknown): void {
  if (isErrorClass(value)) {
    const isStandard = originsOf.get(value)?.some((known) => /^(node|ungil):/.test(known));
    if (!isStandard) note(value, origin);
    return;
  }
  // What a CommonJS module exports may stand in its default export only.
  if (!origin.endsWith("#default") || typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) if (isErrorClass(item)) noteExport(`${origin}.${key}`, item);
}

/** What the class of an error is called on other threads. */
export function classNameOf(error: object): ClassName {
  for (let at: object | null = Object.getPrototypeOf(error); at; at = Object.getPrototypeOf(at)) {
    const type: unknown = Object.hasOwn(at, "constructor") ? at.constructor : undefined;
    if (typeof type !== "function" || type.prototype !== at) continue;
    const name = String(type.name);
    const origins = originsOf.get(type as never as ErrorClass) ?? standardOfAnotherRealm(type, name);
    if (origins) return { name, origins };
    // The main thread looks through modules only when it needs a class, so it does not know what they export.
    if (name && at !== Object.prototype) return { name, origins: isMainThread ? null : [] };
  }
  return { name: "Error", origins: ["node:Error"] };
}

/** Every realm (vm.createContext) has a TypeError of its own. */
function standardOfAnotherRealm(type: unknown, name: string): string[] | undefined {
  const isNative = /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(type));
  return isNative && classes.has(`node:${name}`) ? [`node:${name}`] : undefined;
}

/** The class of that name here. */
export function classFor({ name, origins }: ClassName): ErrorClass | undefined {
  for (const origin of origins ?? []) {
    const type = classes.get(origin);
    if (type) return type;
  }
  const named = registered.get(name) ?? (origins === null ? exportedAs(name) : undefined);
  // Two of one name: which of them it is cannot be told.
  return named?.size === 1 ? [...named][0] : undefined;
}

function exportedAs(name: string): Set<ErrorClass> {
  const found = new Set<ErrorClass>();
  for (const [origin, type] of classes) if (type.name === name && !/^(node|ungil):/.test(origin)) found.add(type);
  return found;
}

export function hasBeenSeen(url: string): boolean {
  return seen.has(url);
}

/** Looks through the exports of a module whose evaluation has begun on this thread. */
export function lookThrough(url: string): Promise<void> {
  const known = looks.get(url);
  if (known) return known;
  let hasGaps = false;
  const look = withExports(url, (exports) => {
    hasGaps = !noteErrorClasses(url, exports);
  }).then(() => {
    if (hasGaps) looks.delete(url); // an export that has no value yet may have one the next time
  });
  looks.set(url, look);
  return look;
}

/** Modules that are loaded here, and would have to be looked through to find a class. */
export function modulesOf({ origins }: ClassName): string[] {
  const urls = (origins ?? []).map((origin) => origin.slice(0, origin.lastIndexOf("#")));
  return urls.filter((url) => !seen.has(url) && isLoaded(url));
}
