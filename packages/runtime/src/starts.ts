/** How a task becomes a fiber: its coroutine is looked up (its module imported, the first time), its arguments are read. */
import { Scope, thread } from "@ungil/heap";
import { argumentsOut } from "./arguments.js";
import type { Definition } from "./coroutines.js";
import type { Endings } from "./endings.js";
import { CancelledError } from "./errors.js";
import { Fiber, WAITING } from "./fiber.js";
import type { FiberThread } from "./fibers.js";
import { unpack } from "./rebuild.js";

export class Starts {
  /** By the addresses of their ids, since the heap was restored last. */
  readonly #definitions = new Map<number, Definition>();
  #restored = 0;

  constructor(
    readonly thread: FiberThread,
    readonly endings: Endings,
  ) {}

  /** A fiber for a task that was taken from a queue; null if it cannot run now, or is over already. */
  begin(picked: number): Fiber | null {
    const owner = this.thread;
    const { x, kernel, heap } = owner;
    const task = picked | 0;
    const index = owner.indexTake();
    const values = x.taskStart(task, index);
    if (values < -1) {
      owner.indexFree(index);
      x.taskRequeue();
      heap.reclaim(1);
      return null;
    }
    const address = kernel.i32[kernel.outRef] as number;
    const flags = kernel.u32[kernel.outA] as number;
    const fiber = new Fiber(owner, index, task, new Scope(heap, x, false), null, null);
    fiber.scope.pauses = true;
    owner.fibers[index] = fiber;
    if (values === -1) {
      kernel.u32[owner.taskWord] = task;
      this.endings.finish(fiber, { failed: true, cancelled: true, value: this.reasonOf(task) });
      return null;
    }
    if (this.#restored !== heap.restored) this.#definitions.clear();
    this.#restored = heap.restored;
    const known = this.#definitions.get(address);
    if (known) return this.#enter(fiber, known, values, flags);
    return this.#resolve(fiber, address, flags);
  }

  /** Why a task is cancelled. */
  reasonOf(task: number): CancelledError {
    const address = this.thread.x.taskReason(task);
    if (!address) return new CancelledError();
    return new CancelledError(undefined, { cause: unpack(this.thread.failureAt(address), "") });
  }

  /** The first coroutine of its name on this thread. */
  #resolve(fiber: Fiber, address: number, flags: number): Fiber | null {
    const owner = this.thread;
    const found = owner.surroundings.find(owner.heap.strings.read(address));
    if (!(found instanceof Promise)) {
      this.#definitions.set(address, found);
      return this.#enter(fiber, found, owner.x.taskArguments(fiber.task), flags);
    }
    fiber.state = WAITING;
    owner.loading++;
    found.then(
      (definition) => {
        owner.loading--;
        this.#definitions.set(address, definition);
        fiber.steps = this.#firstSteps(fiber, definition, flags);
      },
      (error) => {
        owner.loading--;
        fiber.steps = failing(error);
      },
    );
    owner.waitForPromise(fiber, found);
    return null;
  }

  #enter(fiber: Fiber, definition: Definition, values: number, flags: number): Fiber | null {
    const owner = this.thread;
    fiber.scope.open = true;
    thread.scope = fiber.scope;
    owner.kernel.u32[owner.taskWord] = fiber.task;
    try {
      const args = argumentsOut(owner.heap, values, flags);
      fiber.steps = args.length === 0 ? definition.body() : definition.body(...args);
    } catch (error) {
      fiber.steps = failing(error);
    }
    fiber.scope.open = false;
    thread.scope = owner.service;
    return fiber;
  }

  /** The arguments are read when the first step runs: the thread holds nothing now. */
  #firstSteps(fiber: Fiber, definition: Definition, flags: number): Fiber["steps"] {
    const { heap, x } = this.thread;
    return (function* () {
      const args = argumentsOut(heap, x.taskArguments(fiber.task), flags);
      return yield* definition.body(...args);
    })();
  }
}

function* failing(error: unknown): Generator<never, unknown, unknown> {
  throw error;
}
