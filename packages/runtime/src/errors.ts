/** Errors of the runtime. All derive from UngilError and carry a stable `code`; docs/errors.md lists them with their triggers. */
import { UngilError } from "@ungil/kernel";

export { OptionError } from "@ungil/heap";
export {
  ImageBusyError,
  ImageCorruptedError,
  ImageFileError,
  ImageVersionError,
  NotAnImageError,
} from "@ungil/memory/images";

/** `Runtime.start` on a worker thread: mostly a one-file program without a guard, which the worker has imported. */
export class RuntimeInWorkerError extends UngilError {
  constructor() {
    super(
      "RUNTIME_IN_WORKER",
      "Runtime.start() runs on the main thread only, and this is a worker thread. A worker imports the module of each " +
        "coroutine that it runs; keep what only the main thread is to do behind a guard:\n\n" +
        '  import { isMainThread } from "node:worker_threads";\n' +
        "  if (isMainThread) {\n    const rt = await Runtime.start();\n    ...\n  }\n",
    );
  }
}

/** A worker could not import the module of a coroutine, or one of `preload`. */
export class ModuleLoadError extends UngilError {
  constructor(
    readonly url: string,
    options?: ErrorOptions,
  ) {
    const cause = options?.cause;
    const reason = cause instanceof Error ? `: ${cause.name}: ${cause.message}` : "";
    super(
      "MODULE_LOAD",
      `A worker thread cannot import ${url}${reason}. Workers load code by its URL: it must be a file that node can import ` +
        "by itself, or `preload` must register what makes it so.",
      options,
    );
  }
}

/** The module was imported, but it did not register a coroutine of that name. */
export class CoroutineNotFoundError extends UngilError {
  constructor(id: string) {
    const at = id.lastIndexOf("#");
    super(
      "COROUTINE_NOT_FOUND",
      `${id.slice(0, at)} registers no coroutine "${id.slice(at + 1)}" on a worker thread. coroutines(import.meta, { ... }) ` +
        "must run whenever the module is imported, not only on the main thread.",
    );
  }
}

/** One module registers two coroutines of the same key and the same text: another thread could not tell them apart. */
export class CoroutineConflictError extends UngilError {
  constructor(
    readonly url: string,
    readonly key: string,
  ) {
    super(
      "COROUTINE_CONFLICT",
      `${url} registers a coroutine "${key}" twice, with the same text: a thread that imports the module could not tell which ` +
        "one is meant. Call coroutines() once, at the top level of the module, and pass what differs as an argument. If two " +
        "modules of one bundle have it, give one another key.",
    );
  }
}

/** Something that is no registered coroutine was given to run or spawn. */
export class CoroutineNotRegisteredError extends UngilError {
  constructor(value: unknown) {
    const what = typeof value === "function" ? `function ${value.name || "(anonymous)"}` : String(value);
    super(
      "COROUTINE_NOT_REGISTERED",
      `${what} is not a registered coroutine: another thread could not find its code. Define it with ` +
        "export const { name } = coroutines(import.meta, { *name() { ... } }).",
    );
  }
}

export class ThreadCountError extends UngilError {
  constructor(value: unknown, most: number) {
    super("THREAD_COUNT", `threads must be a whole number from 1 to ${most}, not ${String(value)}`);
  }
}

export class UnknownOptionError extends UngilError {
  constructor(where: string, name: string, known: readonly string[]) {
    super("UNKNOWN_OPTION", `${where} has no option "${name}". It has: ${known.join(", ")}`);
  }
}

/** An operation was made, and its coroutine went on without waiting for it. */
export class OperationNotAwaitedError extends UngilError {
  constructor(operation: string) {
    super(
      "OPERATION_NOT_AWAITED",
      `${operation} was created, but nobody waited for it: it has done nothing. Write yield* ${operation} (with the star).`,
    );
  }
}

/** An operation was made where no coroutine runs. `coroutine`: its name, if the operation is a call of one. */
export class NotInCoroutineError extends UngilError {
  constructor(operation: string, coroutine?: string) {
    const fix = coroutine
      ? `Outside write await rt.run(${coroutine}, ...), or rt.spawn(${coroutine}, ...) for a task.`
      : "Put it into a coroutine (*work() { yield* ... }) and write await rt.run(work) outside.";
    super("NOT_IN_COROUTINE", `${operation} works inside a coroutine only, with yield*. ${fix}`);
  }
}

/** The coroutine was asked to end: `cause` says why. */
export class CancelledError extends UngilError {
  constructor(message = "The coroutine was cancelled", options?: ErrorOptions) {
    super("CANCELLED", message, options);
  }
}

/** A coroutine yielded a value: a plain `yield` lets others run, `yield*` waits for an operation. */
export class YieldedValueError extends UngilError {
  constructor(value: unknown) {
    const isPromise = typeof (value as { then?: unknown } | null)?.then === "function";
    const fix = isPromise ? "Wait for it with yield* until(promise)." : "Use a plain yield, or yield* operation.";
    super("YIELDED_VALUE", `A coroutine yielded ${isPromise ? "a promise" : `a value (${typeof value})`}. ${fix}`);
  }
}

/** `verify()` could not stop the other threads. */
export class WorldStopError extends UngilError {
  constructor(reason: string) {
    super("WORLD_STOP", `verify() cannot stop the world: ${reason}`);
  }
}

/** A snapshot is taken between steps, and a step went on for too long. */
export class SnapshotTimeoutError extends UngilError {
  constructor(timeout: number) {
    super(
      "SNAPSHOT_TIMEOUT",
      `No snapshot could be taken within ${timeout} ms: a coroutine computes without yielding. Let it yield, or give snapshot() a longer timeout.`,
    );
  }
}

/** A snapshot was taken while coroutines were under way, or locks held: it can be read, but the heap cannot be restored to it. */
export class SnapshotNotRestorableError extends UngilError {
  constructor() {
    super(
      "SNAPSHOT_NOT_RESTORABLE",
      "The heap cannot be restored to this snapshot: it was taken while coroutines ran or waited, or locks were held, and what " +
        "their JavaScript held then cannot be set back. It can be read.",
    );
  }
}

const inTheWay = {
  coroutines: "coroutines run or wait, and what their JavaScript holds cannot be set back. Wait for them first.",
  locks: "a lock is held. Release it first.",
  threads: "a thread uses shared objects all the time, or does not come to rest.",
} as const;

/** The heap is restored between coroutines only. */
export class RestoreBusyError extends UngilError {
  constructor(what: keyof typeof inTheWay) {
    super("RESTORE_BUSY", `The heap cannot be restored now: ${inTheWay[what]}`);
  }
}

/** Too many snapshots are open, or are being read. */
export class SnapshotLimitError extends UngilError {
  constructor(most: number, what: "open" | "read") {
    super("SNAPSHOT_LIMIT", `At most ${most} snapshots can be ${what} at a time: dispose of some first`);
  }
}

/** Coroutines wait for each other: every thread is parked, with no timer and no promise that could end it. */
export class DeadlockError extends UngilError {
  /** A line for each that is part of it. */
  constructor(readonly coroutines: readonly string[]) {
    super("DEADLOCK", `These coroutines can never go on:\n${coroutines.map((line) => `  ${line}`).join("\n")}`);
  }
}

/** A thread ended while it ran coroutines. */
export class WorkerCrashedError extends UngilError {
  constructor(
    readonly thread: number,
    readonly exitCode: number,
    options?: ErrorOptions,
  ) {
    const cause = options?.cause;
    const why = cause instanceof Error ? `an uncaught ${cause.name}: ${cause.message}` : `exit code ${exitCode}`;
    super("WORKER_CRASHED", `Thread ${thread} ended (${why}) while it ran this coroutine`, options);
  }
}

/** The lock was held by a coroutine whose thread died: what it guards may be half changed. */
export class LockPoisonedError extends UngilError {
  constructor(what: string) {
    super(
      "LOCK_POISONED",
      `The lock of ${what} was held by a thread that died: what it guards may be half changed. Repair it, then call clearPoison().`,
    );
  }
}

/** A coroutine threw something that this thread has no class for; `name` is that of its class. */
export class RemoteError extends UngilError {
  constructor(message: string, name: string) {
    super("REMOTE", message);
    this.name = name;
  }
}

/** The policy that chooses which pages leave memory has failed again and again. */
export class ReplacementPolicyError extends UngilError {
  constructor(policy: string, instead: string, options: ErrorOptions) {
    const { cause } = options;
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    super(
      "REPLACEMENT_POLICY",
      `The replacement policy "${policy}" fails (${why}); "${instead}" has taken its place`,
      options,
    );
  }
}

/** A thread did not start. */
export class ThreadStartError extends UngilError {
  constructor(message: string, options?: ErrorOptions) {
    super("THREAD_START", message, options);
  }
}
