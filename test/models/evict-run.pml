/*
 * Eviction of a run: a head and a tail in neighbouring frames, which leave and come back together. A run is read through its
 * head, and written through the page that is written. What evict.pml shows of one page is taken for granted here: an entry of
 * a TLB keeps its page, who was detached drops what it had. The question is whether head and tail stay one.
 *
 * One thread reads through the head and writes to the tail; another evicts the run whenever it can; a third begins to bring it
 * back, and may be slow anywhere on the way. `ideal` is what the tail holds. A frame that is given back holds something else
 * at once.
 *
 * @source packages/kernel/assembly/paging/residence.ts headOf pagesOf pageMark pageRescue pageSeal pageClaim pageRead pageArrive tailsPresent
 * @source packages/kernel/assembly/paging/evict.ts pageEvict marked written isCached pageBring pageFetch
 * @source packages/kernel/assembly/paging/translate.ts miss fill walk
 * @source packages/kernel/assembly/paging/history.ts versionWrite
 *
 * @variant (none) passes
 * @variant OWN_FRAMES fails: who brings the run back maps the tail to the frames that it read into, though the run may have left again
 * @variant HEAD_ONLY fails: only the head is looked for in the TLBs
 * @variant SEAL_TAIL_FIRST fails: the tail is given up although the head was rescued
 * @variant NO_WAIT fails: who brings the run back reads the tail before it has been sealed
 * @variant RESCUE_ALONE fails: who keeps what the tail was, before the first write after a cut, rescues it without its head
 */
#define FRAMES 6
#define OPERATIONS 3
#define EVICTIONS 3
#define HEAD 0
#define TAIL 1

mtype = { PRESENT, LEAVING, SWAPPED };

mtype state[2];
byte frame[2];
bool dirty = true; /* of the tail; nobody writes to the head */
bool copied = false;
byte slot = 0;     /* what the file has of the tail */
bool claimed = false;
byte value[FRAMES];
bool used[FRAMES];
byte ideal = 0;

byte readTlb = 0;  /* of the head: frame + 1 */
byte writeTlb = 0; /* of the tail */

#define GARBAGE 100

inline free(f) {
  d_step { used[f] = false; value[f] = GARBAGE }
}

inline takeRun(f) {
  atomic {
    if
    :: !used[0] && !used[1] -> f = 0
    :: !used[2] && !used[3] -> f = 2
    :: !used[4] && !used[5] -> f = 4
    fi;
    used[f] = true;
    used[f + 1] = true
  }
}

/* tailsPresent: under the tail's lock. While that is held the head stays. */
inline tailPresent() {
  d_step {
    if
    :: state[HEAD] == PRESENT && state[TAIL] == LEAVING -> state[TAIL] = PRESENT
    :: state[HEAD] == PRESENT && state[TAIL] == SWAPPED ->
       state[TAIL] = PRESENT; frame[TAIL] = frame[HEAD] + 1; dirty = false; copied = true
    :: else
    fi
  }
}

/* pageFetch */
inline fetch(f) {
  takeRun(f);
  if
  :: atomic { state[HEAD] == SWAPPED && !claimed -> claimed = true };
     /* pageRead: who evicts has sealed the head and is about to seal the tail. */
#ifndef NO_WAIT
     state[TAIL] == SWAPPED;
#endif
     value[f + 1] = slot;
     d_step { state[HEAD] = PRESENT; frame[HEAD] = f; claimed = false }; /* pageArrive */
#ifdef OWN_FRAMES
     d_step {
       if
       :: state[TAIL] == SWAPPED -> state[TAIL] = PRESENT; frame[TAIL] = f + 1; dirty = false; copied = true
       :: else
       fi
     }
#else
     tailPresent()
#endif
  :: else -> free(f); free(f + 1)
  fi
}

/* pageBring, one round of it. */
inline bring(f) {
  if
  :: state[HEAD] == PRESENT -> tailPresent()
  :: d_step { state[HEAD] == LEAVING -> state[HEAD] = PRESENT } /* pageRescue */
  :: state[HEAD] == SWAPPED && !claimed -> fetch(f)
  fi
}

proctype Thread() {
  byte operations = 0, f = 0, h = 0;
  do
  :: operations < OPERATIONS ->
     /* miss, for reading: the head. */
     do
     :: readTlb != 0 -> break
     :: atomic { readTlb == 0 && state[HEAD] == PRESENT -> f = frame[HEAD] };
        readTlb = f + 1;
        if
        :: atomic { state[HEAD] == PRESENT && frame[HEAD] == f -> skip }
        :: else -> readTlb = 0
        fi
     :: readTlb == 0 && state[HEAD] != PRESENT -> bring(f)
     od;
     assert(value[readTlb] != GARBAGE); /* the tail, through the head */
     if
     :: skip
     :: readTlb = 0 /* one that only writes */
     fi;
     /* miss, for writing: the tail. */
     do
     :: writeTlb != 0 -> break
     :: atomic { writeTlb == 0 && state[TAIL] == PRESENT -> f = frame[TAIL]; dirty = true };
        /* versionWrite, if a snapshot needs what the tail was. (What it copies is the matter of cut.pml.) */
        if
        :: skip
#ifdef RESCUE_ALONE
        :: d_step { state[TAIL] == LEAVING -> state[TAIL] = PRESENT }
#else
        :: state[TAIL] == LEAVING -> bring(h); h = 0
#endif
        fi;
        writeTlb = f + 1;
        if
        :: atomic { state[TAIL] == PRESENT && frame[TAIL] == f && dirty -> skip }
        :: else -> writeTlb = 0
        fi
     :: writeTlb == 0 && state[TAIL] != PRESENT -> bring(f)
     od;
     assert(readTlb == 0 || writeTlb == readTlb + 1); /* they are neighbours */
     d_step { value[writeTlb - 1] = value[writeTlb - 1] + 1; ideal = ideal + 1 };
     operations++;
     f = 0;
     if
     :: skip
     :: d_step { readTlb = 0; writeTlb = 0 }
     :: readTlb = 0 /* dropped one by one: translationDrop, or the table of the one before the other */
     fi
  :: else -> break
  od;
  atomic { readTlb = 0; writeTlb = 0 }
}

/* Brings the run back once, and is slow. */
proctype Slow() {
  byte f = 0;
  if
  :: state[HEAD] == SWAPPED && !claimed -> fetch(f)
  :: skip
  fi
}

/* pageEvict, by the holder of CB_EVICT_LOCK: there is one. */
#ifdef HEAD_ONLY
#define CACHED (readTlb != 0)
#else
#define CACHED (readTlb != 0 || writeTlb != 0)
#endif

proctype Evictor() {
  byte evictions = 0, f = 0, g = 0;
  bool leaves = false;
  do
  :: evictions < EVICTIONS ->
     evictions++;
     leaves = false;
     /* marked */
     if
     :: d_step { state[HEAD] == PRESENT -> state[HEAD] = LEAVING; f = frame[HEAD] };
        if
        :: d_step { state[TAIL] == PRESENT -> state[TAIL] = LEAVING; g = frame[TAIL] };
           leaves = !CACHED
        :: else
        fi;
        /* written */
        if
        :: leaves && (dirty || !copied) ->
           copied = false;
           slot = value[g];
           if
           :: d_step { state[TAIL] == LEAVING -> dirty = false; copied = true }
           :: else -> leaves = false
           fi
        :: else
        fi;
        if
        :: leaves ->
#ifdef SEAL_TAIL_FIRST
           if
           :: d_step { state[TAIL] == LEAVING -> state[TAIL] = SWAPPED }; free(g)
           :: else
           fi;
#endif
           if
           :: d_step { state[HEAD] == LEAVING -> state[HEAD] = SWAPPED };
              free(f)
           :: else -> leaves = false
           fi
        :: else
        fi;
        if
        :: leaves ->
           if
           :: d_step { state[TAIL] == LEAVING -> state[TAIL] = SWAPPED };
              free(g)
           :: else
           fi
        :: else ->
           d_step { if :: state[HEAD] == LEAVING -> state[HEAD] = PRESENT :: else fi };
           d_step { if :: state[TAIL] == LEAVING -> state[TAIL] = PRESENT :: else fi }
        fi
     :: else
     fi;
     f = 0;
     g = 0
  :: else -> break
  od
}

init {
  d_step {
    state[HEAD] = PRESENT;
    state[TAIL] = PRESENT;
    frame[TAIL] = 1;
    used[0] = true;
    used[1] = true
  };
  atomic { run Thread(); run Slow(); run Evictor() };
  /* What the tail holds in the end is what was written. */
  _nr_pr == 1;
  if
  :: state[TAIL] == PRESENT -> assert(value[frame[TAIL]] == ideal && frame[TAIL] == frame[HEAD] + 1)
  :: state[TAIL] == SWAPPED -> assert(slot == ideal)
  fi
}
