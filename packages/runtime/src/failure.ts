/**
 * Errors between threads. A failed coroutine's error travels as a plain object (class name, message, stack, own properties,
 * cause) and is rebuilt on the thread that asks: built-in classes and ours by name, a user's class if this thread has loaded
 * it, else RemoteError under its name. No constructor runs. The new stack has both: where it was thrown and who awaited it.
 */
import { inspect } from "node:util";
import * as heapErrors from "@ungil/heap";
import { isWrapper } from "@ungil/heap";
import * as kernelErrors from "@ungil/kernel";
import { UngilError } from "@ungil/kernel";
import * as runtimeErrors from "./errors.js";
import { RemoteError } from "./errors.js";

type ErrorClass = abstract new (...args: never[]) => Error;

/** An error as it travels. */
export interface Failure {
  /** Class names, most derived first, up to (not including) Error. */
  classes: string[];
  name: string;
  message: string;
  stack: string;
  properties: Record<string, unknown>;
  cause?: Packed;
  errors?: Packed[];
}

/** A value inside a failure: an error, or anything else that can be shared. */
export type Packed = { error: Failure } | { value: unknown };

const DEPTH_MAX = 8;

const builtins = new Map<string, ErrorClass>();
for (const type of [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError]) {
  builtins.set(type.name, type);
}
builtins.set("DOMException", DOMException as unknown as ErrorClass);
for (const namespace of [kernelErrors, heapErrors, runtimeErrors]) {
  for (const value of Object.values(namespace)) {
    if (typeof value === "function" && (value === UngilError || value.prototype instanceof UngilError)) {
      builtins.set(value.name, value as unknown as ErrorClass);
    }
  }
}

const registered = new Map<string, ErrorClass>();

/** Tells this thread of error classes that its modules do not export: errors of these classes keep `instanceof`. */
export function registerErrors(...classes: ErrorClass[]): void {
  for (const type of classes) {
    if (typeof type !== "function" || !(type.prototype instanceof Error))
      throw new TypeError("registerErrors() takes classes that extend Error");
    registered.set(type.name, type);
  }
}

/** Notes the error classes among the exports of a module that this thread has loaded. */
export function noteErrorClasses(namespace: Record<string, unknown>): void {
  for (const value of Object.values(namespace)) {
    if (typeof value === "function" && value.prototype instanceof Error && !builtins.has(value.name)) {
      registered.set(value.name, value as unknown as ErrorClass);
    }
  }
}

/** Whatever was thrown, as a plain value. */
export function pack(thrown: unknown, depth = 0): Packed {
  if (
    thrown instanceof Error ||
    (typeof thrown === "object" && thrown !== null && Object.prototype.toString.call(thrown) === "[object Error]")
  ) {
    return { error: packError(thrown as Error, depth) };
  }
  return { value: shareable(thrown, depth, new Set()) };
}

function packError(error: Error, depth: number): Failure {
  const classes: string[] = [];
  for (
    let at: object | null = Object.getPrototypeOf(error);
    at && at !== Object.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    const name = Object.hasOwn(at, "constructor") ? (at.constructor as { name?: string })?.name : undefined;
    if (name && name !== "Error") classes.push(name);
  }
  const failure: Failure = {
    classes,
    name: text(() => error.name, "Error"),
    message: text(() => error.message, ""),
    stack: withoutScheduler(text(() => error.stack, "")),
    properties: {},
  };
  for (const key of Object.keys(error)) {
    if (key === "stack" || key === "message" || key === "cause" || key === "errors") continue;
    failure.properties[key] = shareable(read(error, key), depth, new Set());
  }
  if ("cause" in error && error.cause !== undefined && depth < DEPTH_MAX) failure.cause = pack(error.cause, depth + 1);
  const { errors } = error as { errors?: unknown };
  if (Array.isArray(errors) && depth < DEPTH_MAX) failure.errors = errors.map((item) => pack(item, depth + 1));
  return failure;
}

/** Where this package's code is, as stacks name it. */
const here = import.meta.url.slice(0, import.meta.url.lastIndexOf("/") + 1);

/** A stack without the frames at its end that every coroutine has: the scheduler's. */
function withoutScheduler(stack: string): string {
  const lines = stack.split("\n");
  let last = lines.length;
  while (last > 1 && /^\s+at /.test(lines[last - 1]!) && isOurs(lines[last - 1]!)) last--;
  return lines.slice(0, last).join("\n");
}

function isOurs(line: string): boolean {
  return line.includes(here) || line.includes("node:internal") || /\.(next|throw) \(<anonymous>\)$/.test(line);
}

function text(get: () => unknown, otherwise: string): string {
  try {
    const value = get();
    return typeof value === "string" ? value : value === undefined ? otherwise : String(value);
  } catch {
    return otherwise;
  }
}

function read(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** A copy of a value with what cannot be shared in words. An error must arrive, whatever hangs on it. */
function shareable(value: unknown, depth: number, seen: Set<object>): unknown {
  if (typeof value === "function" || typeof value === "symbol") return inspect(value);
  if (typeof value !== "object" || value === null) return value;
  if (isWrapper(value)) return value;
  if (seen.has(value) || seen.size > 1000) return "[Circular]";
  seen.add(value);
  if (value instanceof Error && depth < DEPTH_MAX) return { ...packError(value, depth + 1) };
  if (Array.isArray(value)) return value.map((item) => shareable(item, depth, seen));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return inspect(value, { depth: 2 });
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) copy[key] = shareable(read(value, key), depth, seen);
  return copy;
}

/** The first class of a failure that this thread knows. */
function classFor(failure: Failure): ErrorClass | undefined {
  const name = failure.classes[0];
  if (name === undefined) return Error;
  return builtins.get(name) ?? registered.get(name);
}

/** Names of classes that this thread does not know: their module may be loaded all the same. */
export function classIsMissing(packed: Packed): boolean {
  if (!("error" in packed)) return false;
  const { error } = packed;
  return classFor(error) === undefined || (error.cause !== undefined && classIsMissing(error.cause));
}

/** What was thrown, on this thread. `awaited`: the stack of who waits for it. */
export function unpack(packed: Packed, awaited: string): unknown {
  if (!("error" in packed)) return packed.value;
  const { error: failure } = packed;
  const type = classFor(failure);
  const error = type
    ? build(failure, type)
    : new RemoteError(failure.message, failure.name === "Error" ? (failure.classes[0] ?? "Error") : failure.name);
  const define = (key: string, value: unknown, enumerable: boolean) =>
    Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
  for (const [key, value] of Object.entries(failure.properties)) {
    if (!type && (key === "code" || key === "name")) continue;
    define(key, value, true);
  }
  if (!type)
    for (const [key, value] of Object.entries(failure.properties))
      if (key === "code") define("remoteCode", value, true);
  if (failure.cause) define("cause", unpack(failure.cause, ""), false);
  if (failure.errors)
    define(
      "errors",
      failure.errors.map((item) => unpack(item, "")),
      false,
    );
  define("stack", joinStacks(failure, awaited), false);
  return error;
}

function build(failure: Failure, type: ErrorClass): Error {
  if ((type as unknown) === DOMException) return new DOMException(failure.message, failure.name) as unknown as Error;
  // A real error (structuredClone and inspect know it as one) under the class's prototype.
  const error = new Error(failure.message);
  Object.setPrototypeOf(error, type.prototype);
  if (error.name !== failure.name && !("name" in failure.properties)) {
    Object.defineProperty(error, "name", { value: failure.name, configurable: true, writable: true });
  }
  return error;
}

function joinStacks(failure: Failure, awaited: string): string {
  const remote = failure.stack || `${failure.name}: ${failure.message}`;
  const frames = awaited
    .split("\n")
    .filter((line) => /^\s+at /.test(line) && !line.includes("node:internal"))
    .join("\n");
  return frames ? `${remote}\n    --- awaited by ---\n${frames}` : remote;
}
