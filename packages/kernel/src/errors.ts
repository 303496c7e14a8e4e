/** Errors of the lower floors. All derive from UngilError and carry a stable `code`. */

export class UngilError extends Error {
  /** Stable: programs may compare it. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** The heap is full, after everything that could be given back was. It stays usable. */
export class OutOfMemoryError extends UngilError {
  constructor(what: string, options?: ErrorOptions) {
    super(
      "OUT_OF_MEMORY",
      `${what}: the shared heap is full. Start the runtime with more memory, or release objects.`,
      options,
    );
  }
}

/** The `memory` option is not a size, too small, or more than one address space holds. */
export class MemorySizeError extends UngilError {
  constructor(message: string) {
    super("MEMORY_SIZE", message);
  }
}

/** The swap file cannot be made, or a page that is in it cannot be read: whoever needs the page gets this, and nobody else. */
export class SwapFileError extends UngilError {
  constructor(message: string, options?: ErrorOptions) {
    super("SWAP_FILE", message, options);
  }
}

/** An access to an address that holds no object: page 0, an unmapped page, a protected one. */
export class SegmentationFaultError extends UngilError {
  constructor(
    readonly address: number,
    readonly access: string,
    reason: string,
  ) {
    super("SEGMENTATION_FAULT", `${access} at address 0x${address.toString(16)}: ${reason}`);
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
