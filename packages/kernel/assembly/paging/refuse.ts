/**
 * A page that is there for all that is known, and cannot be had: its host throws, in the middle of the operation, whose callers
 * need not look at each address. What the operation has done so far is what a thread leaves that dies at this moment, so the
 * host first gives back the kernel lock that the journal names.
 */

/** Throws what JavaScript is to know: E_PROTECTION, E_FAULT, E_MEMORY, E_SWAP. */
// @ts-ignore: decorator
@external("env", "pageFault")
declare function hostFault(code: u32): void;

export function pageFault(code: u32): usize {
  hostFault(code);
  unreachable();
  return 0;
}
