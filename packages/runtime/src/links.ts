/**
 * The classes of structs on the main thread. An object that comes out of memory has the methods of the class that extends its
 * struct, and JavaScript tells nobody of that class: it is found among the exports of the module that made the struct. That
 * module is evaluated, or being so, on this thread, so looking at it runs nothing.
 */
import { linkExports, unlinkedModules } from "@ungil/heap";
import { withExports } from "./namespace.js";

const looked = new Set<string>();

/**
 * Finds classes that are not known yet; null if there is nothing new to look at. Only in modules that node has loaded itself:
 * what a test runner evaluates has no URL, and importing it would run it once more.
 */
export function linkClasses(): Promise<unknown> | null {
  const urls = unlinkedModules().filter((url) => /^(file|data):/.test(url) && !looked.has(url));
  if (urls.length === 0) return null;
  for (const url of urls) looked.add(url);
  return Promise.all(urls.map((url) => withExports(url, link)));
}

/** Two classes for one struct are an error where an object of the second one is made. */
function link(exports: Record<string, unknown>): void {
  try {
    linkExports(exports);
  } catch {
    // It is thrown again there.
  }
}
