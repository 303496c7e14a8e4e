/** AssemblyScript's integer type, as the layout tables use it. */
declare type u32 = number;

/** The size of pages that this build is for, as a power of two: scripts/page-size.mjs. */
declare const KERNEL_PAGE_SHIFT: u32;
