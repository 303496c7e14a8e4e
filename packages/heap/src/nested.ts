/** scope(): bounds how long handles live, inside a step. */
import { type HeapExports, OutOfMemoryError, StorageError } from "@ungil/kernel";
import { AsyncScopeError, NoRuntimeError } from "./errors.js";
import { releasing } from "./release.js";
import { Scope, thread } from "./scope.js";
import { ADDRESS, isWrapper, KIND, SCOPE, type Wrapper } from "./shared.js";

/**
 * Runs `work` in a scope of its own: what it reads and creates is released when it returns (unless something refers to it),
 * so that a long loop needs bounded memory. A handle that it returns belongs to the outer scope, also one in a plain array or
 * object. Synchronous; throws what `work` throws. On a thread outside coroutines it makes one step of all its accesses.
 */
export function scope<T>(work: () => T): T {
  const outer = thread.scope;
  if (!outer) throw new NoRuntimeError("scope()");
  if (!outer.open) return outer.heap.batch(() => finished(work()));
  const { x } = outer;
  const { u32, outA, outB } = outer.heap.kernel;
  const inner = new Scope(outer.heap, x, true);
  const newborn = x.scopeOpen();
  const borrowed = u32[outA] as number;
  const generation = u32[outB] as number;
  thread.scope = inner;
  let result: T;
  try {
    result = work();
    if (typeof result === "object" && result !== null) finished(result);
  } catch (error) {
    leave(inner, outer);
    scopeClose(x, newborn, borrowed, generation);
    throw error;
  }
  leave(inner, outer);
  if (typeof result === "object" && result !== null) {
    return closeWith(result, inner, outer, () => scopeClose(x, newborn, borrowed, generation));
  }
  scopeClose(x, newborn, borrowed, generation);
  return result;
}

function scopeClose(x: HeapExports, newborn: number, borrowed: number, generation: number): void {
  try {
    x.scopeClose(newborn, borrowed, generation);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    releasing(() => x.scopeClose(newborn, borrowed, generation));
  }
}

/** Closes a scope that returns an object: its handles go over to the outer scope. (Apart, so that scopes nest deep.) */
function closeWith<T extends object>(result: T, inner: Scope, outer: Scope, close: () => void): T {
  const { x } = outer;
  const handles = handlesIn(result, inner);
  // Counted while neither scope has them.
  for (const handle of handles) x.countIncrement(handle[ADDRESS]);
  close();
  let lost = 0;
  for (const handle of handles) {
    if (!x.borrow(handle[ADDRESS])) lost++;
    x.countDecrement(handle[ADDRESS]);
  }
  if (lost > 0) throw new OutOfMemoryError("The handles that a scope returns");
  if (isWrapper(result)) return result[SCOPE] === inner ? (rewrap(result, outer) as unknown as T) : result;
  for (const handle of handles) handle[SCOPE] = outer;
  return result;
}

/** V8 takes a wrapper's scope for constant as long as none is changed, and the single handle is the common case. */
function rewrap(handle: Wrapper, scope: Scope): Wrapper {
  return new (handle[KIND] as NonNullable<Wrapper[typeof KIND]>).wrap(handle[ADDRESS], scope);
}

/** A promise would go on after the scope has closed. (A task can be awaited too, and is a handle.) */
function finished<T>(result: T): T {
  if (typeof result !== "object" || result === null || isWrapper(result)) return result;
  if (typeof (result as { then?: unknown }).then !== "function") return result;
  Promise.resolve(result).catch(() => undefined); // nobody else will see how it ends
  throw new AsyncScopeError();
}

/** The handles of a scope in a value: itself, or inside plain arrays and objects. */
function handlesIn(value: object, scope: Scope): Wrapper[] {
  if (isWrapper(value)) return value[SCOPE] === scope ? [value] : [];
  const found = new Set<Wrapper>();
  const holders = new Set<object>([value]);
  // The set grows while it is walked.
  for (const holder of holders) {
    if (!Array.isArray(holder) && Object.getPrototypeOf(holder) !== Object.prototype) continue;
    for (const item of Object.values(holder) as unknown[]) {
      if (isWrapper(item)) {
        if (item[SCOPE] === scope) found.add(item);
      } else if (typeof item === "object" && item !== null) holders.add(item);
    }
  }
  return [...found];
}

function leave(inner: Scope, outer: Scope): void {
  inner.open = false;
  thread.scope = outer;
}
