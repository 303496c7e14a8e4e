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

/** An access to memory that went wrong. */
class AccessError extends UngilError {
  /** Who made it, and in which coroutine if in one. */
  readonly thread: string;
  readonly coroutine: string | undefined;

  constructor(
    code: string,
    readonly address: number,
    readonly access: string,
    reason: string,
    /** The region that the address lies in, if in one. */
    readonly region: string | undefined,
    options?: ErrorOptions,
  ) {
    const who = accessor();
    super(code, `${access} at address 0x${address.toString(16)}: ${reason}${byAccessor(who)}`, options);
    this.thread = who.thread;
    this.coroutine = who.coroutine;
  }
}

/** An access to an address where nothing is: page 0, an unmapped page, a guard page. */
export class SegmentationFaultError extends AccessError {
  constructor(address: number, access: string, reason: string, region?: string) {
    super("SEGMENTATION_FAULT", address, access, reason, region);
  }
}

/** An access to a region that does not allow it. */
export class ProtectionFaultError extends AccessError {
  constructor(address: number, access: string, reason: string, region?: string) {
    super("PROTECTION_FAULT", address, access, reason, region);
  }
}

/** A page of a mapped file is not to be had: the file is too short, or cannot be read (then `cause` says why). */
export class BusError extends AccessError {
  constructor(address: number, access: string, reason: string, region?: string, options?: ErrorOptions) {
    super("BUS", address, access, reason, region, options);
  }
}

/**
 * The swap file, or a mapped file that is written back, could not be made, read or written: whoever needed a page of it gets this,
 * and nobody else. What it held is not lost.
 */
export class StorageError extends UngilError {
  constructor(message: string, options?: ErrorOptions) {
    super("STORAGE", message, options);
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
