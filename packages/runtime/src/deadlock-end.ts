/** The end of deadlocks: asks all threads what they wait for, and tells those who wait for each other for ever. */
import { type FiberWait, findDeadlocks } from "./deadlock.js";
import type { HostThread } from "./host.js";
import type { MainThread } from "./main.js";
import { bounded } from "./waiting.js";

/** Milliseconds that a thread has to answer. */
const PATIENCE = 500;

/**
 * A thread that has died looks like one that is parked, until its exit is known: so each is asked first, and what was seen
 * must still be so. If not, the next heartbeats look again.
 */
export async function breakDeadlocks(
  main: MainThread,
  threads: ReadonlyMap<number, HostThread>,
  isClosed: () => boolean,
): Promise<void> {
  const asked = [...threads];
  const progress = main.progress();
  const answers = asked.map(async ([slot, thread]) => [slot, await thread.ask((control) => control.waits())] as const);
  const reports = new Map<number, readonly FiberWait[]>();
  for (const [slot, waits] of (await bounded(Promise.all(answers), PATIENCE)) ?? [])
    if (waits) reports.set(slot, waits);
  if (reports.size < asked.length || isClosed()) return;
  if (!main.isStill() || main.progress() !== progress) return;
  for (const { coroutines, breaks } of main.inStep(() => findDeadlocks(main, reports))) {
    const told = [...breaks].map(([slot, waits]) =>
      threads.get(slot)?.ask((control) => control.breakWaits(waits, coroutines)),
    );
    await bounded(Promise.all(told), PATIENCE);
  }
}
