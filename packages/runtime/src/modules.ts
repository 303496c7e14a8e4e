/** Modules on a worker: where the code of coroutines comes from. */
import { linkExports, unlinkedModules } from "@ungil/heap";
import { hasBeenSeen, lookThrough, noteErrorClasses } from "./classes.js";
import { type Definition, definitionById, isLoaded, moduleOf } from "./coroutines.js";
import { CoroutineNotFoundError, ModuleLoadError, RuntimeInWorkerError } from "./errors.js";

const loading = new Map<string, Promise<void>>();

/** Imports a module once and looks through its exports. */
export function load(url: string): Promise<void> {
  let promise = loading.get(url);
  if (!promise) {
    promise = importModule(url);
    loading.set(url, promise);
    // A module that failed may be there the next time.
    promise.catch(() => loading.delete(url));
  }
  return promise;
}

async function importModule(url: string): Promise<void> {
  let namespace: Record<string, unknown>;
  try {
    namespace = await import(url);
  } catch (cause) {
    // A program without a guard has started a runtime here: its message shows the fix.
    if (cause instanceof RuntimeInWorkerError) throw cause;
    throw new ModuleLoadError(url, { cause });
  }
  look(url, namespace);
  await linkStructs();
}

function look(url: string, namespace: Record<string, unknown>): void {
  noteErrorClasses(url, namespace);
  linkExports(namespace);
}

const linked = new Set<string>();

/** Structs whose classes are exported by modules that were imported by others: they are loaded, so this runs nothing. */
async function linkStructs(): Promise<void> {
  for (const url of unlinkedModules()) {
    if (linked.has(url) || !/^(file|data):/.test(url)) continue;
    linked.add(url);
    await import(url).then(
      (namespace) => look(url, namespace),
      () => undefined,
    );
  }
}

/**
 * The definition of a coroutine id, importing its module if it is not loaded. A module that another one has imported is looked
 * through first: what its coroutines throw is to be known by the names of its exports.
 */
export function findDefinition(id: string): Definition | Promise<Definition> {
  const known = definitionById(id);
  if (!known) return loadDefinition(id);
  if (!isLoaded(known.url) || hasBeenSeen(known.url)) return known;
  return lookThrough(known.url).then(() => known);
}

async function loadDefinition(id: string): Promise<Definition> {
  await load(moduleOf(id));
  const found = definitionById(id);
  if (!found) throw new CoroutineNotFoundError(id);
  return found;
}
