/** Errors of policies, of the simulator and of address spaces. */
import { UngilError } from "@ungil/kernel";

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
