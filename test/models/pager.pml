/*
 * The pager: it does not sleep over a shortage of frames, and it touches nothing while the world stands still.
 *
 * One thread takes frames, another stops the world, the system thread makes frames free. What every access stands for:
 *
 * @source packages/kernel/assembly/paging/watermarks.ts pagerNotice systemPark
 * @source packages/kernel/assembly/paging/frames.ts frameAllocate
 * @source packages/kernel/assembly/paging/pager.ts pagerBegin pagerEvict pagerIsAtWork
 * @source packages/kernel/assembly/heap/safepoint.ts worldStop worldIsStopped worldResume
 *
 * @variant (none) passes
 * @variant NOTICE_FIRST fails: who takes a frame looks how many are free before it has taken it, and the pager sleeps on
 * @variant LOOK_FIRST fails: the pager looks how many are free before it says that it parks, and sleeps on
 * @variant STOP_FIRST fails: the pager looks whether the world is to stop before it has the lock
 */
#define LOW 2
#define HIGH 3
#define TAKES 4
#define STOPS 2

byte free = HIGH;    /* CB_FRAMES_FREE */
bool park = false;   /* CB_SYSTEM_PARK */
bool lock = false;   /* CB_EVICT_LOCK is the system thread's */
bool stop = false;   /* CB_STOP */
bool still = false;  /* whoever has stopped the world relies on it */

/* pagerNotice(). */
inline notice() {
  if
  :: free >= LOW
  :: else ->
     if
     :: park -> park = false /* an exchange, and the notification */
     :: else
     fi
  fi
}

proctype Taker() {
  byte n;
  for (n : 1 .. TAKES) {
#ifdef NOTICE_FIRST
    notice();
    atomic { free > 0 -> free-- }
#else
    atomic { free > 0 -> free-- };
    notice()
#endif
  };
  free >= LOW /* sooner or later */
}

proctype Stopper() {
  byte n;
  for (n : 1 .. STOPS) {
    stop = true;
    !lock;
    still = true;
    still = false;
    stop = false
  }
}

proctype System() {
  bool low;
  do
  :: free < HIGH ->
#ifdef STOP_FIRST
     if
     :: stop
     :: else ->
        lock = true;
#else
     lock = true;
     if
     :: stop -> lock = false /* and again after a pause */
     :: else ->
#endif
        assert(!still);
        free++;
        assert(!still);
        lock = false
     fi
  :: free >= HIGH ->
#ifdef LOOK_FIRST
     low = (free < LOW);
     park = true;
#else
     park = true;
     low = (free < LOW);
#endif
     if
     :: low -> park = false
     :: else ->
end:    !park
     fi
  od
}

init {
  atomic { run Taker(); run Stopper(); run System() }
}
