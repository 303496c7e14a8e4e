/** Milliseconds of a monotonic clock: the only thing besides memory that the kernel imports. */
@external("env", "now")
export declare function now(): f64;
