/*
 * Parking and waking: no wake-up is lost, and whoever looks for somebody to wake comes to an end.
 *
 * Two workers and the main thread. A worker takes tasks from the injection queue, from its own deque or from the other's; a
 * task may put another one into its worker's deque, or send a message to the other worker. What every access stands for:
 *
 * @source packages/kernel/assembly/sync/park.ts wakeOne wakeSearcher unpark searchBegin searchEnd parkBegin parkEnd workIsThere
 * @source packages/kernel/assembly/sync/task.ts enqueue taskNext taskSteal taskStart
 * @source packages/kernel/assembly/sync/waiter.ts inboxPush
 * @source packages/kernel/assembly/sync/inbox.ts inboxTake
 *
 * @variant (none) passes
 * @variant WAKERS_CLEAR fails: a waker clears the bit of whom it wakes, and can leave that of a running worker behind
 * @variant LOOK_FIRST fails: a worker that looks for work before it says that it parks sleeps over a task
 */
#define WORKERS 2
#ifndef INJECTED
#define INJECTED 2 /* tasks of the main thread */
#endif
#define CHILDREN 1  /* tasks that tasks make, in all */
#define MESSAGES 1

byte inject = 0;
byte deque[WORKERS];
byte inbox[WORKERS];
byte searching = 0; /* CB_SEARCHING */
byte parked = 0;    /* CB_PARKED, a bit for each worker */
bool park[WORKERS]; /* TB_PARK */
bool is[WORKERS];   /* TB_IS_SEARCHING */
byte children = CHILDREN;
byte messages = MESSAGES;
byte injected = 0;

#define bit(slot) (1 << (slot))
#define tasks (inject + deque[0] + deque[1])

/* unpark(): ok says whether it slept. */
inline unpark(slot, ok) {
  ok = false;
  if
  :: !park[slot]
  :: else ->
     atomic { ok = park[slot]; park[slot] = false };
#ifdef WAKERS_CLEAR
     if
     :: ok -> parked = parked & (255 - bit(slot))
     :: else
     fi
#endif
  fi
}

/* wakeOne() and wakeSearcher(). */
inline wake(map, slot, ok, was, rounds) {
  if
  :: parked == 0
  :: else ->
     atomic { ok = (searching == 0); searching = (ok -> 1 : searching) };
     if
     :: !ok
     :: else ->
        ok = false;
        rounds = 0;
        map = parked;
        do
        :: map == 0 -> break
        :: else ->
           rounds++;
           assert(rounds <= 4); /* it ends: WORKERS rounds at most */
           slot = (map & 1 -> 0 : 1);
           map = map & (255 - bit(slot));
           atomic { was = is[slot]; is[slot] = true };
           if
           :: was
           :: else ->
              unpark(slot, ok);
              if
              :: ok -> break
              :: else ->
                 atomic { was = is[slot]; is[slot] = false };
                 if
                 :: !was -> ok = true; break /* it has got up, and ended the search, itself */
                 :: else
                 fi
              fi
           fi;
#ifdef WAKERS_CLEAR
           map = parked /* as long as there is a bit */
#endif
        od;
        if
        :: ok
        :: else -> atomic { searching-- }
        fi
     fi
  fi;
  slot = 0; map = 0; rounds = 0; ok = false; was = false
}

/* searchEnd(): last says that nobody searches now. */
inline search_end(me, was, last) {
  last = false;
  atomic { was = is[me]; is[me] = false };
  if
  :: was -> atomic { searching--; last = (searching == 0) }
  :: else
  fi
}

proctype Worker(byte me) {
  byte map, slot, rounds;
  bool ok, was, last, took;
  do
  :: true ->
     if
     :: inbox[me] > 0 -> inbox[me] = 0
     :: else
     fi;
     took = false;
     /* taskNext */
     atomic { if :: deque[me] > 0 -> deque[me]--; took = true :: inject > 0 && deque[me] == 0 -> inject--; took = true :: else fi };
     if
     :: took
     :: else ->
        /* taskSteal, searchBegin */
        if
        :: is[me] -> ok = true
        :: !is[me] && searching * 2 >= WORKERS -> ok = false
        :: else ->
           atomic { was = is[me]; is[me] = true };
           if
           :: was
           :: else -> atomic { searching++ }
           fi;
           ok = true
        fi;
        if
        :: !ok
        :: else ->
           atomic { if :: deque[1 - me] > 0 -> deque[1 - me]--; took = true :: inject > 0 && deque[1 - me] == 0 -> inject--; took = true :: else fi };
           search_end(me, was, last);
           if
           :: took && last && tasks > 0 -> wake(map, slot, ok, was, rounds)
           :: else
           fi
        fi
     fi;
     if
     :: took ->
        /* taskStart: it was woken to search, and has found something */
        if
        :: is[me] ->
           search_end(me, was, last);
           if
           :: last && tasks > 0 -> wake(map, slot, ok, was, rounds)
           :: else
           fi
        :: else
        fi;
        /* the task */
        if
        :: true
        :: atomic { children > 0 -> children--; deque[me]++ }; wake(map, slot, ok, was, rounds)
        :: atomic { messages > 0 -> messages--; inbox[1 - me]++ }; unpark(1 - me, ok)
        fi
     :: else ->
        /* run() spins while there is something in sight */
        if
        :: inbox[me] > 0 || tasks > 0
        :: else ->
           /* parkBegin */
           search_end(me, was, last);
#ifdef LOOK_FIRST
           if
           :: inbox[me] > 0 || tasks > 0 -> goto up
           :: else
           fi;
#endif
#ifdef WAKERS_CLEAR
           park[me] = true;
           atomic { parked = parked | bit(me) };
#else
           atomic { parked = parked | bit(me) };
           park[me] = true;
#endif
#ifndef LOOK_FIRST
           if
           :: inbox[me] > 0 || tasks > 0 -> goto up
           :: else
           fi;
#endif
end:       !park[me];
up:        /* parkEnd */
#ifdef WAKERS_CLEAR
           atomic { was = park[me]; park[me] = false };
           if
           :: was -> parked = parked & (255 - bit(me))
           :: else
           fi
#else
           park[me] = false;
           atomic { parked = parked & (255 - bit(me)) }
#endif
        fi
     fi;
     ok = false; was = false; last = false; took = false
  od
}

active proctype Main() {
  byte map, slot, rounds;
  bool ok, was;
  run Worker(0);
  run Worker(1);
  do
  :: injected < INJECTED ->
     atomic { injected++; inject++ };
     wake(map, slot, ok, was, rounds)
  :: else -> break
  od;
  /* When nothing can go on any more, nothing is left to do, and the bits tell who sleeps. */
  timeout;
  assert(tasks == 0 && inbox[0] == 0 && inbox[1] == 0);
  assert(searching == is[0] + is[1]);
  assert(parked == park[0] + 2 * park[1])
}
