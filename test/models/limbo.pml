/*
 * Limbo and weak references: an object is freed when nothing can lead to it any more, not a moment before, and then for certain.
 *
 * One object, a root slot that may hold it, a weak cell, two threads. A thread makes the object, reads it from the slot or through
 * the cell, uses it, stores it, drops it, yields. Epochs are kept relative: `behind` is whether a thread has still to acknowledge the
 * global one, `age` how many epochs ago the limbo entry was tagged.
 *
 * @source packages/kernel/assembly/heap/count.ts countIncrementAt countDecrementAt limboPush
 * @source packages/kernel/assembly/heap/limbo.ts limboDrain judge judged
 * @source packages/kernel/assembly/heap/weak.ts weakNew weakLink escape weakGet
 * @source packages/kernel/assembly/heap/weak-table.ts acquire cellUnlink
 * @source packages/kernel/assembly/heap/weak-death.ts weakDie weakClear
 * @source packages/kernel/assembly/heap/handle.ts pinYoung scopeClose borrow
 * @source packages/kernel/assembly/machine/epoch.ts epochAcknowledge epochAdvance
 *
 * @variant (none) passes
 * @variant NO_REDO fails: an object that became 0 again while it stood in limbo dies without a grace period of its own
 * @variant OWN_TAG fails: what is tagged with the thread's own epoch dies an epoch too early
 * @variant ACKNOWLEDGE_FIRST fails: a yield that acknowledges before it has pinned leaves what it holds unprotected
 * @variant LATE_INCREMENT fails: a reference is published before it is counted
 * @variant UPGRADE_UNMARKED fails: an object in limbo that is reached through its cell dies all the same
 * @variant STAYS_NEWBORN fails: an object that others can reach through its cell dies with its scope
 * @variant ONE_GRACE fails: an object with a cell is freed as soon as the cell is cleared, under whoever has just read it there
 */
#define THREADS 2
#define MOST 6 /* of a count: slot, pins, and what is on its way */

bool made, freed;
byte count;
bool limbo, redo, newborn, dying; /* of the count word */
bool slot;                        /* the root's */
bool target, has;                 /* the cell leads to it; it has or had one: HEADER_HAS_WEAK */
bool listed;                      /* its entry in a limbo list */
byte owner, age;
bool behind[THREADS];
bool borrowed[THREADS], pinned[THREADS], young[THREADS];
byte ended;

#ifdef OWN_TAG
#define TAG(me) (behind[me] -> 1 : 0)
#else
#define TAG(me) 0
#endif

inline increment() { d_step { assert(!freed); count++; newborn = false; assert(count < MOST) } }

/* limboPush: LIMBO is set already. */
inline push(me) { d_step { assert(!listed); listed = true; owner = me; age = TAG(me) } }

inline decrement(me, isZero) {
  d_step {
    assert(!freed && count > 0);
    count--;
    isZero = (count == 0 && !limbo);
    if
    :: isZero -> limbo = true
#ifndef NO_REDO
    :: !isZero && count == 0 -> redo = true
#endif
    :: else
    fi
  };
  if
  :: isZero -> push(me)
  :: else
  fi;
  isZero = false
}

/* epochAdvance: all threads have acknowledged. */
inline advance() {
  d_step {
    !behind[0] && !behind[1];
    behind[0] = (ended < THREADS);
    behind[1] = (ended < THREADS);
    if
    :: listed && age < 3 -> age++
    :: else
    fi
  }
}

/* A scope that ends: a newborn that nobody else has seen dies with it. */
inline drop(me) {
  d_step {
    if
    :: young[me] && newborn -> assert(count == 0 && !target); newborn = false; dying = true; freed = true
    :: else
    fi;
    young[me] = false;
    borrowed[me] = false
  }
}

/* judge, and judged: of an entry that is two epochs old. */
inline judgeOne() {
  if
  :: dying -> listed = false; freed = true
  :: !dying && count > 0 -> limbo = false; redo = false; listed = false
  :: !dying && count == 0 && redo -> redo = false; age = 0
  :: else -> /* weakDie: no upgrade succeeds from now on */
     limbo = false;
     dying = true;
     target = false;
     if
#ifndef ONE_GRACE
     :: has -> age = 0
#endif
     :: else -> listed = false; freed = true
     fi
  fi
}

proctype Thread(byte me) {
  bool old, isZero, found;
  do
  :: d_step { me == 0 && !made -> made = true; newborn = true; borrowed[me] = true; young[me] = true }
  :: d_step { slot -> assert(!freed); borrowed[me] = true }
  :: d_step { borrowed[me] || pinned[me] -> assert(!freed) }
  :: (borrowed[me] || pinned[me]) ->
#ifdef LATE_INCREMENT
     d_step { old = slot; slot = true };
     increment();
#else
     increment();
     d_step { old = slot; slot = true };
#endif
     if
     :: old -> decrement(me, isZero)
     :: else
     fi;
     old = false
  :: slot ->
     d_step { old = slot; slot = false };
     if
     :: old -> decrement(me, isZero)
     :: else
     fi;
     old = false
  :: pinned[me] -> pinned[me] = false; decrement(me, isZero)
  :: /* weakNew */
     (borrowed[me] || pinned[me]) && !has ->
     d_step {
       isZero = newborn;
#ifndef STAYS_NEWBORN
       if
       :: isZero -> newborn = false; limbo = true
       :: else
       fi
#else
       isZero = false
#endif
     };
     if
     :: isZero -> push(me)
     :: else
     fi;
     isZero = false;
     d_step { has = true; target = true }
  :: /* weakGet: reads TARGET, and then the count word */
     target ->
     d_step {
       assert(!freed);
       found = !dying;
#ifndef UPGRADE_UNMARKED
       redo = (found && count == 0 && limbo -> true : redo);
#endif
       borrowed[me] = (found -> true : borrowed[me]);
       found = false
     }
  :: /* yield: what is young is pinned or dropped, and then it acknowledges */
#ifdef ACKNOWLEDGE_FIRST
     behind[me] = false;
#endif
     if
     :: borrowed[me] && !pinned[me] ->
        increment();
        d_step { pinned[me] = true; borrowed[me] = false; young[me] = false }
     :: drop(me)
     fi;
     behind[me] = false
  :: advance()
  :: d_step { listed && owner == me && age >= 2 -> judgeOne() }
  :: true -> break
  od;
  if
  :: pinned[me] -> pinned[me] = false; decrement(me, isZero)
  :: else
  fi;
  drop(me);
  d_step { behind[me] = false; ended++ }
}

/* All are at rest, for ever: then it must go. */
proctype Rest() {
  byte round;
  bool isZero;
  ended == THREADS;
  if
  :: slot -> slot = false; decrement(0, isZero)
  :: else
  fi;
  d_step {
    do
    :: round < 12 ->
       round++;
       if
       :: listed && age >= 2 -> judgeOne()
       :: listed && age < 2 -> age++
       :: else
       fi
    :: else -> break
    od;
    assert(count == 0);
    assert(!made || freed);
    assert(!target)
  }
}

init { atomic { run Thread(0); run Thread(1); run Rest() } }
