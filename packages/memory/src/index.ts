/** Page replacement policies, and the simulator that runs them over traces. */
export * from "./errors.js";
export * from "./policies/index.js";
export * from "./simulate/index.js";
