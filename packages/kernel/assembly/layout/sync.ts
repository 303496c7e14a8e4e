/**
 * Layout of what sync/ owns: its part of the control block and of the thread blocks, TASK, WAITER, held locks.
 * Plain integer constants, read by both languages (see ../layout.ts).
 */

// Control block, from 1024. Atomic in both builds; what is hot has a cache line of its own.
export const CB_GIL_OWNER: u32 = 1024; // slot of the thread that holds the GIL, 0 if nobody does
export const CB_GIL_WAITERS: u32 = 1028; // threads in a timed wait (a hint: it may count a dead one)
export const CB_GIL_SWITCH: u32 = 1032; // grows whenever the GIL goes to another thread
export const CB_GIL_LAST: u32 = 1036; // slot of its last holder
export const CB_GIL_INTERVAL: u32 = 1040; // switch interval, microseconds
export const CB_RUNNING: u32 = 1088; // threads inside a batch of steps
export const CB_RUNNING_MAX: u32 = 1092;
export const CB_SEARCHING: u32 = 1152; // threads that look for work to steal
export const CB_WORKERS: u32 = 1156; // worker threads, written at start
export const CB_PARKED: u32 = 1216; // u64: bit n, the thread of slot n may be parked; only that thread changes it
export const CB_INJECT_HEAD: u32 = 1280; // next cell to take
export const CB_INJECT_TAIL: u32 = 1344; // next cell to fill
export const CB_INJECT_RING: u32 = 1348; // physical address of the cells
export const CB_OVERFLOW: u32 = 1408; // stack of TASKs that found the injection ring full
export const CB_TASK_SERIAL: u32 = 1472; // number of the last task
export const CB_LOT: u32 = 2048; // parking lot: LOT_BUCKETS buckets
export const LOT_BUCKETS: u32 = 256; // power of two
export const LOT_BUCKET_SIZE: u32 = 16;
export const BUCKET_LOCK: u32 = 0;
export const BUCKET_HEAD: u32 = 4; // WAITERs, oldest first
export const BUCKET_TAIL: u32 = 8;

// Thread block, 1024..1535. Written by its owner.
export const TB_DEQUE_BOTTOM: u32 = 1024; // atomic: thieves read it
export const TB_DEQUE: u32 = 1028; // physical address of the slots
export const TB_CHAIN: u32 = 1032; // TASKs taken whole from CB_OVERFLOW, not yet started
export const TB_PICKED: u32 = 1036; // TASK between a queue and the table of started tasks
export const TB_TASKS: u32 = 1040; // physical address of the directory: frames of u32, one a started task
export const TB_TASKS_FRAMES: u32 = 1044; // frames in the directory
export const TB_WAITERS_FREE: u32 = 1048; // list of free WAITERs
export const TB_WAITER_FRAMES: u32 = 1052; // chain of frames of WAITERs
export const TB_LOCKS_FREE: u32 = 1056; // list of free held-lock entries
export const TB_LOCK_FRAMES: u32 = 1060; // chain of frames of held-lock entries
export const TB_SEED: u32 = 1064; // of the choice of a victim
export const TB_IS_SEARCHING: u32 = 1068; // counted in CB_SEARCHING; set by whoever wakes it, too
export const TB_IS_RUNNING: u32 = 1072; // 1: counted in CB_RUNNING
export const RUNNING_PAUSED: u32 = 2; // in the middle of a run, but without the GIL
export const TB_PENDING: u32 = 1076; // timers and promises that its coroutines wait for; JavaScript writes it
export const TB_LOAD: u32 = 1084; // fibers that want to run, now or with the next lock; JavaScript writes it now and then
export const TB_DELIVERED: u32 = 1080; // messages taken from the inbox, oldest first, not yet handed to JavaScript
export const TB_GIL_SINCE: u32 = 1088; // f64, ms: when it got the GIL
export const TB_BUSY_SINCE: u32 = 1096; // f64, ms: when its batch began
export const TB_GIL_PATIENCE: u32 = 1104; // microseconds it waits before it asks for the GIL; 0: the switch interval
export const TB_RELEASED: u32 = 1108; // held entries that have become RELEASED since they were looked through
// Written by others too, atomic.
export const TB_DEQUE_TOP: u32 = 1152;
export const TB_INBOX: u32 = 1216; // stack of WAITERs
export const TB_PARK: u32 = 1280; // 1 while it is parked
export const TB_CANCELS: u32 = 1284; // stack of TASKs of this thread to be cancelled

// Counters, after COUNTER_SYNC (24) of machine.ts. Times in microseconds.
export const COUNTER_STEPS: u32 = 24;
export const COUNTER_STEALS: u32 = 25;
export const COUNTER_PARKS: u32 = 26;
export const COUNTER_WAKES: u32 = 27; // of other threads
export const COUNTER_CREATED: u32 = 28; // tasks
export const COUNTER_ENDED: u32 = 29; // tasks
export const COUNTER_GIL_WAIT: u32 = 30;
export const COUNTER_GIL_HOLD: u32 = 31;
export const COUNTER_GIL_TAKES: u32 = 32;
export const COUNTER_GIL_FORCED: u32 = 33; // forced switches
export const COUNTER_BUSY: u32 = 34;
export const COUNTER_LOCK_WAITS: u32 = 35;
export const COUNTER_CANCELS: u32 = 36;
export const COUNTER_STARTED: u32 = 37; // tasks

// A thread's first frame: deque | directory of started tasks | WAITERs.
export const DEQUE_SIZE: u32 = 256; // u32 a slot; power of two
export const DIRECTORY_MAX: u32 = KERNEL_PAGE_SHIFT > 12 ? 1024 : 1 << (KERNEL_PAGE_SHIFT - 3); // frames of tasks; half of this one at most
export const FRAME_DEQUE: u32 = 0;
export const FRAME_DIRECTORY: u32 = FRAME_DEQUE + (DEQUE_SIZE << 2);
export const FRAME_WAITERS: u32 = FRAME_DIRECTORY + (DIRECTORY_MAX << 2);
export const TASKS_SHIFT: u32 = KERNEL_PAGE_SHIFT - 2; // u32 a task

// Queues.
export const INJECT_SIZE: u32 = 1 << (KERNEL_PAGE_SHIFT - 3); // cells of 8 bytes: sequence, TASK; one frame; power of two
export const STEAL_MAX: u32 = 128;

// TASK, a heap object (type TASK).
export const TASK_STATE: u32 = 12; // state in the low 3 bits, then flags
export const TASK_WAITERS: u32 = 16; // list of WAITERs, WAITERS_DONE once the task has ended
export const TASK_COROUTINE: u32 = 20; // str: the coroutine's id; not counted, every thread that uses it keeps it
export const TASK_ARGS: u32 = 24; // ref to VALUES, 0 if there are none
export const TASK_ERROR: u32 = 28; // ref to what a failed task failed with
export const TASK_RESULT: u32 = 32; // Value
export const TASK_NEXT: u32 = 40; // in a queue, or in a stack of tasks to be cancelled
export const TASK_SLOT: u32 = 44; // index in its thread's table of started tasks
export const TASK_OWNER: u32 = 48; // slot of the thread that started it
export const TASK_CHILDREN: u32 = 52; // ref to the newest child
export const TASK_SIBLING: u32 = 56; // ref to the next older child of the same parent
export const TASK_REASON: u32 = 60; // ref to why it was cancelled
export const TASK_WAITS: u32 = 64; // WAIT_ kind of what it waits for
export const TASK_WAITS_FOR: u32 = 68; // address of what it waits for, for messages; not counted
export const TASK_SERIAL: u32 = 72;
export const TASK_SIZE: u32 = 80;

export const TASK_CREATED: u32 = 1;
export const TASK_RUNNING: u32 = 2;
export const TASK_DONE: u32 = 3; // from here on it has ended
export const TASK_FAILED: u32 = 4;
export const TASK_CANCELLED: u32 = 5;
export const TASK_STATE_MASK: u32 = 7;
export const TASK_CANCELLING: u32 = 8; // somebody has won the right to cancel it
export const TASK_CANCEL: u32 = 16; // it is to be cancelled, and the reason is there
export const TASK_OBSERVED: u32 = 32; // somebody has asked for its outcome
export const TASK_SPREAD: u32 = 64; // its only argument is the array of its arguments
export const TASK_OWNED: u32 = 128; // it has a parent
export const WAITERS_DONE: u32 = 1;

export const WAIT_NONE: u32 = 0;
export const WAIT_TASK: u32 = 1;
export const WAIT_LOCK: u32 = 2;
export const WAIT_TIME: u32 = 3;
export const WAIT_PROMISE: u32 = 4;
export const WAIT_CHILDREN: u32 = 5;

// WAITER: a record in frames of the thread that waits. It is allocated and freed by that thread only.
export const WAITER_NEXT: u32 = 0;
export const WAITER_THREAD: u32 = 4; // slot; 0 while it is free
export const WAITER_FIBER: u32 = 8; // which of the thread's coroutines
export const WAITER_KIND: u32 = 12;
export const WAITER_OBJECT: u32 = 16; // address of what is waited for
export const WAITER_PAYLOAD: u32 = 20;
export const WAITER_HOLDER: u32 = 24; // for a lock: the task that will hold it
export const WAITER_SIZE: u32 = 32;
export const WAITER_TASK: u32 = 1; // kind: the task has ended
export const WAITER_LOCK: u32 = 2; // kind: try again, or (LOCK_HANDED) it is held already
export const WAITER_LOST: u32 = 128; // flag of kind: nobody waits any more
export const LOCK_PATIENT: u32 = 1; // payload: it has waited in vain before
export const LOCK_HANDED: u32 = 2; // payload: the lock is its own

// Held-lock entry: a record in frames of the thread whose coroutine holds the lock.
export const HELD_NEXT: u32 = 0;
export const HELD_OBJECT: u32 = 4; // counted
export const HELD_TASK: u32 = 8; // 0 while the entry is free; 1 if no task holds it, but JavaScript outside coroutines
export const HELD_KEPT: u32 = 2; // HELD_TASK of an entry that is no lock but a handle that JavaScript keeps
export const HELD_RELEASED: u32 = 3; // HELD_TASK of a handle that was released, and that an open snapshot counts: HELD_NEXT is the cut before that
export const HELD_BORN: u32 = 12; // of a handle: cuts taken when it was kept
export const HELD_SIZE: u32 = 16;
