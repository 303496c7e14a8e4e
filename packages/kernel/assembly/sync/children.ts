/** The children of a task: a list, newest first, each counted, that only the parent's thread changes. */
import * as L from "../layout";
import * as S from "../layout/sync";
import { tb } from "../machine/registers";
import { stackProbe } from "../machine/stack";
import { readAddress, writeAddress } from "../paging/translate";
import { countDecrement } from "../heap/count";
import { taskCancel } from "./cancel";
import { stateOf } from "./state";

/**
 * The first child that still runs, or that has failed and nobody has asked for its outcome; 0 if there is none. The others
 * before it are let go. Its state is in OUT_A. Called by the parent's thread.
 */
export function childFirst(parent: u32): u32 {
  const link = writeAddress(parent) + S.TASK_CHILDREN;
  while (true) {
    const child = load<u32>(link);
    if (!child) return 0;
    const state = stateOf(readAddress(child));
    if (!childIsOver(state)) {
      store<u32>(tb + L.TB_OUT_A, state);
      return child;
    }
    childUnlink(link, child);
  }
}

/** The next child, after `after` (0: from the first on), that has failed and nobody has asked for; 0. Its state is in OUT_A. */
export function childFailed(parent: u32, after: u32): u32 {
  let child = after ? load<u32>(readAddress(after) + S.TASK_SIBLING) : load<u32>(readAddress(parent) + S.TASK_CHILDREN);
  while (child) {
    const p = readAddress(child);
    const state = stateOf(p);
    store<u32>(tb + L.TB_OUT_A, state);
    if ((state & S.TASK_STATE_MASK) == S.TASK_FAILED && !(state & S.TASK_OBSERVED)) break;
    child = load<u32>(p + S.TASK_SIBLING);
  }
  return child;
}

// @ts-ignore: decorator
@inline function childIsOver(state: u32): bool {
  const over = state & S.TASK_STATE_MASK;
  return over >= S.TASK_DONE && (over != S.TASK_FAILED || (state & S.TASK_OBSERVED) != 0);
}

// @ts-ignore: decorator
@inline function childUnlink(link: usize, child: u32): void {
  const p = writeAddress(child);
  const next = load<u32>(p + S.TASK_SIBLING);
  store<u32>(p + S.TASK_SIBLING, 0);
  store<u32>(link, next);
  countDecrement(child);
}

/** Lets go of all children that are over; how many are left. O(children): called when their number has doubled. */
export function childrenSweep(parent: u32): u32 {
  stackProbe();
  let link = writeAddress(parent) + S.TASK_CHILDREN;
  let left: u32 = 0;
  while (true) {
    const child = load<u32>(link);
    if (!child) return left;
    const p = writeAddress(child);
    if (childIsOver(stateOf(p))) {
      childUnlink(link, child);
      continue;
    }
    left++;
    link = p + S.TASK_SIBLING;
  }
}

/** Asks all children to end; those that have ended are marked too. */
export function childrenCancel(parent: u32): void {
  let child = load<u32>(readAddress(parent) + S.TASK_CHILDREN);
  while (child) {
    taskCancel(child, 0);
    child = load<u32>(readAddress(child) + S.TASK_SIBLING);
  }
}
