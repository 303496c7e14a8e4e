/** Arguments of coroutines: into scratch before `taskCreate`, out of it after `taskStart`. */
import { crossing, type Heap, refOut, type Scope, valueIn } from "@ungil/heap";
import { Layout as L, SyncLayout as S } from "@ungil/kernel";

/** More arguments than this travel as one array. */
const ARGUMENTS_MAX = 64;
/** Byte offset in scratch of the types of references. */
const TYPES_AT = 512;

const tags = new Int32Array(ARGUMENTS_MAX);
const refs = new Int32Array(ARGUMENTS_MAX);
const numbers = new Float64Array(ARGUMENTS_MAX);

/** Writes the boxed arguments to scratch; how many there are then (1 if there were too many: TASK_SPREAD). */
export function argumentsIn(scope: Scope, args: readonly unknown[]): number {
  const { kernel } = scope.heap;
  if (args.length > ARGUMENTS_MAX) return argumentsIn(scope, [[...args]]);
  // First all conversions, which use scratch themselves, then the writing.
  for (let n = 0; n < args.length; n++) {
    const value = args[n];
    if (typeof value === "number") {
      tags[n] = L.TAG_NUMBER;
      numbers[n] = value;
      continue;
    }
    valueIn(scope, value, `args[${n}]`);
    tags[n] = crossing.tag;
    refs[n] = crossing.ref;
    // The string cache may let go of it while the next arguments are converted.
    if (typeof value === "string" && !scope.x.borrow(crossing.ref)) scope.heap.fail("The arguments", L.E_MEMORY);
  }
  const { u32, f64 } = kernel;
  for (let n = 0; n < args.length; n++) {
    const at = kernel.scratch + 8 * n;
    const tag = tags[n] as number;
    if (tag === L.TAG_NUMBER) {
      const value = numbers[n] as number;
      // Any NaN but the canonical one could look like a box.
      if (value === value) f64[at >>> 3] = value;
      else {
        u32[at >>> 2] = 0;
        u32[(at + 4) >>> 2] = 0x7ff80000;
      }
      continue;
    }
    u32[at >>> 2] = tag === L.TAG_REF ? (refs[n] as number) : tag === L.TAG_TRUE ? 1 : 0;
    u32[(at + 4) >>> 2] = boxes[tag] as number;
  }
  return args.length;
}

const boxes = [L.BOX_UNDEFINED, L.BOX_NULL, L.BOX_BOOL, L.BOX_BOOL, 0, L.BOX_REF].map((box) => box * 65536);

const lows = new Int32Array(ARGUMENTS_MAX);
const highs = new Uint32Array(ARGUMENTS_MAX);
const types = new Uint32Array(ARGUMENTS_MAX);

/** The arguments that `taskStart` has written to scratch, as values of the running scope. */
export function argumentsOut(heap: Heap, count: number, flags: number): unknown[] {
  const { u32, i32, f64, scratch } = heap.kernel;
  const args: unknown[] = new Array(count);
  let references = 0;
  for (let n = 0; n < count; n++) {
    const at = scratch + 8 * n;
    const high = u32[(at + 4) >>> 2] as number;
    const box = high >>> 16;
    if (box < L.BOX_UNDEFINED) args[n] = f64[at >>> 3];
    else if (box === L.BOX_REF) {
      references++;
      lows[n] = i32[at >>> 2] as number;
      types[n] = u32[(scratch + TYPES_AT + 4 * n) >>> 2] as number;
    } else if (box === L.BOX_NULL) args[n] = null;
    else if (box === L.BOX_BOOL) args[n] = u32[at >>> 2] === 1;
    highs[n] = high;
  }
  // References last: making them uses scratch.
  for (let n = 0; references > 0 && n < count; n++) {
    if ((highs[n] as number) >>> 16 !== L.BOX_REF) continue;
    references--;
    args[n] = refOut(heap, lows[n] as number, types[n] as number);
  }
  return (flags & S.TASK_SPREAD) !== 0 ? (args[0] as unknown[]) : args;
}
