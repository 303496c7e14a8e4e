/** Errors of policies, of the simulator and of address spaces. */
import { accessor, byAccessor, UngilError } from "@ungil/kernel";

/** A policy that does not exist, an option it does not have, a value out of range, a number that is no page. */
export class PolicyError extends UngilError {
  constructor(message: string) {
    super("POLICY", message);
  }
}

/** A setting of the simulator that cannot be: frames, page size, the shape of the TLB, a format's name. */
export class SimulationError extends UngilError {
  constructor(message: string) {
    super("SIMULATION", message);
  }
}

/** A line of a trace that is not what its format asks for, or a trace that cannot be read to its end. */
export class TraceError extends UngilError {
  constructor(
    message: string,
    /** Counted from 1; 0 if it is not about one line. */
    readonly line = 0,
    /** The line's text, or its beginning. */
    readonly text = "",
    readonly expected = "",
    options?: ErrorOptions,
  ) {
    super("TRACE", message, options);
  }
}

/** A call that cannot be: an argument or an option of the wrong kind or out of range, a range that is not mapped. */
export class VirtualMemoryError extends UngilError {
  constructor(message: string, options?: ErrorOptions) {
    super("VIRTUAL_MEMORY", message, options);
  }
}

/** The swap file, or a mapped file that is written back, could not be read or written. What it held is not lost. */
export class StorageError extends UngilError {
  constructor(message: string, options?: ErrorOptions) {
    super("STORAGE", message, options);
  }
}

/** An access to a region that does not allow it. */
export class ProtectionFaultError extends UngilError {
  readonly thread: string;
  readonly coroutine: string | undefined;

  constructor(
    readonly address: number,
    readonly access: "read" | "write",
    reason: string,
    readonly region: string,
  ) {
    const who = accessor();
    super("PROTECTION_FAULT", `${access} at address 0x${address.toString(16)}: ${reason}${byAccessor(who)}`);
    this.thread = who.thread;
    this.coroutine = who.coroutine;
  }
}

/** A page of a mapped file is not to be had: the file is too short, or cannot be read (then `cause` says why). */
export class BusError extends UngilError {
  readonly thread: string;
  readonly coroutine: string | undefined;

  constructor(
    readonly address: number,
    readonly access: "read" | "write",
    reason: string,
    readonly region: string,
    options?: ErrorOptions,
  ) {
    const who = accessor();
    super("BUS", `${access} at address 0x${address.toString(16)}: ${reason}${byAccessor(who)}`, options);
    this.thread = who.thread;
    this.coroutine = who.coroutine;
  }
}
