/*
 * Eviction: a page leaves memory for the swap file and comes back, and no thread ever reads or writes anything but the page
 * through a translation, although nobody waits until translations are dropped.
 *
 * Two threads write one page, in operations between which they may keep their translation, drop it, detach and attach again;
 * a third evicts the page whenever it can. `ideal` is what the page holds. A frame that is given back holds something else at once.
 *
 * @source packages/kernel/assembly/paging/residence.ts pageMark pageRescue pageWritten pageSeal pageIsCached pageClaim pageRead pageArrive
 * @source packages/kernel/assembly/paging/evict.ts evict evictLock pageEvict marked written pageBring pageFetch
 * @source packages/kernel/assembly/paging/translate.ts miss fill walk flush
 * @source packages/kernel/assembly/heap/safepoint.ts threadAttach threadDetach
 * @source packages/kernel/assembly/heap/arenas.ts translationsAcknowledge translationsYield
 *
 * @variant (none) passes
 * @variant NO_LOOK fails: a translation is used that was filled after the page had been looked for in the TLBs
 * @variant LOOK_AT_STATE fails: whether the page still counts as changed is not looked at again: it left, unchanged, and was rescued
 * @variant LOOK_FIRST fails: the TLBs are looked at before the page is marked, and not again
 * @variant NO_EPOCH fails: a thread that was detached while the page left comes back with its old translation
 * @variant EPOCH_FIRST fails: the same, if the epoch grows before the page is marked
 * @variant SEAL_BLIND fails: a page that was rescued is given up all the same
 * @variant CLEAN_BLIND fails: a page that was rescued and written while it was being written to the file counts as unchanged
 * @variant MARK_BLIND fails: who marks a page stores all of the entry as it was a moment before, and a walk has made it DIRTY meanwhile
 * @variant NO_CLAIM fails: two threads read the page, and the later one brings back what it was before the other one wrote it
 */
#define THREADS 2
#define FRAMES 3
#define OPERATIONS 2
#define EVICTIONS 2

mtype = { PRESENT, LEAVING, SWAPPED };

mtype state = PRESENT; /* PTE flags */
byte frame = 0;        /* PTE frame */
bool claimed = false;  /* PTE_ARRIVING */
bool dirty = true;     /* PTE_DIRTY */
bool copied = false;   /* the slot holds a copy (CB_SWAP_COPIES, or SWAPPED) */
byte slot = 0;
byte value[FRAMES];
bool used[FRAMES];
byte ideal = 0;
byte epoch = 0; /* CB_TRANSLATION_EPOCH */

byte tlb[THREADS];          /* frame + 1 */
bool attached[THREADS];
byte acknowledged[THREADS]; /* TB_TRANSLATION */

#define GARBAGE 100

/* frameFree, and somebody takes the frame for something else. */
inline free(f) {
  d_step { used[f] = false; value[f] = GARBAGE }
}

inline take(f) {
  atomic {
    if
    :: !used[0] -> f = 0
    :: !used[1] -> f = 1
    :: !used[2] -> f = 2
    fi;
    used[f] = true
  }
}

/*
 * miss: walk, fill, and look once more. Each transition of the entry is one step, for it is done under its lock; but a walk sets DIRTY
 * without it.
 */
inline translate(me, f) {
  do
  :: tlb[me] != 0 -> break
  :: else ->
     if
     :: atomic { state == PRESENT -> f = frame; dirty = true };
        tlb[me] = f + 1;
#ifndef NO_LOOK
        if
        #ifndef LOOK_AT_STATE
        :: atomic { state == PRESENT && frame == f && dirty -> skip }
#else
        :: atomic { state == PRESENT && frame == f -> skip }
#endif
        :: else -> tlb[me] = 0
        fi
#endif
     :: d_step { state == LEAVING -> state = PRESENT } /* pageRescue */
     :: state == SWAPPED ->
        take(f);
        if
#ifndef NO_CLAIM
        :: atomic { state == SWAPPED && !claimed -> claimed = true };
#else
        :: state == SWAPPED ->
#endif
           value[f] = slot; /* swapRead */
           d_step { state = PRESENT; frame = f; claimed = false; dirty = false; copied = true }
        :: else -> free(f)
        fi
     fi
  od;
  f = 0
}

/* translationsAcknowledge: no raw address is held. */
inline acknowledge(me) {
  if
  :: acknowledged[me] != epoch ->
     tlb[me] = 0;
     acknowledged[me] = epoch
  :: else
  fi
}

proctype Thread(byte me) {
  byte operations = 0, f = 0, seen = 0;
  do
  :: operations < OPERATIONS ->
     if
     :: !attached[me] -> attached[me] = true; acknowledge(me)
     :: else
     fi;
     translate(me, f);
     /* The operation holds a raw address: it reads, and writes later. */
     seen = value[tlb[me] - 1];
     assert(seen != GARBAGE);
     d_step { value[tlb[me] - 1] = value[tlb[me] - 1] + 1; ideal = ideal + 1 };
     assert(value[tlb[me] - 1] != GARBAGE + 1);
     seen = 0;
     operations++;
     if
     :: skip /* the next operation begins at once */
     :: acknowledge(me)
     :: attached[me] = false
     fi
  :: else -> break
  od;
  attached[me] = false
}

/* pageIsCached */
inline cached(found) {
  found = false;
  if
  :: attached[0] -> found = found || tlb[0] != 0
  :: else
  fi;
  if
  :: attached[1] -> found = found || tlb[1] != 0
  :: else
  fi
}

/* pageEvict, by the holder of CB_EVICT_LOCK: there is one. */
proctype Evictor() {
  byte evictions = 0, f = 0;
  bool found = false;
  bool was = false;
  do
  :: evictions < EVICTIONS ->
     evictions++;
     cached(found);
     if
     :: found
     :: else ->
#ifdef EPOCH_FIRST
        epoch++;
#endif
        if
#ifdef MARK_BLIND
        :: d_step { state == PRESENT -> was = dirty; f = frame };
           d_step { state = LEAVING; dirty = was };
#else
        :: d_step { state == PRESENT -> state = LEAVING; f = frame }; /* pageMark */
#endif
#ifndef NO_EPOCH
#ifndef EPOCH_FIRST
           epoch++;
#endif
#endif
#ifndef LOOK_FIRST
           cached(found);
#endif
           if
           :: found
           :: else ->
              /* written: unless its copy is as it is. */
              if
              :: dirty || !copied ->
                 copied = false;
                 slot = value[f];
                 if
#ifdef CLEAN_BLIND
                 :: d_step { true -> dirty = false; copied = true }
#else
                 :: d_step { state == LEAVING -> dirty = false; copied = true } /* pageWritten */
#endif
                 :: else -> found = true
                 fi
              :: else
              fi
           fi;
           if
           :: found -> d_step { if :: state == LEAVING -> state = PRESENT :: else fi }
           :: else ->
              if
#ifdef SEAL_BLIND
              :: d_step { true -> state = SWAPPED };
#else
              :: d_step { state == LEAVING -> state = SWAPPED }; /* pageSeal */
#endif
                 free(f)
              :: else
              fi
           fi
        :: else
        fi
     fi;
     f = 0;
     found = false
  :: else -> break
  od
}

init {
  used[0] = true;
  atomic { run Thread(0); run Thread(1); run Evictor() };
  /* What the page holds in the end is what was written. */
  _nr_pr == 1;
  if
  :: state == PRESENT -> assert(value[frame] == ideal)
  :: else -> assert(state == SWAPPED && slot == ideal)
  fi
}
