/** The kernel's exports of machine, paging, heap and containers, as TypeScript sees them (assembly/index.ts). */

export interface HeapExports {
  // Threads.
  threadInit(): number;
  threadAttach(): void;
  threadDetach(): void;
  threadAdopt(slot: number): void;
  journalRecover(slot: number): void;
  residenceRecover(slot: number): void;
  threadIsGone(slot: number): void;
  stepBegin(task: number): void;
  stepEnd(): number;
  stepFinish(): void;
  batchBegin(): void;
  batchEnd(): void;
  safepoint(): void;
  reclaim(): number;
  reclaimAwait(): void;
  framesWereHeld(): number;
  reclaimPast(): number;
  garbageIsLeft(): number;
  limboSettle(): number;
  worldStop(how: number): number;
  worldIsStopped(): number;
  worldIsMine(): number;
  worldResume(): void;
  // Frames, and the system thread.
  frameReserve(): number;
  watermarkLow(): number;
  watermarkHigh(): number;
  systemPark(): number;
  pagerEvict(wanted: number, named: number): number;
  pagerHarvest(): number;
  // Snapshots.
  snapshotTake(): number;
  snapshotIsWhole(cut: number): number;
  snapshotClose(cut: number): void;
  pastEnter(): void;
  pastLeave(): void;
  restoreBegin(cut: number, since: number, garbage: number, spare: number): number;
  restoreEnd(garbage: number): number;
  garbageCount(): number;
  reserveOpen(open: boolean): void;
  viewOpen(cut: number): void;
  viewBegin(): void;
  viewEnd(): void;
  viewClose(): void;
  viewBlockSize(address: number): number;
  // Collecting cycles.
  pastEnd(): void;
  pastLook(page: number, cut: number): number;
  pastRead(page: number, cut: number, to: number): number;
  collectAwait(milliseconds: number): number;
  collectEnd(): void;
  snapshotForget(cut: number): void;
  cyclesHold(list: number, from: number, until: number): number;
  cyclesLetGo(list: number, from: number, until: number): number;
  cyclesBreak(list: number, from: number, until: number): number;
  weakBegin(): void;
  weakCondemn(list: number, from: number, until: number): number;
  weakPardon(list: number, from: number, until: number): number;
  weakGrace(): number;
  weakUpgradedSince(address: number, cut: number): number;
  weakSentence(seen: number): number;
  weakMute(list: number, from: number, until: number): number;
  weakClearAll(list: number, from: number, until: number): number;
  weakDestructors(list: number, from: number, until: number): number;
  // Images.
  imageFrameTake(): number;
  imageFrameGive(frame: number): void;
  imagePagePlace(page: number, blockSize: number): number;
  imageRunPlace(first: number, pages: number): number;
  imagePageHold(page: number): number;
  imageWord(address: number): number;
  imagePageFinish(page: number): void;
  pageReadAt(page: number, cut: number, to: number): number;
  // Handles.
  scopeOpen(): number;
  scopeClose(newbornMark: number, borrowMark: number, generation: number): void;
  borrow(address: number): number;
  taskUnpin(task: number): void;
  pinsRelease(slot: number): void;
  countIncrement(address: number): void;
  countDecrement(address: number): void;
  // Types and structs.
  typeDefine(type: number, size: number, refMask: number, valueMask: number): void;
  typeRegister(
    name: number,
    url: number,
    schema: number,
    hashLow: number,
    hashHigh: number,
    size: number,
    refLow: number,
    refHigh: number,
  ): number;
  typeRead(type: number): number;
  typeName(type: number, name: number, url: number, schema: number): void;
  structNew(type: number): number;
  structNewRefs(type: number, a: number, b: number): number;
  refLoad(address: number, offset: number): number;
  refStore(address: number, offset: number, child: number): number;
  f64Load(address: number, offset: number): number;
  f64Store(address: number, offset: number, value: number): number;
  i32Load(address: number, offset: number): number;
  i32Store(address: number, offset: number, value: number): number;
  // Weak cells.
  weakNew(target: number, type: number, state: number, coroutine: number, args: number): number;
  weakLink(cell: number, target: number): void;
  weakGet(cell: number): number;
  weakSee(cell: number): number;
  weakDetach(cell: number): number;
  dueTake(): number;
  // Strings.
  stringIntern(length: number, wide: number): number;
  stringFind(length: number, wide: number): number;
  stringCache(address: number): number;
  stringCacheClear(): void;
  stringCacheTurn(): void;
  stringNew(length: number, wide: number): number;
  stringSeal(address: number): void;
  stringRead(address: number): number;
  // Containers.
  listNew(type: number, capacity: number): number;
  listLength(list: number): number;
  listGet(list: number, index: number): number;
  listSet(list: number, index: number, tag: number, ref: number, value: number): number;
  listPush(list: number, tag: number, ref: number, value: number): number;
  listPop(list: number): number;
  dictNew(): number;
  dictSize(dict: number): number;
  dictGet(dict: number, keyRef: number, keyNumber: number): number;
  dictSet(dict: number, keyRef: number, keyNumber: number, tag: number, ref: number, value: number): number;
  dictAdd(dict: number, keyRef: number, keyNumber: number, by: number): number;
  dictDelete(dict: number, keyRef: number, keyNumber: number, only: number): number;
  dictCompareSet(
    dict: number,
    keyRef: number,
    keyNumber: number,
    oldTag: number,
    oldRef: number,
    oldNumber: number,
    tag: number,
    ref: number,
    value: number,
  ): number;
  dictFindText(dict: number, length: number, wide: number): number;
  dictEntryKey(dict: number, shard: number, entry: number): number;
  dictEntryValue(dict: number, shard: number, entry: number): number;
  dictFindLong(dict: number, hash: number, length: number, wide: number): number;
  dictCopyShard(dict: number, shard: number, into: number): number;
  /** Physical address of a virtual one, 0 on a fault. */
  translate(address: number): number;
}
