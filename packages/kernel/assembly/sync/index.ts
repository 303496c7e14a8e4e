/** What sync/ exports from the kernel. */
export { inboxTake } from "./inbox";
export { handlesRestore, keptAdd, keptDrop, locksAreHeld } from "./held";
export { tasksAreLeft, threadsAreAtRest } from "./rest";
export { lockClear, lockRelease, lockReleasePair, lockTry, lockTryPair, lockWait } from "./lock";
export { everythingIsStill, parkBegin, parkEnd, parkSpin, startAdvice, unpark, workIsThere } from "./park";
export { syncAbandon, syncAttach, syncExit, syncInit, syncRecover, taskCrash } from "./recover";
export { runBegin, runEnd, runOffer } from "./run";
export { cancelTake, taskCancel, taskReason } from "./cancel";
export { childFailed, childFirst, childrenCancel, childrenSweep } from "./children";
export {
  objectImmortalize, childJoin, taskArguments, taskCreate, taskEnd, taskInspect, taskJoin, taskNext,
  taskObserve, taskOutcome, taskRequeue, taskScan, taskStart, taskSteal, taskYield, waitsFor,
} from "./task";
export { waiterLose } from "./waiter";
export { gilTakeWithin } from "../machine/gil";
