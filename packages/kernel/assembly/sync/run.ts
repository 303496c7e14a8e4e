/**
 * A run: the time in which a worker runs steps, one after the other. It holds the GIL (if there is one) and addresses.
 * Outside it holds nothing: nobody waits for it.
 */
import * as L from "../layout";
import * as S from "../layout/sync";
import { GIL } from "../machine/build";
import { now } from "../machine/clock";
import { gilDrop, gilTake, runningEnter, runningLeave } from "../machine/gil";
import { control, count, tb } from "../machine/registers";
import { stepBegin, threadAttach, threadDetach } from "../heap/safepoint";

export function runBegin(): void {
  gilTake();
  threadAttach();
  runningEnter();
  stepBegin(0);
  store<f64>(tb + S.TB_BUSY_SINCE, now());
}

/** The young lists are empty: the last step has ended. */
export function runEnd(): void {
  count(S.COUNTER_BUSY, <i64>((now() - load<f64>(tb + S.TB_BUSY_SINCE)) * 1000));
  runningLeave();
  threadDetach();
  gilDrop();
}

/** Between two steps, with nothing to do but what is left to others: whoever waits for the GIL has it first. */
export function runOffer(): void {
  if (!GIL || !atomic.load<u32>(control() + S.CB_GIL_WAITERS)) return;
  atomic.or<u32>(tb + L.TB_REQUEST, L.REQUEST_GIL_DROP);
  runYield();
}

/** Between two steps: lets another thread have the GIL. Everything is pinned, so this wait is a detached one. */
export function runYield(): void {
  runningLeave();
  threadDetach();
  gilDrop();
  gilTake();
  threadAttach();
  runningEnter();
}
