/** Promises of the main thread: kept alive, and never waited for longer than is good. */

/** Where nobody stands above: an uncaught exception. */
export function raise(error: unknown): never {
  throw error;
}

/** Keeps the process alive until the promise has settled: nothing else may. */
export async function awake<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, 2 ** 30);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}

/** The longest delay of a timer of node: a longer one fires at once. */
const TIMER_MAX = 2 ** 31 - 1;

/** Waits for a promise, but not longer (Infinity: as long as it takes): its value, or undefined. */
export async function bounded<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    const wait = (left: number) => {
      timer = setTimeout(
        () => (left > TIMER_MAX ? wait(left - TIMER_MAX) : resolve(undefined)),
        Math.min(left, TIMER_MAX),
      );
    };
    wait(milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
