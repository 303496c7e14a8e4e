/** Errors of the object floor. */
import { UngilError } from "@ungil/kernel";

const show = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  if (typeof value === "function") return `function ${value.name || "(anonymous)"}`;
  if (typeof value === "object" && value !== null) return `an object of class ${value.constructor?.name ?? "null"}`;
  if (typeof value === "bigint") return `${value}n`;
  return String(value);
};

/** An option or an argument is not what it must be. `value`: what it is, or that in words. */
export class OptionError extends UngilError {
  constructor(where: string, name: string, expected: string, value: unknown) {
    const what = typeof value === "string" ? value : show(value);
    super("OPTION", `${where}: ${name} must be ${expected}, not ${what}`);
  }
}

/** Why a handle cannot be used. */
const released = {
  kept: (what: string) => `This ${what} was released: the handle was kept, and then given back.`,
  restored: (what: string) =>
    `This ${what} was released: the heap was restored to a snapshot that had been taken before this handle was made.`,
  closed: (what: string) =>
    `This ${what} was released: its scope has closed. Use keep(object) for one that is to outlive its scope.`,
  paused: (what: string) =>
    `This ${what} cannot be used now: its coroutine is between two steps, and its handles work during its steps only. ` +
    "What runs while it waits (a timer, an async function, another coroutine) needs a handle from keep(object), made before.",
};

/** A handle was used after its scope closed, after `release()`, while its coroutine waits, or after the heap became older than it. */
export class ReleasedHandleError extends UngilError {
  constructor(what: string, why: keyof typeof released) {
    super("RELEASED_HANDLE", released[why](what));
  }
}

/** The runtime is closed, or closes before a task has ended. `cause`: why, if it was not by `close()`. */
export class RuntimeClosedError extends UngilError {
  constructor(message = "This runtime is closed", options?: ErrorOptions) {
    super("RUNTIME_CLOSED", message, options);
  }
}

/** An async function was given to `scope`: what it does after its first await comes too late. */
export class AsyncScopeError extends UngilError {
  constructor() {
    super(
      "ASYNC_SCOPE",
      "scope() takes a synchronous function: its handles are released when it returns, and a promise goes on after that. Await " +
        "outside of it, and use keep(object) for a handle that is to last.",
    );
  }
}

/** The function given to `Dict.update` changes the very key itself: its value is never what it was computed from. */
export class DictUpdateError extends UngilError {
  constructor(key: unknown) {
    super(
      "DICT_UPDATE",
      `Dict.update: the function that computes the value at key ${show(key)} changes that key itself. It must have no effect ` +
        "but its result.",
    );
  }
}

/** A field got a value of another type than the schema says. */
export class FieldTypeError extends UngilError {
  constructor(struct: string, field: string, expected: string, value: unknown) {
    super("FIELD_TYPE", `${struct}.${field} must be ${expected}, not ${show(value)}`);
  }
}

/** A schema, or the initial values of an object, name something that cannot be. */
export class SchemaError extends UngilError {
  constructor(message: string, options?: ErrorOptions) {
    super("SCHEMA", message, options);
  }
}

/** The same struct name was defined with two layouts. */
export class StructConflictError extends UngilError {
  constructor(name: string, here: string, hereLayout: string, there: string, thereLayout: string) {
    super(
      "STRUCT_CONFLICT",
      `Struct "${name}" is { ${hereLayout} } in ${here}, but { ${thereLayout} } in ${there}. Give one of them another name.`,
    );
  }
}

/** A shared object came here whose class this thread has not loaded. */
export class UnknownStructError extends UngilError {
  constructor(name: string, url: string) {
    super(
      "UNKNOWN_STRUCT",
      `Struct "${name}" is not loaded on this thread: import it from ${url} in the module that uses it.`,
    );
  }
}

/** Too many struct types, or a struct with too many fields. */
export class LimitError extends UngilError {
  constructor(message: string) {
    super("LIMIT", message);
  }
}

const shareable =
  "Share numbers, strings, booleans, null, structs, List, Dict, and plain arrays and objects of these (they are copied).";

/** A value cannot live in shared memory. `path` says where it was found. */
export class NotShareableError extends UngilError {
  /** `within`: the path of the same object, if the value contains itself. */
  constructor(
    readonly path: string,
    value: unknown,
    within?: string,
    advice = shareable,
  ) {
    super(
      "NOT_SHAREABLE",
      within !== undefined
        ? `${path} is ${within} again: a plain ${Array.isArray(value) ? "array" : "object"} that contains itself cannot be copied. Make a struct of it, which is shared and may be part of a cycle.`
        : `${path} is ${show(value)}, which cannot be shared between threads. ${advice}`,
    );
  }
}

/** keep, id, refcount and the like got something that is no shared object. */
export class NotSharedError extends UngilError {
  constructor(what: string, value: unknown) {
    super("NOT_SHARED", `${what} takes a shared object (a struct, List, Dict or Task), not ${show(value)}`);
  }
}

/** An index that is no index of the list. */
export class IndexError extends UngilError {
  constructor(index: unknown, length: number) {
    super("INDEX", `Index ${show(index)} is not one of a List of length ${length}`);
  }
}

/** `add` met a value that is no number, or was to add one. */
export class NotANumberError extends UngilError {
  constructor(key: unknown, addend: { value: unknown } | null = null) {
    super(
      "NOT_A_NUMBER",
      addend
        ? `Dict.add: what is to be added at key ${show(key)} is ${show(addend.value)}, not a number`
        : `Dict.add: the value at key ${show(key)} is not a number`,
    );
  }
}

/** A shared object was made or used where no runtime runs. */
export class NoRuntimeError extends UngilError {
  constructor(what: string) {
    super(
      "NO_RUNTIME",
      `${what}: no runtime is running on this thread. Start one with await Runtime.start(), and use rt.new(...) or a coroutine.`,
    );
  }
}

/** An object of one runtime was given to another, or one of a snapshot to the heap itself. */
export class ForeignObjectError extends UngilError {
  constructor(what: string) {
    super("FOREIGN_OBJECT", `${what} belongs to another runtime, or to a snapshot: they share no objects`);
  }
}

/** A snapshot was to be changed, or something to be made in it. */
export class SnapshotReadOnlyError extends UngilError {
  constructor(message = "A snapshot cannot be changed. Change the object itself.") {
    super("SNAPSHOT_READ_ONLY", message);
  }
}

/** A snapshot was used after it had been disposed of. */
export class SnapshotClosedError extends UngilError {
  constructor() {
    super("SNAPSHOT_CLOSED", "The snapshot has been disposed of");
  }
}

/** There was no memory for what a page had been when it was written to, so the snapshot is incomplete. */
export class SnapshotLostError extends UngilError {
  constructor() {
    super(
      "SNAPSHOT_LOST",
      "The heap was full, so what it had been at this snapshot is not kept any more. Give the runtime more memory, or dispose of snapshots sooner.",
    );
  }
}

/** An object that did not exist yet when the snapshot was taken. */
export class NotInSnapshotError extends UngilError {
  constructor(what: string) {
    super("NOT_IN_SNAPSHOT", `${what} did not exist when the snapshot was taken`);
  }
}

/** Something that means nothing to another process was to be saved. */
export class NotSaveableError extends UngilError {
  constructor(readonly path: string) {
    super(
      "NOT_SAVEABLE",
      `${path} is a task, which cannot be saved: its coroutine lives in this process only. Set the reference to null, or keep its result in its place.`,
    );
  }
}

/** There is no root of that name in the image that the runtime was opened from. */
export class RootNotFoundError extends UngilError {
  constructor(name: string, names: readonly string[]) {
    super(
      "ROOT_NOT_FOUND",
      `There is no root ${show(name)}. ${names.length > 0 ? `There are: ${names.join(", ")}` : "This runtime has none: roots are what it was opened with"}`,
    );
  }
}
