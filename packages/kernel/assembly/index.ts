/** The kernel's exports: each is one logical operation. */
export {
  stringCache, stringCacheClear, stringCacheTurn, stringFind, stringIntern, stringNew, stringRead, stringSeal,
} from "./containers/string";
export { dictAdd, dictCompareSet, dictCopyShard, dictDelete, dictGet, dictNew, dictSet, dictSize } from "./containers/dict";
export { dictFindLong } from "./containers/look";
export { listGet, listLength, listNew, listPop, listPush, listSet } from "./containers/list";
export { threadAdopt } from "./containers/recover";
export { countIncrement, countRelease as countDecrement } from "./heap/count";
export { borrow, pinsRelease, scopeClose, scopeOpen, taskUnpin } from "./heap/handle";
export {
  batchBegin, batchEnd, garbageIsLeft, limboSettle, reclaim, reclaimAwait, safepoint, stepBegin, stepEnd, stepFinish, threadAttach, threadDetach, threadInit, worldIsStopped, worldResume, worldStop,
} from "./heap/safepoint";
export { f64Load, f64Store, i32Load, i32Store, refLoad, refStore, structNew, structNewRefs } from "./heap/struct";
export { typeDefine, typeRead, typeRegister } from "./heap/types";
export { readAddress as translate } from "./paging/translate";
export * from "./sync/index";
