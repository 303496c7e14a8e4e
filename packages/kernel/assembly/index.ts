/** The kernel's exports: each is one logical operation. */
export {
  stringCache, stringCacheClear, stringCacheTurn, stringFind, stringIntern, stringNew, stringRead, stringSeal,
} from "./containers/string";
export { dictAdd, dictCompareSet, dictCopyShard, dictDelete, dictGet, dictNew, dictSet } from "./containers/dict";
export { dictEntryKey, dictEntryValue, dictFindLong, dictFindText, dictSize } from "./containers/look";
export { listGet, listLength, listNew, listPop, listPush, listSet } from "./containers/list";
export { collectAwait, collectEnd } from "./collect/ask";
export { cyclesBreak, cyclesHold, cyclesLetGo } from "./collect/break";
export {
  weakBegin, weakClearAll, weakCondemn, weakDestructors, weakGrace, weakMute, weakPardon, weakSentence, weakUpgradedSince,
} from "./collect/judgement";
export { pastEnd, pastLook, pastRead } from "./collect/past";
export { journalRecover, threadAdopt } from "./containers/recover";
export { countIncrement, countRelease as countDecrement } from "./heap/count";
export { borrow, pinsRelease, scopeClose, scopeOpen, taskUnpin } from "./heap/handle";
export {
  imageFrameGive, imageFrameTake, imagePageFinish, imagePageHold, imagePagePlace, imageRunPlace, imageWord,
} from "./heap/image";
export {
  batchBegin, batchEnd, garbageIsLeft, limboSettle, reclaim, reclaimAwait, reclaimPast, safepoint, snapshotTake, stepBegin, stepEnd,
  stepFinish, threadAttach, threadDetach, threadInit, threadIsGone, viewBegin, viewEnd, worldIsMine, worldIsStopped, worldResume, worldStop,
} from "./heap/safepoint";
export { garbageCount, restoreBegin, restoreEnd } from "./heap/restore";
export { weakDetach, weakGet, weakLink, weakNew, weakSee } from "./heap/weak";
export { dueTake } from "./heap/weak-due";
export { f64Load, f64Store, i32Load, i32Store, refLoad, refStore, structNew, structNewRefs } from "./heap/struct";
export { typeDefine, typeName, typeRead, typeRegister } from "./heap/types";
export { framesWereHeld } from "./paging/evict";
export { reserveOpen } from "./paging/frames";
export { pagerEvict, pagerHarvest } from "./paging/pager";
export { residenceRecover } from "./paging/residence";
export { pageReadAt } from "./paging/history";
export { pastEnter, pastLeave, snapshotClose, snapshotForget, snapshotIsWhole } from "./paging/snapshots";
export { readAddress as translate } from "./paging/translate";
export { viewBlockSize, viewClose, viewOpen } from "./paging/view";
export { frameReserve, systemPark, watermarkHigh, watermarkLow } from "./paging/watermarks";
export * from "./sync/index";
