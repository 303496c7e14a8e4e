/** Milliseconds of the host's monotonic clock. */
@external("env", "now")
export declare function now(): f64;
