/** The user pressed Ctrl-C. */
export class InterruptedError extends Error {}
