/**
 * A page table entry, 32 bits: what the hardware knows of a virtual page.
 *
 *     31                                   8   7        6       5        4      3         2      1     0
 *     | frame (PRESENT) or slot (SWAPPED) | OBJECT | PINNED | SWAPPED | DIRTY | ACCESSED | WRITE | READ | PRESENT |
 *
 * 0: nothing is there. A first access makes a page of zeros, or asks the file.
 *
 * Invariant: at most one of PRESENT and SWAPPED; all other flags only with PRESENT; DIRTY was set through WRITE.
 */

export const PRESENT = 1;
/** The hardware may read, or write. Less than the region allows, where a first write must be seen. */
export const READ = 2;
export const WRITE = 4;
/** Set by a walk; cleared by the pager, which then drops the TLB's entry so that the next access walks again. */
export const ACCESSED = 8;
export const DIRTY = 16;
/** The number is that of a swap slot. */
export const SWAPPED = 32;
/** The region is locked, or its frames form a run: the frame stays. */
export const PINNED = 64;
/** The frame belongs to a memory object (a file's pages, shared memory), not to this address space alone. */
export const OBJECT = 128;

const SHIFT = 8;
/** Frames and slots are numbered below this. */
export const NUMBER_MAX = 2 ** 24;

export const pteOf = (number: number, flags: number): number => ((number << SHIFT) | flags) >>> 0;

/** The frame, or the swap slot. */
export const pteNumber = (pte: number): number => pte >>> SHIFT;

/** "p r w a d s l o", as far as they are set: for dumps. */
export function pteFlags(pte: number): string {
  const flags = [PRESENT, READ, WRITE, ACCESSED, DIRTY, SWAPPED, PINNED, OBJECT];
  return flags.map((flag, n) => (pte & flag ? "prwadslo".charAt(n) : "-")).join("");
}
