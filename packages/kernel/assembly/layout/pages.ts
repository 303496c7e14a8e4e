/** Pages: entries of the page table, descriptors, what snapshots keep. */

// Page table entry: 64 bits, atomic in both builds.
export const PTE_PRESENT: u32 = 1;
export const PTE_READ: u32 = 2;
export const PTE_WRITE: u32 = 4;
export const PTE_ACCESSED: u32 = 8;
export const PTE_DIRTY: u32 = 16;
export const PTE_FILE: u32 = 32;
export const PTE_PINNED: u32 = 64;
export const PTE_LOCK: u32 = 128;
export const PTE_SWAPPED: u32 = 256; // the slot of its content stands where the frame would
export const PTE_LEAVING: u32 = 512; // being written to swap: not present, but the frame is still its
export const PTE_ARRIVING: u32 = 1024; // SWAPPED, and being read
export const PTE_OWNER_SHIFT: u32 = 16; // of ARRIVING: slot of the thread that reads
export const PTE_OWNER_MASK: u32 = 8323072;
export const PTE_FRAME_SHIFT: u32 = 32;

// A page in memory, as the pager finds it.
export const HARVEST_ACCESSED: u32 = 2147483648; // since it was looked at last
export const HARVEST_DIRTY: u32 = 1073741824;
export const HARVEST_PAGE: u32 = 1073741823;

// History of a page, in kernel space.
export const HISTORY_SIZE: u32 = 8;
export const HISTORY_WRITTEN: u32 = 0; // number of cuts that had been taken when it was first written after the last one; atomic
export const HISTORY_VERSIONS: u32 = 4; // its newest version record, 0 if none

// Version record: what a page was at some cuts. In kernel space.
export const VERSION_SIZE: u32 = 64;
export const VERSION_NEXT: u32 = 0; // older one
export const VERSION_FROM: u32 = 4; // first and last cut at which the page was this
export const VERSION_TO: u32 = 8;
export const VERSION_FRAME: u32 = 12; // physical address of the content, or VERSION_IN_SWAP and the slot above it
export const VERSION_PAGE: u32 = 16;
export const VERSION_DESCRIPTOR: u32 = 20; // STATE to USED of its descriptor
export const VERSION_THREAD_FREE: u32 = 52;
export const VERSION_RUN_PAGES: u32 = 56;
export const VERSION_BIRTH: u32 = 60;

export const VERSION_IN_SWAP: u32 = 1;

export const SNAPSHOTS_MAX: u32 = 32;
export const VIEWS_MAX: u32 = 8; // snapshots that are read at a time; their slots come after those of threads, and the system thread's after theirs
export const SNAPSHOT_LOST: u32 = 2147483648; // there was no frame for what a page was

// Page descriptor, in kernel space. Owner's fields ...
export const PD_STATE: u32 = 0;
export const PD_OWNER: u32 = 4;
export const PD_CLASS: u32 = 8;
export const PD_BLOCK_SIZE: u32 = 12;
export const PD_CAPACITY: u32 = 16;
export const PD_CARVED: u32 = 20; // blocks handed out at least once are below this index; an open page is carved whole
export const PD_FREE: u32 = 24;
export const PD_USED: u32 = 28; // USED + |FREE| == CARVED; blocks in THREAD_FREE and [NEXT, END) count as used
export const PD_NEXT: u32 = 32;
export const PD_PREVIOUS: u32 = 36;
export const PD_RUN_PAGES: u32 = 52;
export const PD_BIRTH: u32 = 56; // epoch, PAGE_HAS_STRINGS and PAGE_HAS_CELLS
// ... and atomic ones.
export const PD_THREAD_FREE: u32 = 40;
export const PD_FULL: u32 = 44; // 0 listed, 1 full and unlisted, 2 full but announced to its owner
export const PD_UNFULL_NEXT: u32 = 48;

// While the heap is restored, and only then (paging/restore.ts).
export const PD_RESTORE_FRAME: u32 = 48; // where UNFULL_NEXT is else: physical address of the frame that the page gets, 0 if it keeps the one it has
export const PD_RESTORE_NEXT: u32 = 60; // the next page that has changed

export const PAGE_HAS_STRINGS: u32 = 2147483648; // in PD_BIRTH: an interned string was made in it
export const PAGE_HAS_CELLS: u32 = 1073741824; // in PD_BIRTH: a weak cell was made in it
export const OWNER_RUN: u32 = 2147483648; // in PD_OWNER: the page starts a run

export const PAGE_FREE: u32 = 0;
export const PAGE_SMALL: u32 = 1;
export const PAGE_RUN: u32 = 2;
export const PAGE_RUN_TAIL: u32 = 3;
export const ARENA_UNUSED: u32 = 0;
export const ARENA_SMALL: u32 = 1;
export const ARENA_RUNS: u32 = 2;
