// The page size that is built: 16 KiB, unless the environment says UNGIL_PAGE_SIZE=4KiB. It becomes the constant
// KERNEL_PAGE_SHIFT of assembly/layout/machine.ts in both languages.

const shifts = { "16KiB": 14, "4KiB": 12 };

/** The page size as a power of two. */
export function pageShift() {
  const size = process.env.UNGIL_PAGE_SIZE || "16KiB";
  if (!Object.hasOwn(shifts, size)) {
    throw new Error(`UNGIL_PAGE_SIZE is ${size}; expected ${Object.keys(shifts).join(" or ")}`);
  }
  return shifts[size];
}
