/** A worker thread: `run` ends when the runtime closes. */
import { threadId } from "node:worker_threads";
import { thread } from "@ungil/heap";
import { Kernel, OutOfMemoryError, setCurrentCoroutine } from "@ungil/kernel";
import { writeOutputDirectly } from "./console.js";
import { calls, type MainControl, serve, type WorkerControl } from "./control.js";
import { activities, isActive, waitsOf } from "./deadlock.js";
import { DeadlockError } from "./errors.js";
import type { SyncExports } from "./exports.js";
import { pack } from "./failure.js";
import { here } from "./fiber.js";
import type { WorkerTask } from "./host.js";
import { findDefinition, load } from "./modules.js";
import { putBy } from "./reserve.js";
import { RuntimeHeap } from "./runtime-heap.js";
import { Scheduler } from "./scheduler.js";
import { coroutineName } from "./task.js";

writeOutputDirectly();

export async function run({ machine, slot, spinRounds, control, report }: WorkerTask): Promise<void> {
  const main = calls<MainControl>(report);
  const kernel = new Kernel<SyncExports>(machine, slot);
  if (kernel.exports.syncAttach(0) !== 0) throw new OutOfMemoryError(`Starting thread ${slot}`);
  const heap = new RuntimeHeap(kernel);
  thread.scope = heap.root;
  process.on("exit", () => {
    kernel.exports.syncExit();
    thread.scope = heap.root;
  });
  setCurrentCoroutine(() => (here.fiber?.scope.heap === heap ? coroutineName(heap, here.fiber.task) : undefined));
  const told = new Set<Promise<void>>();
  const scheduler = new Scheduler(
    kernel,
    heap,
    {
      find: findDefinition,
      // Kept until the main thread has its own handle on it, or could not have one.
      unhandled(task, scope, wasCancelled) {
        const release = () => {
          told.delete(telling);
          heap.release(task, scope);
          scheduler.pendingLess();
        };
        scheduler.pendingMore(); // until then the thread is not at rest
        const telling: Promise<void> = main.unhandled(task, wasCancelled).then(release, release);
        told.add(telling);
      },
    },
    spinRounds,
  );
  heap.batch(() => putBy(heap));
  let whenNew = activities();
  await new Promise<void>((resolve) => {
    serve<WorkerControl>(control, {
      async prepare(preload) {
        try {
          for (const url of preload) await load(url);
          whenNew = activities();
          scheduler.start();
          return null;
        } catch (error) {
          return { failure: pack(error) };
        }
      },
      // Tasks are read in a batch: what a parked thread has translated may have left memory.
      waits: () => (isActive(whenNew) ? null : heap.batch(() => waitsOf(scheduler))),
      breakWaits: (waits, coroutines) =>
        heap.batch(() => scheduler.breakWaits(waits, () => new DeadlockError(coroutines))),
      async stop() {
        scheduler.stop();
        await Promise.all(told);
        resolve();
      },
    });
    main.hello(threadId);
  });
}
