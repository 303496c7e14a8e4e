/** Weak cells: what they hold, the table that leads from an object to them, and the queue of those whose coroutines are due. */

// Control block. Written at start only.
export const CB_WEAK: u32 = 112; // the table: WEAK_BUCKET_SIZE bytes a bucket
export const CB_WEAK_BUCKETS: u32 = 108; // power of two
// Atomic in both builds.
export const CB_WEAK_JUDGEMENT: u32 = 616; // see collect/judgement.ts
export const CB_WEAK_DUE_HEAD: u32 = 620; // cells whose coroutines are to be run, oldest first
export const CB_WEAK_DUE_TAIL: u32 = 624;
export const CB_WEAK_DUE_LOCK: u32 = 628;
export const CB_WEAK_DUES: u32 = 632; // how many have come into the queue. The main thread waits on it
export const CB_WEAK_DEATHS: u32 = 636; // objects with cells that have died

// Thread block: the object that is being judged and stands in no list meanwhile, 0 if none.
export const TB_JOURNAL_JUDGED: u32 = 256;

export const WEAK_BUCKET_SIZE: u32 = 8;
export const BUCKET_CELLS: u32 = 0; // newest cell of the objects of this bucket; bit 0 is its lock
export const BUCKET_UPGRADED: u32 = 4; // the last cut before an upgrade through a cell that is no more

// A cell.
export const WEAK_TARGET: u32 = 8; // the object, not counted; 0 once it has died
export const WEAK_NEXT: u32 = 12; // the next older cell of the bucket; or the next one in the queue. Not counted
export const WEAK_PREVIOUS: u32 = 16;
export const WEAK_STATE: u32 = 20; // WEAK_*
export const WEAK_COROUTINE: u32 = 24; // ref to str: the id of what is run afterwards, 0 if nothing is
export const WEAK_ARGS: u32 = 28; // ref to its arguments
export const WEAK_UPGRADED: u32 = 32; // the last cut before its last upgrade
export const WEAK_DEATH: u32 = 36; // number of its object's death
export const WEAK_OBJECT: u32 = 40; // ref to the object of a destructor that is due
export const WEAK_SIZE: u32 = 48;

export const WEAK_DESTRUCTOR: u32 = 1; // its coroutine gets the object, which has not died yet
export const WEAK_LINKED: u32 = 2; // it stands in its bucket
export const WEAK_DUE: u32 = 4; // it stands in the queue
export const WEAK_MUTED: u32 = 8; // it is garbage like its object: nothing is run
