/**
 * The exports of a module that this thread has loaded. `import()` gives them, but not before the module has been evaluated,
 * and a program of one file stands at its own top-level `await` while its coroutines run. Its exports are bound since it was
 * linked; what remains is to reach them without waiting. A cycle does that: `enter.mjs` imports `early.mjs`, then the module;
 * `early.mjs` imports `enter.mjs`, so it is evaluated first, and it calls a function of `enter.mjs`, which is there since
 * linking and returns the module's namespace. This takes two small files, because an import names a fixed URL.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

export type Namespace = Record<string, unknown>;

/** How long an answer is waited for: a loader of the user's may take its time. */
const PATIENCE = 1000;

/**
 * Calls back with the exports of a module whose evaluation has begun on this thread (importing any other would run it): as
 * they are now, and again when it has been evaluated, if that is later. The promise is that of the first answer; it never
 * rejects, and it does not wait for long.
 */
export async function withExports(url: string, found: (exports: Namespace) => void): Promise<void> {
  const evaluated = import(url).then(found, () => undefined);
  if (await isFirst(evaluated, aFewTurns())) return;
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE);
  });
  await Promise.race([evaluated, reachEarly(url).then((exports) => exports && found(exports)), patience]);
  clearTimeout(timer);
}

async function isFirst(a: Promise<unknown>, b: Promise<unknown>): Promise<boolean> {
  return Promise.race([a.then(() => true), b.then(() => false)]);
}

/** An evaluated module comes within one turn of the event loop, if no loader runs on a thread of its own. */
async function aFewTurns(): Promise<void> {
  for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve));
}

/** The exports of a module that is being evaluated; null where files cannot be written. */
async function reachEarly(url: string): Promise<Namespace | null> {
  let folder: string | undefined;
  try {
    folder = await mkdtemp(path.join(tmpdir(), "ungil-"));
    const enter = path.join(folder, "enter.mjs");
    const key = Symbol.for(folder);
    await writeFile(
      enter,
      `import "./early.mjs";\nimport * as namespace from ${JSON.stringify(url)};\nexport function get() { return namespace; }\n`,
    );
    await writeFile(
      path.join(folder, "early.mjs"),
      `import { get } from "./enter.mjs";\nglobalThis[Symbol.for(${JSON.stringify(folder)})](get());\n`,
    );
    return await handedOver(key, () => import(pathToFileURL(enter).href));
  } catch {
    return null;
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** What somebody passes to the global function of that key. */
function handedOver(key: symbol, load: () => Promise<unknown>): Promise<Namespace> {
  const place = globalThis as unknown as Record<symbol, unknown>;
  return new Promise<Namespace>((resolve, reject) => {
    place[key] = resolve;
    load().catch(reject);
  }).finally(() => delete place[key]);
}
