/** Failures that nobody waits for: whom they are told. */
import type { Settings } from "./options.js";
import type { Task } from "./task.js";
import { raise } from "./waiting.js";

/** Of a task. */
export function tellUnhandled({ onUnhandled }: Settings, error: unknown, task: Task<unknown>): void {
  if (onUnhandled) onUnhandled(error, task);
  else setImmediate(() => raise(error));
}

/** Of something that is no task, and without which the runtime goes on. */
export function tellTrouble({ onUnhandled }: Settings, error: Error): void {
  if (onUnhandled) setImmediate(onUnhandled, error, null);
  else process.emitWarning(error);
}
