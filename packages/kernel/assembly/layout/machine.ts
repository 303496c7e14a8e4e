/**
 * Sizes, the control block and the thread blocks. Plain integer constants only, or what follows from the one that a build
 * chooses: KERNEL_PAGE_SHIFT, which comes from scripts/page-size.mjs. Fields are grouped by who may write them.
 */

// Sizes.
export const PAGE_SHIFT: u32 = KERNEL_PAGE_SHIFT; // 14, so pages of 16 KiB, unless the build says otherwise
export const PAGE_SIZE: u32 = 1 << PAGE_SHIFT;
export const PAGE_MASK: u32 = PAGE_SIZE - 1;
export const ARENA_PAGES: u32 = 64; // one bit each in the arena's 64-bit map
export const ARENA_SHIFT: u32 = 6;
export const VIRTUAL_PAGES_MAX: u32 = 1 << (32 - PAGE_SHIFT); // addresses have 32 bits
export const THREAD_BLOCK_SIZE: u32 = 16384;
export const THREAD_SLOTS_MAX: u32 = 64;
export const TLB_SIZE: u32 = VIRTUAL_PAGES_MAX << 2; // one u32 for each virtual page: no address misses the table
export const SMALL_MAX: u32 = PAGE_SIZE >> 1; // bytes; larger objects are page runs
export const SMALL_CLASSES: u32 = 32 + ((PAGE_SHIFT - 10) << 2); // see heap/classes.ts
export const TYPES_MAX: u32 = 4096;
export const TYPE_ENTRY_SIZE: u32 = 64;
export const PAGE_DESCRIPTOR_SIZE: u32 = 64;
export const CHUNK_HEADER: u32 = 8; // a chunk is a frame: previous, next, then entries

// Control block, at physical CB. Written at start only.
export const CB: u32 = 16384;
export const CB_SIZE: u32 = 16384;
export const CB_MAGIC: u32 = 0;
export const CB_GIL_BUILD: u32 = 4;
export const CB_SLOTS: u32 = 8;
export const CB_FRAMES: u32 = 12; // number of frames
export const CB_FRAME_BASE: u32 = 16; // physical address of frame 0
export const CB_VIRTUAL_PAGES: u32 = 20;
export const CB_PAGE_TABLE: u32 = 24;
export const CB_FRAME_MAP: u32 = 28; // one bit a frame, 1 = in use
export const CB_ARENA_MAP: u32 = 32; // 64-bit map an arena, 1 = page in use
export const CB_ARENA_KIND: u32 = 36; // u32 an arena
export const CB_DESCRIPTORS: u32 = 40;
export const CB_TYPES: u32 = 44;
export const CB_THREADS: u32 = 48; // physical address of slot 0's block (slot 0 is never used)
export const CB_TLBS: u32 = 52;
export const CB_INTERN: u32 = 56; // u32 a bucket
export const CB_INTERN_BUCKETS: u32 = 60; // power of two
export const CB_INTERN_FILTERS: u32 = 104; // u32 a bucket: a bit for each value that the upper 5 bits of its strings' hashes may have
export const CB_ARENAS: u32 = 64;
export const CB_PHYSICAL_LIMIT: u32 = 68;
export const CB_HISTORY: u32 = 72; // HISTORY_SIZE bytes a page: see paging/history.ts
export const CB_SWAP_SLOTS: u32 = 76; // pages that the swap file holds; 0: there is none
export const CB_SWAP_MAP: u32 = 80; // one bit a slot, 1 = in use
export const CB_SWAP_COPIES: u32 = 84; // u32 a page: slot + 1 of what it was when it was last written there, 0 if none
export const CB_FRAME_PAGES: u32 = 88; // u32 a frame: the page that was mapped there last
export const CB_VICTIMS: u32 = 92; // u32 a frame: pages that the pager wants to leave
export const CB_HARVEST: u32 = 96; // u32 a frame: pages in memory, with HARVEST_*, as the pager found them
export const CB_TRANSLATIONS_MAX: u32 = 100; // a thread that has touched more pages to read, or to write, lets go of them
// Shared, atomic in both builds; a cache line each where hot.
export const CB_EPOCH: u32 = 128; // H: the global epoch
export const CB_TRANSLATION_EPOCH: u32 = 192; // T
export const CB_FRAMES_FREE: u32 = 256;
export const CB_FRAME_HINT: u32 = 260; // word of the frame map: before it no frame is free, as far as is known
export const CB_FRAME_HINT_LAST: u32 = 264; // and behind this one
export const CB_TYPE_COUNT: u32 = 320;
export const CB_TYPE_LOCK: u32 = 324;
export const CB_STOP: u32 = 384; // STOP_* while the world is asked to stop, else 0
export const CB_PANIC: u32 = 388; // first fatal error code, 0 if none
export const CB_SMALL_HINT: u32 = 448; // arena where the last small page was found
export const CB_RUN_HINT: u32 = 452;
export const CB_EMPTY_PAGES: u32 = 456; // i32: free small pages that have their frame still, about (heap/trim.ts)
export const CB_CUT: u32 = 576; // W: cuts taken
export const CB_VERSION_LOCK: u32 = 580;
export const CB_VERSION_FREE: u32 = 584; // unused version records
export const CB_VERSIONS: u32 = 588; // version records in use
export const CB_VERSION_FRAMES: u32 = 592; // frames that versions have
export const CB_PAST_READER: u32 = 596; // slot of the collector while it follows a list of versions
export const CB_COLLECT_CUT: u32 = 600; // the cut that the collector reads, 0 if it reads none
export const CB_COLLECT_ASKED: u32 = 604; // 1: somebody asks for a collection. The system thread waits on it
export const CB_COLLECT_HOLDS: u32 = 612; // 1 while the collector holds what it is going to break
export const CB_COLLECTIONS: u32 = 608; // collections that have ended. Whoever has asked for one waits on it
export const CB_SNAPSHOTS: u32 = 640; // SNAPSHOTS_MAX x u32: the cut of an open snapshot, with SNAPSHOT_LOST; 0: none
export const CB_SWAP_FREE: u32 = 768; // free slots
export const CB_SWAP_HINT: u32 = 772;
export const CB_SWAP_SPARE: u32 = 776; // slots that hold neither a page nor a version: free ones, and copies of pages in memory
export const CB_EVICT_LOCK: u32 = 832; // slot of the thread that evicts pages, 0 if none
export const CB_EVICT_HEAD: u32 = 836; // first page of what it evicts at the moment, 0 if nothing
export const CB_CLOCK_HAND: u32 = 840; // frame that is looked at next
export const CB_VICTIM_NEXT: u32 = 844; // victim that leaves next, and where they end: of whoever holds CB_EVICT_LOCK
export const CB_VICTIM_END: u32 = 848;
export const CB_SYSTEM_PARK: u32 = 896; // 1 while the system thread is parked
export const CB_PAST_LOCK: u32 = 960; // 0, the slot of the thread that drops versions, or PAST_READER for each reader: paging/snapshots.ts
export const PAST_READER: u32 = 256; // the main thread, or a view of it
export const CB_STRINGS_ASKED: u32 = 512; // how often threads were asked to let their string caches go; JavaScript's
export const CB_RESTORED: u32 = 516; // the cut taken when the heap was restored last: what JavaScript has known of addresses since before is void

// Thread block. Registers of the owner; others read.
export const TB_STATE: u32 = 0; // THREAD_*, atomic
export const TB_EPOCH: u32 = 4; // H acknowledged, atomic
export const TB_TRANSLATION: u32 = 8; // T acknowledged, atomic
export const TB_REQUEST: u32 = 12; // request bits, atomic; kernel entry tests it
export const TB_FAULT_CODE: u32 = 16;
export const TB_FAULT_ADDRESS: u32 = 20;
export const TB_TASK: u32 = 24; // the task whose step runs, 0 if none
export const TB_DEPTH: u32 = 28; // open scopes, the step's own among them
export const TB_GENERATION: u32 = 32; // grows whenever the young lists are emptied
export const TB_SERIAL: u32 = 36; // borrow filter serial, 1..15
export const TB_NEWBORN_TOP: u32 = 40;
export const TB_NEWBORN_END: u32 = 44;
export const TB_NEWBORN_FIRST: u32 = 48;
export const TB_BORROW_TOP: u32 = 52;
export const TB_BORROW_END: u32 = 56;
export const TB_BORROW_FIRST: u32 = 60;
export const TB_LIMBO_TOP: u32 = 64; // after the newest entry
export const TB_LIMBO_END: u32 = 68;
export const TB_LIMBO_FIRST: u32 = 72;
export const TB_LIMBO_HEAD: u32 = 76; // oldest entry, 0 if it has not been looked for
export const TB_DESTROY_TOP: u32 = 80;
export const TB_DESTROY_END: u32 = 84;
export const TB_DESTROY_FIRST: u32 = 88;
export const TB_CHUNKS: u32 = 92; // spare chunks
export const TB_CHUNK_COUNT: u32 = 96;
export const TB_CACHE_PINS: u32 = 100; // PINS of this thread's string cache
export const TB_JOURNAL_LOCK: u32 = 104; // address of the kernel lock word being held, 0 if none
export const TB_RETIRED_HEAD: u32 = 108; // runs waiting for a translation grace period
export const TB_DESTROY_COUNT: u32 = 112;
export const TB_LIMBO_COUNT: u32 = 116;
export const TB_READ_TOUCHED: u32 = 120; // touched TLB pages: count
export const TB_WRITE_TOUCHED: u32 = 124;
export const TB_JOURNAL_BITS: u32 = 136; // the lock's bits in that word; 0: the whole word is the lock
export const TB_JOURNAL_OBJECT: u32 = 140; // container being changed under the lock, 0 if none
export const TB_CACHE_OLD: u32 = 144; // PINS of the string cache before it was full the last time
export const TB_PACE_ALLOCATIONS: u32 = 148; // objects allocated, low word, at the last safepoint
export const TB_PACE_LIMBO: u32 = 152; // entries of limbo, likewise
export const TB_CUT: u32 = 156; // W: no write translation of this thread is older than this cut
export const TB_SNAPSHOT: u32 = 160; // the cut that this thread reads, 0: memory as it is
export const TB_TRACE_TOP: u32 = 172; // instrumented builds: references noted, in a frame
export const TB_TRACE_FIRST: u32 = 176;
export const TB_VIEW_RUNS: u32 = 164; // version records of the runs that it has copied to read them
export const TB_ARRIVING: u32 = 168; // first page of what it reads from swap, 0 if nothing
export const TB_ARRIVING_FRAMES: u32 = 184; // the frames that it has for that in hand, 0 if none
export const TB_ARRIVING_PAGES: u32 = 188; // and how many
export const TB_WRITING: u32 = 216; // the slot that it has in hand, which holds nothing yet, + 1; 0 if none
export const TB_TAKING: u32 = 220; // first frame of the run that it is taking
export const TB_TAKEN: u32 = 224; // and how many of them it has, which are counted free still
export const TB_RECORD: u32 = 228; // the version record that it has in hand, 0 if none
export const TB_VERSION: u32 = 232; // the frame that it has in hand for a version, 0 if none
export const TB_LENT: u32 = 236; // LENT_MAX x u32: frames that JavaScript has in hand, 0 if none
export const TB_FIXED: u32 = 252; // the last frame that it took for what never leaves memory
export const LENT_MAX: u32 = 4;
export const TB_REST: u32 = 260; // what it had done when it came to rest last, and when it gave its empty pages back last: heap/trim.ts
export const TB_TRIMMED: u32 = 264;
export const TB_FENCE: u32 = 180; // only for the order of what stands before and after it
export const TB_OWN_PINS: u32 = 132; // PINS of handles that belong to no task, 0 if none
// Written by others, atomic.
export const TB_UNFULL: u32 = 128; // stack of page descriptors that got a remote free while full
// JS <-> kernel results.
export const TB_OUT_NUMBER: u32 = 192; // f64
export const TB_OUT_REF: u32 = 200;
export const TB_OUT_TYPE: u32 = 204;
export const TB_OUT_A: u32 = 208;
export const TB_OUT_B: u32 = 212;
// 1024..1535 sync; 1536..2047 counters, i64 each, written by the owner only.
export const TB_COUNTERS: u32 = 1536;
export const COUNTER_ALLOCATIONS: u32 = 0;
// 1 is free: frees are allocations less the blocks in use
export const COUNTER_REMOTE_FREES: u32 = 2;
export const COUNTER_LIMBO: u32 = 3; // objects that entered limbo
export const COUNTER_RESURRECTIONS: u32 = 4; // left limbo alive, or again after a redo
export const COUNTER_ADOPTIONS: u32 = 5; // pages
export const COUNTER_SAFEPOINTS: u32 = 6;
export const COUNTER_WALKS: u32 = 7; // TLB misses
export const COUNTER_DEMAND_ZERO: u32 = 8;
export const COUNTER_FAULTS: u32 = 9;
export const COUNTER_PAGES_ALLOCATED: u32 = 10;
export const COUNTER_PAGES_FREED: u32 = 11;
export const COUNTER_PINS: u32 = 12;
export const COUNTER_FLUSHES: u32 = 13;
export const COUNTER_STOPS: u32 = 14;
export const COUNTER_VERSIONS: u32 = 15; // pages kept for snapshots
export const COUNTER_SWAP_INS: u32 = 16; // pages read from swap
export const COUNTER_EVICTIONS: u32 = 17; // pages
export const COUNTER_SWAP_OUTS: u32 = 18; // pages written to swap: those that had changed
export const COUNTER_RESCUES: u32 = 19; // evictions that were given up because somebody needed the page
export const COUNTER_SYNC: u32 = 24; // 24..63 belong to sync
// Scratch: the body of an object under construction, the bytes of a short string.
export const TB_SCRATCH: u32 = 2048; // 1 KiB
export const SCRATCH_SIZE: u32 = 1024;
export const TB_BINS: u32 = 3072; // u32 a size class: first page descriptor
export const TB_BUMP: u32 = 3264; // two u32 a size class: NEXT and END of the open page, see bump.ts
export const TB_FILTER: u32 = 4096; // borrow filter, 1024 x u32
export const FILTER_ENTRIES: u32 = 1024;
export const TB_TOUCHED: u32 = 8192; // touched TLB indexes: 1024 read, 1024 write, u32 each
export const TOUCHED_MAX: u32 = 1024;

export const THREAD_FREE: u32 = 0;
export const THREAD_ATTACHED: u32 = 1;
export const THREAD_DETACHED: u32 = 2;
export const THREAD_STOPPED: u32 = 3; // at a yield, while the world stands still: holds nothing that is not counted
export const THREAD_DEAD: u32 = 4;
export const THREAD_PINNED: u32 = 6; // detached in the middle of a step: what it holds is pinned
export const THREAD_WAITING: u32 = 5; // in the middle of a step, for the GIL or while the world stands still

export const STOP_NOW: u32 = 1; // at the next call of the kernel
export const STOP_AT_YIELD: u32 = 2; // when the step is over
export const STOP_PINNED: u32 = 3; // when the step is over, or at the next call of the kernel, with all that is young pinned

export const REQUEST_GIL_DROP: u32 = 1;
export const REQUEST_STOP: u32 = 2;
export const REQUEST_ACKNOWLEDGE: u32 = 4; // pin what is young and acknowledge H at kernel entry
export const REQUEST_TRANSLATIONS: u32 = 8; // acknowledge T at kernel entry

// Values as they cross between JavaScript and the kernel.
export const TAG_UNDEFINED: u32 = 0;
export const TAG_NULL: u32 = 1;
export const TAG_FALSE: u32 = 2;
export const TAG_TRUE: u32 = 3;
export const TAG_NUMBER: u32 = 4;
export const TAG_REF: u32 = 5;
export const TAG_ABSENT: u32 = 6; // no such element

// Error codes: an export that returns a reference returns 1..15, one that returns a tag or a status a negative one.
export const E_NULL: u32 = 1;
export const E_FAULT: u32 = 2;
export const E_PROTECTION: u32 = 3;
export const E_MEMORY: u32 = 4;
export const E_TYPE: u32 = 5;
export const E_RANGE: u32 = 6;
export const E_LIMIT: u32 = 7;
export const E_CONFLICT: u32 = 8;
export const E_STATE: u32 = 9;
export const E_POISONED: u32 = 10;
export const E_CHANGED: u32 = 11; // compare-and-set found another value
export const E_PANIC: u32 = 12;
export const E_SWAP: u32 = 13; // the swap file could not be read
export const ERROR_LIMIT: u32 = 16;
