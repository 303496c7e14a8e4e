/** Letting go of objects although the disk has lost some of their pages. */
import { StorageError } from "@ungil/kernel";

const TRIES_MAX = 10_000;

/**
 * A call that releases, destroys, reclaims: what the disk has lost it leaks, and goes on. Each try takes what it cannot reach
 * out of its list before it reaches for it, so it comes to an end.
 */
export function releasing<T>(call: () => T): T {
  for (let tries = 1; ; tries++) {
    try {
      return call();
    } catch (error) {
      if (!(error instanceof StorageError) || tries === TRIES_MAX) throw error;
    }
  }
}

/** A call that lets go of one object: if the disk has lost that, it is leaked. */
export function leaking(call: () => void): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
}
