/** Errors of the lower floors. All derive from UngilError and carry a stable `code`. */
import { accessor, byAccessor } from "./accessor.js";

export class UngilError extends Error {
  /** Stable: programs may compare it. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

const HEAP_FULL = "the shared heap is full. Start the runtime with more memory, or release objects.";

/** The heap, or an address space, is full, after everything that could be given back was. It stays usable. */
export class OutOfMemoryError extends UngilError {
  constructor(what: string, options?: ErrorOptions, reason = HEAP_FULL) {
    super("OUT_OF_MEMORY", `${what}: ${reason}`, options);
  }
}

/** The `memory` option is not a size, too small, or more than one address space holds. */
export class MemorySizeError extends UngilError {
  constructor(message: string) {
    super("MEMORY_SIZE", message);
  }
}

/** An access to an address where nothing is: page 0, an unmapped page, a guard page. */
export class SegmentationFaultError extends UngilError {
  /** Who made it, and in which coroutine if in one. */
  readonly thread: string;
  readonly coroutine: string | undefined;

  constructor(
    readonly address: number,
    readonly access: string,
    reason: string,
    /** The region that the address lies in, if in one. */
    readonly region?: string,
  ) {
    const who = accessor();
    super("SEGMENTATION_FAULT", `${access} at address 0x${address.toString(16)}: ${reason}${byAccessor(who)}`);
    this.thread = who.thread;
    this.coroutine = who.coroutine;
  }
}

/** The kernel found its own memory in a state that must not be: the runtime stops. */
export class KernelPanicError extends UngilError {
  constructor(reason: string) {
    super("KERNEL_PANIC", `The kernel stopped: ${reason}. Nothing in the shared heap can be trusted any more.`);
  }
}

/** The .wasm files are not beside the module: a bundler has moved the code without them. */
export class KernelNotFoundError extends UngilError {
  constructor(url: string, options?: ErrorOptions) {
    super(
      "KERNEL_NOT_FOUND",
      `No kernel at ${url}. If this program is bundled, leave ungil out of the bundle: mark "ungil" as external.`,
      options,
    );
  }
}
