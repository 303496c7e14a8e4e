/** scope(): bounds how long handles live, inside a step. */
import { NoRuntimeError } from "./errors.js";
import { Scope, thread } from "./scope.js";
import { ADDRESS, isWrapper, KIND, SCOPE, type Wrapper } from "./shared.js";

/**
 * Runs `work` in a scope of its own: what it reads and creates is released when it returns (unless something refers to it),
 * so that a long loop needs bounded memory. A handle that it returns belongs to the outer scope. Synchronous; throws what
 * `work` throws. On a thread outside coroutines it makes one step of all its accesses.
 */
export function scope<T>(work: () => T): T {
  const outer = thread.scope;
  if (!outer) throw new NoRuntimeError("scope()");
  if (!outer.open) return outer.heap.batch(work);
  const { x, heap } = outer;
  const { u32, outA, outB } = heap.kernel;
  const inner = new Scope(heap, x, true);
  const newborn = x.scopeOpen();
  const borrowed = u32[outA] as number;
  const generation = u32[outB] as number;
  thread.scope = inner;
  let result: T;
  try {
    result = work();
  } catch (error) {
    leave(inner, outer);
    x.scopeClose(newborn, borrowed, generation);
    throw error;
  }
  leave(inner, outer);
  if (!isWrapper(result) || result[SCOPE] !== inner) {
    x.scopeClose(newborn, borrowed, generation);
    return result;
  }
  const address = result[ADDRESS];
  x.countIncrement(address);
  x.scopeClose(newborn, borrowed, generation);
  x.borrow(address);
  x.countDecrement(address);
  return new (result[KIND] as NonNullable<Wrapper[typeof KIND]>).wrap(address, outer) as T;
}

function leave(inner: Scope, outer: Scope): void {
  inner.open = false;
  thread.scope = outer;
}
