/**
 * Loops for the micro benchmarks (bench/micro): each does one operation `n` times inside the kernel, with no call from
 * JavaScript between. They are in the kernel.bench builds only.
 */
import * as L from "./layout";
import * as S from "./layout/sync";
import { countDecrement, countIncrement } from "./heap/count";
import { scopeClose, scopeOpen } from "./heap/handle";
import { f64Load, f64Store, structNewRefs } from "./heap/struct";
import { dictGet, dictSet } from "./containers/dict";
import { listGet, listPop, listPush } from "./containers/list";
import { tb } from "./machine/registers";
import { readAddress } from "./paging/translate";
import { lockRelease, lockTry } from "./sync/lock";
import { taskCreate, taskEnd, taskNext, taskOutcome, taskStart } from "./sync/task";

const RING: u32 = 255;

/** What a call from JavaScript costs. */
export function benchNothing(value: u32): u32 {
  return value;
}

/** Floor: loads from 256 neighbouring words. */
export function benchLoad(p: usize, n: u32): u32 {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < n; i++) sum += load<u32>(p + (<usize>(i & RING) << 2));
  return sum;
}

/** Random loads from `bytes` (a power of two). The compiler decides about `translated`. */
// @ts-ignore: decorator
@inline function randomLoads(from: u32, bytes: u32, n: u32, translated: bool): u32 {
  let sum: u32 = 0;
  let random: u32 = 1;
  for (let i: u32 = 0; i < n; i++) {
    random = random * 1664525 + 1013904223;
    const at = from + ((random >>> 8) & (bytes - 4));
    sum += load<u32>(translated ? readAddress(at) : <usize>at);
  }
  return sum;
}

/** Floor: by physical address. */
export function benchRandomLoad(p: u32, bytes: u32, n: u32): u32 {
  return randomLoads(p, bytes, n, false);
}

/** By virtual address, each translated on its own. */
export function benchTranslatedLoad(va: u32, bytes: u32, n: u32): u32 {
  return randomLoads(va, bytes, n, true);
}

/** Floor: atomic additions to 256 neighbouring words. */
export function benchAtomicAdd(p: usize, n: u32): u32 {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < n; i++) sum += atomic.add<u32>(p + (<usize>(i & RING) << 2), 1);
  return sum;
}

/** Structs with two empty references are born, and die when their scope closes: 64 a scope. */
export function benchAllocateFree(type: u32, n: u32): u32 {
  let last: u32 = 0;
  for (let i: u32 = 0; i < n; i += 64) {
    const newborns = scopeOpen();
    const borrows = load<u32>(tb + L.TB_OUT_A);
    const generation = load<u32>(tb + L.TB_OUT_B);
    for (let k: u32 = 0; k < 64; k++) last = structNewRefs(type, 0, 0);
    scopeClose(newborns, borrows, generation);
  }
  return last;
}

/** One more, one less. */
export function benchCountPair(va: u32, n: u32): void {
  for (let i: u32 = 0; i < n; i++) {
    countIncrement(va);
    countDecrement(va);
  }
}

export function benchFieldGet(va: u32, offset: u32, n: u32): f64 {
  let sum: f64 = 0;
  for (let i: u32 = 0; i < n; i++) sum += f64Load(va, offset);
  return sum;
}

export function benchFieldSet(va: u32, offset: u32, n: u32): void {
  for (let i: u32 = 0; i < n; i++) f64Store(va, offset, <f64>i);
}

/** Keys 0 to 255. */
export function benchDictGet(dict: u32, n: u32): i32 {
  let sum: i32 = 0;
  for (let i: u32 = 0; i < n; i++) sum += dictGet(dict, 0, <f64>(i & RING));
  return sum;
}

export function benchDictSet(dict: u32, n: u32): i32 {
  let sum: i32 = 0;
  for (let i: u32 = 0; i < n; i++) sum += dictSet(dict, 0, <f64>(i & RING), L.TAG_NUMBER, 0, <f64>i);
  return sum;
}

/** Elements 0 to 255. */
export function benchListGet(list: u32, n: u32): i32 {
  let sum: i32 = 0;
  for (let i: u32 = 0; i < n; i++) sum += listGet(list, i & RING);
  return sum;
}

/** Pushed, and popped again 256 at a time. The pops count too: an operation is a push and a pop. */
export function benchListPush(list: u32, n: u32): i32 {
  let sum: i32 = 0;
  for (let i: u32 = 0; i < n; i += RING + 1) {
    for (let k: u32 = 0; k <= RING; k++) sum += listPush(list, L.TAG_NUMBER, 0, <f64>k);
    for (let k: u32 = 0; k <= RING; k++) sum += listPop(list);
  }
  return sum;
}

/** Locked and unlocked, nobody waits. */
export function benchLock(va: u32, n: u32): void {
  for (let i: u32 = 0; i < n; i++) lockRelease(lockTry(va, va));
}

/** A task without arguments is made, taken from the queue, started, ended (a step ends: a safepoint) and asked for its result. */
export function benchSpawnJoin(name: u32, n: u32): i32 {
  let sum: i32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    taskCreate(name, 0, 0, 0);
    const task = taskNext(0);
    countIncrement(task); // the joiner's
    taskStart(task, 0);
    taskEnd(task, S.TASK_DONE, L.TAG_NUMBER, 0, 1, 0);
    sum += taskOutcome(task);
    countDecrement(task);
  }
  return sum;
}
