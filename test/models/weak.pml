/*
 * Weak references against the collector: what it has found to be garbage can still be reached through weak cells. What has been, since
 * the cut, lives, with all that it leads to; of the rest no cell leads anywhere when it is broken.
 *
 * Two objects, each with a weak cell; nothing but each other leads to them at the cut, the first one to the second. Two threads upgrade
 * cells in any order, and walk from one object to the other. The collector condemns both, waits for a grace period, pardons what has been
 * reached, and judges what is left by one CAS of CB_WEAK_JUDGEMENT, whose lowest bit is the sentence; above it rescues are counted.
 *
 * @source packages/kernel/assembly/heap/weak.ts weakGet rescue
 * @source packages/kernel/assembly/collect/judgement.ts weakCondemn weakGrace weakUpgradedSince weakSentence weakPardon weakBegin weakClearAll
 * @source packages/kernel/assembly/collect/break.ts cyclesHold cyclesBreak
 *
 * @variant (none) passes
 * @variant NO_GRACE fails: an upgrade that has not seen that the object is condemned is not seen either
 * @variant NO_RECOUNT fails: a sentence that does not care about rescues since the evidence was looked at
 * @variant CLEAR_FIRST fails: a cell that is cleared when its object is condemned is dead, and the object may yet be rescued
 * @variant ONE_BY_ONE fails: one object is judged after the other, and the second one's rescue comes too late for the first
 * @variant MARK_LAST fails: an upgrade that is counted as a rescue before it has left its trace is overlooked by who looks in between
 * @variant PARDON_LATE fails: a sentence that falls before all that live are pardoned is theirs, too
 * @variant LOOK_ONCE fails: who comes after the sentence does not look whether its object has been pardoned before
 * @variant UNMARKED fails: an upgrade that leaves no trace
 */
#define THREADS 2
#define OBJECTS 2

bool target[OBJECTS];    /* the cells lead to them */
bool condemned[OBJECTS]; /* HEADER_CONDEMNED */
bool upgraded[OBJECTS];  /* WEAK_UPGRADED is not older than the cut */
bool broken[OBJECTS];
bool dead[OBJECTS];      /* an upgrade has found nothing */
bool used[OBJECTS];      /* a thread has had it since the cut */
byte rescues = 0;        /* CB_WEAK_JUDGEMENT: rescues, and the sentence */
bool sentence = false;
bool inside[THREADS];    /* in the middle of a step that began before the object was condemned: what a grace period waits for */

inline use(n) { d_step { used[n] = true; assert(!broken[n]); assert(!dead[n]) } }

proctype Thread(byte me) {
  byte n, upgrades;
  bool isCondemned, found;
  do
  :: upgrades < 2 ->
     upgrades++;
     inside[me] = true;
     if
     :: n = 0
     :: n = 1
     fi;
     /* weakGet */
     found = target[n];
     if
     :: found ->
        isCondemned = condemned[n];
#if !defined(UNMARKED) && !defined(MARK_LAST)
        upgraded[n] = true;
#endif
        if
        :: isCondemned ->
           d_step { found = !sentence; rescues = (found -> rescues + 1 : rescues) }; /* rescue(): a CAS */
#ifndef LOOK_ONCE
           found = found || !condemned[n]
#endif
        :: else
        fi
     :: else
     fi;
     if
     :: found ->
#ifdef MARK_LAST
        upgraded[n] = true;
#endif
        use(n);
        /* and what it leads to */
        if
        :: n == 0 -> use(1)
        :: true
        fi
     :: else -> dead[n] = true; assert(!used[n])
     fi;
     d_step { found = false; isCondemned = false; n = 0 };
     inside[me] = false /* the step is over: a safepoint */
  :: else -> break
  od
}

/* weakPardon */
inline pardon() {
  if
  :: first -> condemned[0] = false
  :: else
  fi;
  if
  :: second -> condemned[1] = false
  :: else
  fi
}

active proctype Collector() {
  byte seen;
  bool first, second;
  d_step { target[0] = true; target[1] = true }; /* the cut is taken */
  atomic { run Thread(0); run Thread(1) };
  /* weakCondemn */
  condemned[0] = true;
#ifdef CLEAR_FIRST
  target[0] = false;
#endif
  condemned[1] = true;
#ifdef CLEAR_FIRST
  target[1] = false;
#endif
#ifndef NO_GRACE
  /* weakGrace: each thread has passed a safepoint since */
  !inside[0];
  !inside[1];
#endif
again:
  seen = rescues;
  /* weakUpgradedSince, and the closure */
  first = upgraded[0];
#ifdef ONE_BY_ONE
  if
  :: first -> condemned[0] = false
  :: else -> target[0] = false
  fi;
#endif
  second = first || upgraded[1];
#ifndef PARDON_LATE
  pardon();
#endif
#ifdef NO_RECOUNT
  sentence = true;
#else
  /* weakSentence */
  d_step { sentence = (seen == rescues) };
  if
  :: !sentence -> goto again
  :: else
  fi;
#endif
  pardon();
  /* weakClearAll of what is left, then it is broken */
  if
  :: !first -> target[0] = false
  :: else
  fi;
  if
  :: !second -> target[1] = false
  :: else
  fi;
  if
  :: !first -> d_step { broken[0] = true; assert(!used[0]) }
  :: else
  fi;
  if
  :: !second -> d_step { broken[1] = true; assert(!used[1]) }
  :: else
  fi
}
