/**
 * The registry: coroutines by id, which is the module's URL + "#" + key. A thread that is to run one imports the module and
 * finds it here.
 */
import { createRequire, Module } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CoroutineConflictError, CoroutineNotRegisteredError, ModuleLoadError, OptionError } from "./errors.js";
import { callOperation } from "./operation.js";
import type { Bodies, Coroutine, CoroutineBody, IdAddress, Registered } from "./types.js";

export interface Definition {
  readonly id: string;
  readonly url: string;
  readonly name: string;
  readonly body: CoroutineBody;
  /** The evaluation of its module that registered it. */
  readonly evaluation: unknown;
  /** Address of the id as a shared string, by heap of this thread. */
  readonly addresses: WeakMap<object, IdAddress>;
}

const definitions = new Map<string, Definition>();
/** URLs of modules that node itself has loaded, so that importing them again runs nothing. */
const loaded = new Set<string>();
const definitionOfCoroutine = new WeakMap<object, Definition>();
const coroutinesById = new Map<string, Coroutine<unknown[], unknown>>();

/** Where a module is: `import.meta` in an ES module, `module` in a CommonJS one. */
export type Where = { readonly url: string } | { readonly filename: string };

/**
 * Registers the coroutines of a module: `export const { transfer } = coroutines(import.meta, { *transfer(a, b) { ... } })`.
 * Their module must be importable by its URL, and register them whenever it is imported.
 */
export function coroutines<T extends Bodies<T>>(where: Where, bodies: T): Registered<T> {
  const url = urlOf(where);
  if (isOfNode(where)) loaded.add(url);
  if (typeof bodies !== "object" || bodies === null || Array.isArray(bodies)) {
    throw new OptionError("coroutines()", "its second argument", "an object of generator functions", bodies);
  }
  const evaluation = evaluationOf(where, url);
  const result: Record<string, unknown> = {};
  for (const [name, body] of Object.entries(bodies as object)) {
    if (typeof body !== "function" || !isGeneratorFunction(body)) {
      throw new OptionError("coroutines()", name, `a generator function (*${name}() { ... })`, typeof body);
    }
    result[name] = register(url, name, body as CoroutineBody, evaluation);
  }
  return result as Registered<T>;
}

function urlOf(where: Where): string {
  if (typeof where === "object" && where !== null) {
    if ("url" in where && typeof where.url === "string") return where.url;
    if ("filename" in where && typeof where.filename === "string") return pathToFileURL(where.filename).href;
  }
  throw new OptionError("coroutines()", "its first argument", "import.meta (or module, in CommonJS)", where);
}

/** Test runners and bundlers that evaluate modules in their own way make an object of their own; node's has no prototype. */
function isOfNode(where: Where): boolean {
  return Object.getPrototypeOf(where) === null || where instanceof Module;
}

function isGeneratorFunction(body: unknown): boolean {
  return Object.prototype.toString.call(body) === "[object GeneratorFunction]";
}

/**
 * What tells one evaluation of a module from the next one (a test runner's, hot reload): `import.meta` is a new object each
 * time. A CommonJS module may pass an object of its own making at each call; node's record of the module is one for each
 * evaluation. An object that has but the URL says nothing: then the URL stands for a single evaluation.
 */
function evaluationOf(where: Where, url: string): unknown {
  if (Object.getPrototypeOf(where) === null) return where;
  if (url.startsWith("file:")) {
    const record = createRequire(url).cache[fileURLToPath(url)];
    if (record) return record;
  }
  return Object.keys(where).length === 1 ? url : where;
}

/**
 * In a bundle several modules share one URL, so a key can come twice: the second gets the suffix "~2", the same on every
 * thread because a bundle is evaluated in one order. The same source text again is the same module evaluated again, and
 * keeps its id; but if it comes twice in one evaluation (a function that calls `coroutines`, two CommonJS modules in one
 * bundle), the two may see different variables, and another thread could not tell which one is meant.
 */
function register(url: string, name: string, body: CoroutineBody, evaluation: unknown): Coroutine<unknown[], unknown> {
  const text = body.toString();
  let id = `${url}#${name}`;
  for (let n = 2; ; n++) {
    const known = definitions.get(id);
    if (!known) break;
    if (known.body.toString() === text) {
      if (known.evaluation === evaluation) throw new CoroutineConflictError(url, name);
      break;
    }
    id = `${url}#${name}~${n}`;
  }
  const definition: Definition = { id, url, name, body, evaluation, addresses: new WeakMap() };
  definitions.set(id, definition);
  const coroutine = (...args: unknown[]) => callOperation(definition.name, body(...args));
  Object.defineProperty(coroutine, "name", { value: name });
  Object.defineProperty(coroutine, "id", { value: id, enumerable: true });
  definitionOfCoroutine.set(coroutine, definition);
  coroutinesById.set(id, coroutine as unknown as Coroutine<unknown[], unknown>);
  return coroutine as unknown as Coroutine<unknown[], unknown>;
}

/**
 * The coroutine of an id. If its module is not loaded here it can only be spawned: the thread that runs it imports the module.
 */
export function coroutineById(id: string): Coroutine<unknown[], unknown> {
  const known = coroutinesById.get(id);
  if (known) return known;
  const [url, name] = [moduleOf(id), id.slice(id.lastIndexOf("#") + 1)];
  const coroutine = () => {
    throw new ModuleLoadError(url, {
      cause: new Error("it is not loaded on this thread, which can only spawn its coroutines"),
    });
  };
  Object.defineProperty(coroutine, "name", { value: name });
  Object.defineProperty(coroutine, "id", { value: id, enumerable: true });
  definitionOfCoroutine.set(coroutine, { id, url, name, body: coroutine, evaluation: null, addresses: new WeakMap() });
  return coroutine as unknown as Coroutine<unknown[], unknown>;
}

export function definitionById(id: string): Definition | undefined {
  return definitions.get(id);
}

/** True if a module has registered coroutines here, and `import()` gives that very module. */
export function isLoaded(url: string): boolean {
  return loaded.has(url);
}

export function definitionOf(coroutine: unknown): Definition {
  const found = typeof coroutine === "function" ? definitionOfCoroutine.get(coroutine) : undefined;
  if (!found) throw new CoroutineNotRegisteredError(coroutine);
  return found;
}

/** The module of an id. */
export function moduleOf(id: string): string {
  return id.slice(0, id.lastIndexOf("#"));
}
