/** Who is accessing memory right now: what errors of an access name. */
import { isMainThread, threadId } from "node:worker_threads";

export interface Accessor {
  /** "main", or "worker" and a number. */
  thread: string;
  /** The coroutine whose step is running, if one is. */
  coroutine: string | undefined;
}

let currentCoroutine: () => string | undefined = () => undefined;

/** A floor that has coroutines says here how the running one is found. */
export function setCurrentCoroutine(find: () => string | undefined): void {
  currentCoroutine = find;
}

/** Never throws: it is called while an error is made. */
export function accessor(): Accessor {
  let coroutine: string | undefined;
  try {
    coroutine = currentCoroutine();
  } catch {
    // Its name cannot be read: the error is about something else.
  }
  return { thread: isMainThread ? "main" : `worker ${threadId}`, coroutine };
}

/** ", by main, coroutine transfer": the end of a message. */
export const byAccessor = ({ thread, coroutine }: Accessor): string =>
  `; by ${thread === "main" ? "the main thread" : `thread ${thread}`}${coroutine === undefined ? "" : `, coroutine ${coroutine}`}`;
