/** Locks of shared objects: `using guard = yield* lock(a, b)`, `tryLock(a)`. Ordered by address, so they cannot deadlock. */
import {
  ADDRESS,
  addressOf,
  ForeignObjectError,
  type Heap,
  isWrapper,
  nameOf,
  SCOPE,
  type Shared,
  type Wrapper,
} from "@ungil/heap";
import { Layout as L, SyncLayout as S } from "@ungil/kernel";
import { DeadlockError, LockPoisonedError, OptionError } from "./errors.js";
import { type Fiber, here } from "./fiber.js";
import { done, hold, type Step, track, Wait, waiting } from "./operation.js";
import { threadOf } from "./thread.js";
import type { Operation } from "./types.js";

/** Holds locks until it is released: by `using`, by `release()`, at the latest when its coroutine ends. */
export class Guard {
  #first: number;
  #second: number;
  #rest: number[] | null;
  readonly #heap: Heap;
  readonly #fiber: Fiber | null;

  /** @internal */
  constructor(heap: Heap, fiber: Fiber | null, first: number, second: number, rest: number[] | null) {
    this.#heap = heap;
    this.#fiber = fiber;
    this.#first = first;
    this.#second = second;
    this.#rest = rest;
    if (fiber) {
      const root = fiber.root ?? fiber;
      if (root.guards) root.guards.push(this);
      else root.guards = [this];
    }
  }

  get held(): boolean {
    return this.#first !== 0;
  }

  /** @internal Whether `fiber` took it, and it holds the lock of `address`. */
  isOf(fiber: Fiber, address: number): boolean {
    if (this.#fiber !== fiber || this.#first === 0) return false;
    const { u32 } = this.#heap.kernel;
    return [this.#first, this.#second, ...(this.#rest ?? [])].some(
      (entry) => entry !== 0 && u32[(entry + S.HELD_OBJECT) >>> 2] === address >>> 0,
    );
  }

  /** Releases the locks. Twice is once. */
  release(): void {
    const first = this.#first;
    if (first === 0) return;
    this.#first = 0;
    const guards = (this.#fiber?.root ?? this.#fiber)?.guards;
    if (guards) {
      const last = guards.length - 1;
      if (guards[last] === this) guards.pop();
      else guards.splice(guards.indexOf(this), 1);
    }
    const heap = this.#heap;
    if (!heap.closed) threadOf(heap).inStep(() => this.#unlock(first));
  }

  #unlock(first: number): void {
    const { x } = threadOf(this.#heap);
    if (this.#rest) for (const entry of this.#rest) x.lockRelease(entry);
    if (this.#second) x.lockReleasePair(this.#second, first);
    else x.lockRelease(first);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** The objects of a call, checked, without repetition, in the order in which they are locked. */
function ordered(what: string, objects: readonly unknown[]): Wrapper[] {
  if (objects.length === 0) throw new OptionError(what, "its argument", "a shared object or several", "nothing");
  const list: Wrapper[] = [];
  for (const object of objects) {
    if (!isWrapper(object)) throw new OptionError(what, "its argument", "a shared object", object);
    addressOf(object);
    const first = list[0];
    if (first && first[SCOPE].heap !== object[SCOPE].heap)
      throw new ForeignObjectError(`A ${nameOf(object)} in ${what}`);
    if (!list.some((other) => other[ADDRESS] === object[ADDRESS])) list.push(object);
  }
  if (list.length === 2) {
    const [a, b] = list as [Wrapper, Wrapper];
    return a[ADDRESS] >>> 0 < b[ADDRESS] >>> 0 ? list : [b, a];
  }
  return list.length > 2 ? list.sort((a, b) => (a[ADDRESS] >>> 0) - (b[ADDRESS] >>> 0)) : list;
}

/**
 * Whether this very fiber took the lock and has not released it: to wait for it would be for ever. A strand of `all` waits for
 * another one like for anybody. O(locks that the coroutine holds), looked at only if the lock is not free.
 */
function holdsAlready(fiber: Fiber, object: Wrapper): boolean {
  const { guards } = fiber.root ?? fiber;
  return guards?.some((guard) => guard.isOf(fiber, object[ADDRESS])) ?? false;
}

/** True for an entry; false if the lock is taken; an error code throws. */
function got(heap: Heap, result: number, objects: readonly Wrapper[]): boolean {
  if (result === 0) return false;
  if (result < 0 || result >= L.ERROR_LIMIT) return true;
  return refuse(heap, result, objects);
}

function refuse(heap: Heap, code: number, objects: readonly Wrapper[]): never {
  const names = objects.map(nameOf).join(" and ");
  if (code === L.E_POISONED) throw new LockPoisonedError(`this ${names}`);
  return heap.fail(`The lock of a ${names}`, code);
}

/** Takes all of one or two locks, or none: a guard, or null. */
function tryAtOnce(heap: Heap, objects: readonly Wrapper[], task: number, fiber: Fiber | null): Guard | null {
  const { x, kernel } = threadOf(heap);
  const [a, b] = objects as [Wrapper, Wrapper | undefined];
  if (!b) {
    const entry = x.lockTry(addressOf(a), task);
    return got(heap, entry, objects) ? new Guard(heap, fiber, entry, 0, null) : null;
  }
  const entry = x.lockTryPair(addressOf(a), addressOf(b), task);
  return got(heap, entry, objects) ? new Guard(heap, fiber, entry, kernel.i32[kernel.outA] as number, null) : null;
}

class Lock extends Wait<Guard> {
  readonly kind = S.WAIT_LOCK;
  readonly #objects: Wrapper[];
  #entries: number[] = [];
  #patience = 0;

  constructor(objects: readonly Shared[]) {
    super();
    this.#objects = ordered("lock()", objects);
    track(this);
  }

  label(): string {
    return `lock(${this.#objects.map(nameOf).join(", ")})`;
  }

  protected begin(fiber: Fiber): Step<Guard> {
    const objects = this.#objects;
    if (objects.length <= 2) {
      const guard = tryAtOnce(fiber.scheduler.heap, objects, fiber.task, fiber);
      if (guard) return done(guard);
    }
    for (const object of objects) hold(fiber, object);
    this.#entries = [];
    return this.#go(fiber);
  }

  /** Takes the locks that are left one by one, each when all before it are held. */
  #go(fiber: Fiber): Step<Guard> {
    const { x, heap, kernel } = fiber.scheduler;
    while (this.#entries.length < this.#objects.length) {
      const object = this.#objects[this.#entries.length] as Wrapper;
      if (holdsAlready(fiber, object)) {
        this.#letGo(fiber);
        throw new DeadlockError([`it holds the lock of this ${nameOf(object)} already, and would wait for itself`]);
      }
      const entry = x.lockWait(object[ADDRESS], fiber.task, fiber.index, this.#patience);
      if (entry === 0) {
        fiber.waiter = kernel.u32[kernel.outA] as number;
        this.#patience = S.LOCK_PATIENT;
        return waiting;
      }
      this.#take(fiber, entry, object);
    }
    const [first, second = 0, ...rest] = this.#entries as [number, ...number[]];
    this.#entries = [];
    return done(new Guard(heap, fiber, first, second, rest.length ? rest : null));
  }

  #take(fiber: Fiber, entry: number, object: Wrapper): void {
    try {
      got(fiber.scheduler.heap, entry, [object]);
    } catch (error) {
      this.#letGo(fiber);
      throw error;
    }
    this.#entries.push(entry);
    this.#patience = 0;
  }

  protected resumed(fiber: Fiber): Step<Guard> {
    const entry = fiber.payload;
    fiber.payload = 0;
    if (entry !== 0) {
      this.#entries.push(entry);
      this.#patience = 0;
    }
    return this.#go(fiber);
  }

  protected abandon(fiber: Fiber): void {
    const { x } = fiber.scheduler;
    const held = fiber.payload;
    fiber.payload = 0;
    if (fiber.waiter) {
      x.waiterLose(fiber.waiter);
      fiber.waiter = 0;
    } else {
      // The wake-up had come already: it belongs to the next one. Locking and unlocking passes it on.
      const object = this.#objects[this.#entries.length] as Wrapper;
      const entry = held || x.lockTry(object[ADDRESS], fiber.task);
      if (entry < 0 || entry >= L.ERROR_LIMIT) x.lockRelease(entry);
    }
    this.#letGo(fiber);
  }

  #letGo(fiber: Fiber): void {
    for (const entry of this.#entries.splice(0)) fiber.scheduler.x.lockRelease(entry);
  }
}

/** Waits until this coroutine holds the locks of all these objects. Objects are locked in one order everywhere. */
export function lock(...objects: Shared[]): Operation<Guard> {
  return new Lock(objects);
}

/** The locks of all these objects if they are free now, else null. A plain call: it never waits. */
export function tryLock(...objects: Shared[]): Guard | null {
  const list = ordered("tryLock()", objects);
  const { heap } = (list[0] as Wrapper)[SCOPE];
  const fiber = here.fiber;
  // Outside coroutines the holder is nobody in particular.
  return threadOf(heap).inStep(() => tryAll(heap, list, fiber ? fiber.task : 1, fiber));
}

function tryAll(heap: Heap, list: Wrapper[], task: number, fiber: Fiber | null): Guard | null {
  if (list.length <= 2) return tryAtOnce(heap, list, task, fiber);
  const { x } = threadOf(heap);
  const entries: number[] = [];
  try {
    for (const object of list) {
      const entry = x.lockTry(addressOf(object), task);
      if (!got(heap, entry, [object])) break;
      entries.push(entry);
    }
  } catch (error) {
    for (const entry of entries) x.lockRelease(entry);
    throw error;
  }
  if (entries.length < list.length) {
    for (const entry of entries) x.lockRelease(entry);
    return null;
  }
  const [first, second, ...rest] = entries as [number, number, ...number[]];
  return new Guard(heap, fiber, first, second, rest);
}

/** Makes the lock of an object usable again after its holder's thread died. Look at what it guards first. */
export function clearPoison(object: Shared): void {
  const [wrapper] = ordered("clearPoison()", [object]) as [Wrapper];
  const { heap } = wrapper[SCOPE];
  const owner = threadOf(heap);
  owner.inStep(() => void owner.x.lockClear(addressOf(wrapper)));
}
