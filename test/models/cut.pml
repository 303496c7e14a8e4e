/*
 * Snapshots: each shows memory as it was at one instant, between two steps of every thread, whatever is written later and
 * however many are open.
 *
 * Two threads write two pages of one word, one of them in two steps; a third takes two cuts, reads its snapshots in either order while the others go on,
 * and closes them. `ideal` is what memory was at each cut. With GIVE_UP each has one step, and one finds memory full at its beginning,
 * which may be at any moment: the oldest snapshot is lost.
 *
 * @source packages/kernel/assembly/machine/epoch.ts epochAttach waitWhileStopped
 * @source packages/kernel/assembly/heap/safepoint.ts threadAttach safepoint stopHonour worldStop worldIsStopped worldResume snapshotTake
 * @source packages/kernel/assembly/paging/translate.ts writeAddress writeMiss cutAcknowledge
 * @source packages/kernel/assembly/paging/history.ts historyKeep versionKeep versionMake versionCopy versionWrite versionFind contentCopy
 * @source packages/kernel/assembly/paging/snapshots.ts snapshotOpen snapshotClose pastEnter pastLeave pastGiveUp oldestLose versionsDrop versionUnlink
 *
 * @variant (none) passes
 * @variant NO_FLUSH fails: a thread that keeps its write translations over a cut writes to pages that were not kept
 * @variant NO_STOP fails: a cut that does not wait for the ends of steps shows a step by halves
 * @variant NO_RECHECK fails: two threads that write a page first both keep it, the later one as it is already
 * @variant NO_LOOK fails: a page that was written to the swap file while another thread wrote it is kept all the same
 * @variant READ_UNLOCKED fails: a reader that has seen that a page is as it was copies it while it is written
 * @variant ONE_COPY fails: a page that is kept for one snapshot is kept for all
 * @variant DROP_ALL fails: closing one snapshot takes from another what it needs
 * @variant GIVE_UP passes
 * @variant GIVE_UP READ_UNGUARDED fails: a reader has found a version that a thread without memory gives up
 */
#define PAGES 2
#define THREADS 2
#define CUTS 2

byte value[PAGES];   /* a page is one word */
byte written[PAGES]; /* HISTORY_WRITTEN */
bool locked[PAGES];  /* PTE_LOCK */
byte cut = 0;        /* CB_CUT */
bool stop = false;   /* CB_STOP, STOP_AT_YIELD */
bool attached[THREADS];
bool writable[THREADS * PAGES]; /* write TLBs */
byte acknowledged[THREADS];     /* TB_CUT */
bool open[CUTS + 1];            /* CB_SNAPSHOTS: open, and not lost */
bool held[CUTS + 1];            /* not disposed of yet, be it lost */
byte past = 0;                  /* CB_PAST_LOCK */

/* Versions, CUTS slots a page: FROM 0 is an empty slot. */
byte from[PAGES * CUTS];
byte to[PAGES * CUTS];
byte content[PAGES * CUTS];

byte ideal[(CUTS + 1) * PAGES];

/* snapshotLiesIn */
#define lies(a, b) ((open[1] && a <= 1 && 1 <= b) || (open[2] && a <= 2 && 2 <= b))

/* The page is locked: a version of the cuts `before` + 1 .. `cut`. Straight-line code. */
inline add(page, before, kept, slot) {
  slot = page * CUTS;
  if
  :: from[slot] != 0 -> slot++
  :: else
  fi;
#ifdef ONE_COPY
  if
  :: slot != page * CUTS
  :: else ->
#endif
  from[slot] = before + 1;
  to[slot] = cut;
  content[slot] = kept;
#ifdef ONE_COPY
  fi;
#endif
  slot = 0
}

/* versionKeep: room and the decision first, then the lock. Into a frame (versionCopy), or into the swap file (versionWrite). */
inline keep(page, needed, before, kept, slot) {
  before = written[page];
  if
  :: before == cut
  :: else ->
     needed = lies((before + 1), cut);
     if
     :: true ->
        atomic { !locked[page] -> locked[page] = true };
#ifndef NO_RECHECK
        before = written[page];
#endif
        kept = value[page];
        if
        :: before != cut && needed -> add(page, before, kept, slot)
        :: else
        fi;
        written[page] = cut
     :: needed ->
        kept = value[page]; /* swapWrite */
        atomic { !locked[page] -> locked[page] = true };
        if
#ifndef NO_LOOK
        :: written[page] == before ->
#else
        :: true ->
#endif
           add(page, before, kept, slot);
           written[page] = cut
        :: else
        fi
     fi;
     locked[page] = false
  fi;
  before = 0;
  kept = 0;
  needed = false
}

/* versionsDrop: each is unlinked with the page locked, and nothing is done but that. */
inline drop(page, slot) {
  slot = page * CUTS;
  do
  :: atomic { slot < (page + 1) * CUTS && !locked[page] ->
     if
#ifdef DROP_ALL
     :: from[slot] != 0 -> from[slot] = 0; to[slot] = 0; content[slot] = 0
#else
     :: from[slot] != 0 && !lies(from[slot], to[slot]) -> from[slot] = 0; to[slot] = 0; content[slot] = 0
#endif
     :: else
     fi;
     slot++ }
  :: atomic { slot == (page + 1) * CUTS -> slot = 0; break }
  od
}

/* pastGiveUp: not if somebody reads the past. */
inline giveUp(slot) {
  if
  :: atomic { past == 0 && (open[1] || open[2]) ->
     past = 2;
     if
     :: open[1] -> open[1] = false
     :: else -> open[2] = false
     fi };
     drop(0, slot);
     drop(1, slot);
     past = 0
  :: true
  fi
}

/* writeAddress, and the write. */
inline write(me, page, needed, before, kept, slot) {
  if
  :: writable[me * PAGES + page]
  :: else ->
     keep(page, needed, before, kept, slot);
     writable[me * PAGES + page] = true
  fi;
  value[page] = value[page] + 1
}

/* epochAttach, or stopHonour at a yield: then cutAcknowledge. */
inline enter(me) {
  attached[me] = true;
  do
  :: stop -> attached[me] = false; !stop; attached[me] = true
  :: else -> break
  od;
  if
  :: acknowledged[me] != cut ->
#ifndef NO_FLUSH
     d_step { writable[me * PAGES] = false; writable[me * PAGES + 1] = false };
#endif
     acknowledged[me] = cut
  :: else
  fi
}

proctype Writer(byte me; byte most) {
  byte steps = 0, before = 0, kept = 0, slot = 0, first = 0;
  bool needed = false;
  do
  :: steps < most ->
     enter(me);
#ifdef GIVE_UP
     if
     :: me == 1 -> giveUp(slot)
     :: else
     fi;
#endif
     /* A step writes both pages, in either order: only between steps are they alike. */
     if
     :: first = 0
     :: first = 1
     fi;
     write(me, first, needed, before, kept, slot);
     write(me, (1 - first), needed, before, kept, slot);
     first = 0;
     steps++;
     if
     :: true /* the next step follows at once, over a safepoint */
     :: attached[me] = false
     fi
  :: else -> break
  od;
  attached[me] = false
}

/* pastEnter, contentCopy, pastLeave: a page that is as it was is copied under its lock; else there is a version, or the snapshot is lost. */
inline read(number, page, before, slot) {
#ifndef READ_UNGUARDED
  atomic { past == 0 -> past = 1 };
#endif
#ifndef READ_UNLOCKED
  atomic { !locked[page] -> locked[page] = true };
#endif
  if
  :: written[page] < number ->
     before = value[page];
#ifndef READ_UNLOCKED
     locked[page] = false;
#endif
     assert(before == ideal[number * PAGES + page])
  :: else ->
#ifndef READ_UNLOCKED
     locked[page] = false;
#endif
     slot = page * CUTS;
     do
     :: slot == (page + 1) * CUTS -> break
     :: slot < (page + 1) * CUTS && from[slot] != 0 && from[slot] <= number && number <= to[slot] -> break
     :: else -> slot++
     od;
     if
     :: slot == (page + 1) * CUTS -> assert(!open[number])
     :: else -> before = content[slot]; assert(before == ideal[number * PAGES + page])
     fi
  fi;
#ifndef READ_UNGUARDED
  past = 0;
#endif
  before = 0;
  slot = 0
}

active proctype Main() {
  byte taken = 0, before = 0, slot = 0, number = 0;
#ifdef GIVE_UP
  atomic { run Writer(0, 1); run Writer(1, 1) };
#else
  atomic { run Writer(0, 2); run Writer(1, 1) };
#endif
  do
  :: taken < CUTS ->
     stop = true;
#ifndef NO_STOP
     !attached[0];
     !attached[1];
#endif
     taken++;
     d_step {
       cut = taken;
       open[taken] = true;
       held[taken] = true;
       ideal[taken * PAGES] = value[0];
       ideal[taken * PAGES + 1] = value[1]
     };
#ifndef NO_STOP
     assert(value[0] == value[1]);
#endif
     stop = false
  :: held[1] -> number = 1;
use: read(number, 0, before, slot);
     read(number, 1, before, slot);
     held[number] = false;
     open[number] = false;
     atomic { past == 0 -> past = 1 };
     drop(0, slot);
     drop(1, slot);
     past = 0;
     number = 0
  :: held[2] -> number = 2; goto use
  :: taken == CUTS && !held[1] && !held[2] -> break
  od
}
