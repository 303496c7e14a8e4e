/**
 * Safepoints: where a thread holds no uncounted address and no raw one. It pins what is young, acknowledges H and T, and
 * does its share of reclaiming, in slices.
 */
import * as L from "../layout";
import { GIL } from "../machine/build";
import { epochAcknowledge, epochAdvance, epochAttach, epochDetach, stepAttach, stepDetach, waitInStep, waitWhileStopped } from "../machine/epoch";
import { futexWait } from "../machine/futex";
import { gilDrop, gilHonour, gilTake } from "../machine/gil";
import { control, count, tb, threadBlock, tid } from "../machine/registers";
import { stackProbe, stackProbeTwice } from "../machine/stack";
import { traceInit } from "../paging/trace";
import { pagerIsAtWork } from "../paging/pager";
import { pastEnter, pastGiveUp, pastLeave, snapshotOpen } from "../paging/snapshots";
import { swapIsThere } from "../paging/swap";
import { viewForget } from "../paging/view";
import { cutAcknowledge, translationsFlush, translationsForget } from "../paging/translate";
import { runsReclaim, smallPagesRetire, translationsAcknowledge, translationsYield } from "./arenas";
import { emptyPagesFree } from "./blocks";
import { destroyIsEmpty, destroySome, roomToDestroy } from "./destroy";
import { handlesInit, pinsRelease, pinsSlot, pinYoung, youngDrop } from "./handle";
import { limboDrain } from "./limbo";
import { trimAtRest, trimIsDue } from "./trim";

// What a safepoint reclaims at most: so much, or twice what came since the last one. Then garbage cannot pile up, however
// long the steps are, and a safepoint never takes longer than in proportion to its step.
const DRAIN_SLICE: u32 = 512; // limbo entries judged
const DESTROY_SLICE: u32 = 2048; // objects destroyed
const RECLAIM_ROUNDS: u32 = 256; // epochs that one reclaim lasts at most
const RECLAIM_PATIENCE: i32 = 32; // and epochs in which nothing could be judged
const SETTLE_ROUNDS: u32 = 4;
const SETTLE_SLICE: u32 = 4096; // limbo entries judged in a round before parking

/** Starts a step of `task` (0: none), in its outermost scope. */
export function stepBegin(task: u32): void {
  store<u32>(tb + L.TB_TASK, task);
  store<u32>(tb + L.TB_DEPTH, 1);
}

/** Ends the last step of a task: nothing that is young outlives it, and its pins are given back. */
export function stepFinish(): void {
  stackProbe();
  youngDrop();
  pinsRelease(pinsSlot());
  store<u32>(tb + L.TB_TASK, 0);
  safepoint();
}

/**
 * A batch: synchronous work outside coroutines, as if it were a step (it takes the GIL, and ends at a safepoint with
 * nothing young). What it wants to keep it has counted.
 */
export function batchBegin(): void {
  stackProbeTwice();
  gilTake();
  threadAttach();
  stepBegin(0);
}

export function batchEnd(): void {
  stepFinish();
  threadDetach();
  gilDrop();
}

/** A step of a view: it is not attached, for nothing that it can reach changes, and needs no GIL. */
export function viewBegin(): void {
  stackProbeTwice();
  pastEnter();
  stepBegin(0);
}

export function viewEnd(): void {
  youngDrop();
  if (swapIsThere()) viewForget(); // nobody could make it let go of its copies while it does nothing
  pastLeave();
}

/** Ends a step (or a batch outside one): 0, or E_MEMORY if the handles could not be pinned, and are dropped. */
export function stepEnd(): u32 {
  stackProbe();
  const status = youngSettle(true);
  safepoint();
  return status;
}

/**
 * The handles of a step that is over are pinned: 0, or E_MEMORY if there is no room for them, not even in the frames of empty
 * pages; then they are dropped, if `drop` says so. Nothing else can be reclaimed as long as they are not pinned.
 */
export function youngSettle(drop: bool): u32 {
  if (pinYoung()) return 0;
  framesGather();
  for (let round: i32 = 0; round < RECLAIM_PATIENCE && load<u32>(tb + L.TB_RETIRED_HEAD); round++) {
    runsReclaim();
    if (round > 2) futexWait(tb + L.TB_OUT_A, load<u32>(tb + L.TB_OUT_A), 0.2);
  }
  if (pinYoung()) return 0;
  if (drop) youngDrop();
  return L.E_MEMORY;
}

/** Acknowledges, and reclaims a slice. The young lists are empty. */
export function safepoint(): void {
  if (atomic.load<u32>(tb + L.TB_REQUEST) & L.REQUEST_STOP) stopHonour();
  acknowledge();
}

function acknowledge(): void {
  count(L.COUNTER_SAFEPOINTS);
  epochAcknowledge();
  translationsAcknowledge();
  reclaimSlice();
}

function reclaimSlice(): void {
  const fallen = since(L.COUNTER_LIMBO, L.TB_PACE_LIMBO);
  if (load<u32>(tb + L.TB_LIMBO_COUNT)) {
    epochAdvance();
    limboDrain(max<u32>(DRAIN_SLICE, 2 * fallen));
  }
  destroySome(max<u32>(DESTROY_SLICE, 2 * since(L.COUNTER_ALLOCATIONS, L.TB_PACE_ALLOCATIONS)));
  if (load<u32>(tb + L.TB_RETIRED_HEAD)) runsReclaim();
}

/** How far a counter of this thread has come since the last safepoint. */
function since(counter: u32, field: u32): u32 {
  const now = load<u32>(tb + L.TB_COUNTERS + (<usize>counter << 3));
  const grown = now - load<u32>(tb + field);
  store<u32>(tb + field, now);
  return grown;
}

/**
 * Before a thread parks: lets go of what it can let go of now, for nobody else can, and it may sleep for long. 0 if nothing
 * is left, 1 if something is and others must go on first, 2 if more can be done at once. The thread is in no step. Who is out
 * of memory and has asked for it has his answer when nothing is left.
 */
export function limboSettle(): u32 {
  stackProbe();
  const asked = atomic.load<u32>(tb + L.TB_REQUEST) & L.REQUEST_ACKNOWLEDGE;
  let done = false;
  for (let round: u32 = 0; round < SETTLE_ROUNDS && somethingDies(); round++) {
    epochAcknowledge();
    translationsAcknowledge();
    epochAdvance();
    const judged = limboDrain(SETTLE_SLICE);
    done = done || judged != 0 || (!destroyIsEmpty() && roomToDestroy());
    destroySome(asked ? u32.MAX_VALUE : 2 * SETTLE_SLICE);
  }
  if (somethingDies()) return done ? 2 : 1;
  if (asked) {
    atomic.and<u32>(tb + L.TB_REQUEST, ~L.REQUEST_ACKNOWLEDGE);
    emptyPagesFree();
  }
  trimAtRest();
  return 0;
}

// @ts-ignore: decorator
@inline function somethingDies(): bool {
  return load<u32>(tb + L.TB_LIMBO_COUNT) != 0 || !destroyIsEmpty();
}

/** Whether `limboSettle` has something to do: objects that die, frames of empty pages, somebody out of memory who asks for its pages. */
export function garbageIsLeft(): bool {
  return somethingDies() || (atomic.load<u32>(tb + L.TB_REQUEST) & L.REQUEST_ACKNOWLEDGE) != 0 || trimIsDue();
}

/** In a long step: pins what the outer scopes have read, and reclaims. */
export function safepointInScope(): void {
  if (!pinYoung()) return; // not acknowledged, so what was not pinned stays safe
  acknowledge();
}

/** The slow path of every operation's entry: somebody wants something of this thread. Nothing has been touched yet. */
export function enterSlow(): void {
  stackProbe();
  const request = atomic.load<u32>(tb + L.TB_REQUEST);
  if (load<u32>(tb + L.TB_SNAPSHOT)) {
    atomic.store<u32>(tb + L.TB_REQUEST, 0); // a view changes nothing: nobody waits for it
    if (request & L.REQUEST_TRANSLATIONS) viewForget();
    return;
  }
  if (request & L.REQUEST_TRANSLATIONS) translationsYield();
  if (request & L.REQUEST_STOP) stopInStep();
  if (request & L.REQUEST_ACKNOWLEDGE) {
    atomic.and<u32>(tb + L.TB_REQUEST, ~L.REQUEST_ACKNOWLEDGE);
    if (pinYoung()) {
      epochAcknowledge();
      translationsAcknowledge();
      drainAll(); // whoever asks is out of memory
      emptyPagesFree();
    }
  }
  if (GIL && request & L.REQUEST_GIL_DROP) {
    if (swapIsThere()) translationsFlush(); // it may wait for long, and keeps no page in memory meanwhile
    gilHonour();
  }
}

// @ts-ignore: decorator
@inline export function enter(): void {
  if (load<u32>(tb + L.TB_REQUEST)) enterSlow();
}

/** At a yield. The request goes first: one that comes now is for the next time. */
function stopHonour(): void {
  count(L.COUNTER_STOPS);
  atomic.and<u32>(tb + L.TB_REQUEST, ~L.REQUEST_STOP);
  while (atomic.load<u32>(control() + L.CB_STOP)) waitWhileStopped();
  cutAcknowledge();
}

/** In the middle of a step: a stop at yields can wait. */
function stopInStep(): void {
  const stop = atomic.load<u32>(control() + L.CB_STOP);
  if (stop == L.STOP_AT_YIELD) return;
  if (stop == L.STOP_PINNED && !pinYoung()) return; // at the next call, or when the step is over
  count(L.COUNTER_STOPS);
  atomic.and<u32>(tb + L.TB_REQUEST, ~L.REQUEST_STOP);
  if (stop == L.STOP_PINNED) {
    stepDetach();
    return stepGoesOn();
  }
  while (atomic.load<u32>(control() + L.CB_STOP) == L.STOP_NOW) waitInStep();
}

/** After `stepDetach`. */
export function stepGoesOn(): void {
  stepAttach();
  cutAcknowledge();
  translationsAcknowledge();
}

/** Starts this thread: 0, or E_MEMORY. Its block is zero, or an ended thread's that was adopted. */
export function threadInit(): u32 {
  store<u32>(tb + L.TB_DEPTH, 0);
  translationsForget();
  atomic.store<u32>(tb + L.TB_STATE, L.THREAD_DETACHED);
  traceInit();
  if (load<u32>(tb + L.TB_NEWBORN_FIRST)) return 0;
  return handlesInit() ? 0 : L.E_MEMORY;
}

/** Starts to hold addresses. What it translated before it detached may be stale. */
export function threadAttach(): void {
  epochAttach();
  cutAcknowledge();
  translationsAcknowledge();
}

/** Parks, or waits: holds nothing. The young lists must be empty (`stepEnd`). */
export function threadDetach(): void {
  epochDetach();
}

/** A thread is no more, though its exit is not known yet: nobody waits for it. What it leaves is adopted later. */
export function threadIsGone(slot: u32): void {
  atomic.store<u32>(threadBlock(slot) + L.TB_STATE, L.THREAD_DETACHED);
}

/**
 * Asks every other running thread to stand still, now or when its step is over (STOP_*); `worldIsStopped` tells when. Only one
 * thread may stop the world.
 */
export function worldStop(how: u32): bool {
  if (atomic.cmpxchg<u32>(control() + L.CB_STOP, 0, how) != 0) return false;
  isMine = true;
  requestAll(L.REQUEST_STOP);
  return true;
}

export function worldIsStopped(): bool {
  const stop = atomic.load<u32>(control() + L.CB_STOP);
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 1; slot < slots; slot++) {
    const block = threadBlock(slot);
    const state = atomic.load<u32>(block + L.TB_STATE);
    if (block == tb) continue;
    if (state == L.THREAD_ATTACHED || (stop != L.STOP_NOW && state == L.THREAD_WAITING)) return false;
    if (stop == L.STOP_AT_YIELD && state == L.THREAD_PINNED) return false;
  }
  const reader = atomic.load<u32>(control() + L.CB_PAST_READER); // collect/past.ts
  return !pagerIsAtWork() && (reader == 0 || reader == tid);
}

let isMine: bool = false;

/** This thread has stopped the world. */
export function worldIsMine(): bool {
  return isMine;
}

export function worldResume(): void {
  isMine = false;
  atomic.store<u32>(control() + L.CB_STOP, 0);
  atomic.notify(control() + L.CB_STOP, -1);
}

/**
 * Takes a cut and opens a snapshot of it: its number, 0 if too many are open. The world stands still at yields, so it divides no
 * step. O(threads): what changes later is kept when it changes.
 */
export function snapshotTake(): u32 {
  const cut = snapshotOpen();
  cutAcknowledge();
  return cut;
}

function requestAll(request: u32): void {
  const slots = load<u32>(control() + L.CB_SLOTS);
  for (let slot: u32 = 1; slot < slots; slot++) {
    const block = threadBlock(slot);
    if (block != tb && atomic.load<u32>(block + L.TB_STATE) != L.THREAD_FREE) atomic.or<u32>(block + L.TB_REQUEST, request);
  }
}

/**
 * Memory is out: gives back all that can be given back now. Pins the young handles, asks the others to acknowledge at
 * their next kernel call, and drains. Returns true if frames came back. Bounded: the caller repeats it a few times.
 */
export function reclaim(): bool {
  stackProbe();
  const before = atomic.load<u32>(control() + L.CB_FRAMES_FREE);
  requestAll(L.REQUEST_ACKNOWLEDGE);
  if (youngSettle(false)) return false;
  let retired = false;
  let idle: i32 = 0;
  for (let round: u32 = 0; round < RECLAIM_ROUNDS && idle < RECLAIM_PATIENCE; round++) {
    if (atomic.load<u32>(tb + L.TB_REQUEST) & L.REQUEST_STOP) stopInStep();
    epochAcknowledge();
    translationsAcknowledge();
    epochAdvance();
    idle = drainAll() ? 0 : idle + 1;
    if (!load<u32>(tb + L.TB_LIMBO_COUNT) && !retired) {
      framesGather();
      retired = true;
    }
    runsReclaim();
    if (retired && !load<u32>(tb + L.TB_RETIRED_HEAD)) break;
    // Others acknowledge at their next operation.
    if (idle > 2) futexWait(tb + L.TB_OUT_A, load<u32>(tb + L.TB_OUT_A), 0.2);
  }
  if (!retired) framesGather();
  return atomic.load<u32>(control() + L.CB_FRAMES_FREE) > before;
}

/** Memory is out, and there is no garbage: snapshots must go. See `pastGiveUp`. */
export function reclaimPast(): i32 {
  stackProbe();
  return pastGiveUp();
}

/** Memory is out, and parked threads were woken to give back theirs: lets them, for a millisecond. In the middle of a step. */
export function reclaimAwait(): void {
  stackProbe();
  if (pinYoung()) {
    epochAcknowledge();
    translationsAcknowledge();
  }
  if (GIL) {
    atomic.or<u32>(tb + L.TB_REQUEST, L.REQUEST_GIL_DROP);
    gilHonour();
  }
  futexWait(tb + L.TB_OUT_A, load<u32>(tb + L.TB_OUT_A), 1);
}

function framesGather(): void {
  emptyPagesFree();
  smallPagesRetire();
}

/** What dies may put more into limbo than it frees: one slice after the other, while memory for the lists lasts. */
function drainAll(): bool {
  let judged: u32 = 0;
  while (true) {
    const more = limboDrain(DRAIN_SLICE);
    judged += more;
    if (!destroySome(u32.MAX_VALUE) || !more) return judged != 0;
  }
}
