/**
 * What piscina loads on a worker thread. It does so with `require`, so this is CommonJS: requiring an ES module would abort
 * node if the thread were ended meanwhile, and loaders such as tsx would make a copy of the module and of all that it
 * imports. This only imports the real one, as the modules of coroutines will import theirs.
 */
import path = require("node:path");
import url = require("node:url");

async function start(module: string, task: object): Promise<void> {
  const file = url.pathToFileURL(path.join(__dirname, module)).href;
  const thread = (await import(file)) as { run(task: object): Promise<void> };
  await thread.run(task);
}

export = {
  /** A thread that runs coroutines. */
  worker: (task: object): Promise<void> => start("worker-thread.js", task),
  /** The one that runs none. */
  system: (task: object): Promise<void> => start("system-thread.js", task),
};
