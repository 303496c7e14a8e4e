/** Values: a number or a tagged reference in 64 bits (NaN-boxed), as containers and tasks hold them. */
import * as L from "../layout";
import { tb } from "../machine/registers";
import { writeAddress, readAddress } from "../paging/translate";
import { borrow } from "../heap/handle";
import { countDecrement, countIncrementAt } from "../heap/count";

const CANONICAL_NAN: u64 = 0x7ff8000000000000;

// @ts-ignore: decorator
@inline export function boxRef(va: u32): u64 {
  return ((<u64>L.BOX_REF) << 48) | va;
}

// @ts-ignore: decorator
@inline export function boxNumber(value: f64): u64 {
  return value == value ? reinterpret<u64>(value) : CANONICAL_NAN;
}

export function box(tag: i32, ref: u32, value: f64): u64 {
  if (tag == L.TAG_NUMBER) return boxNumber(value);
  if (tag == L.TAG_REF) return boxRef(ref);
  if (tag == L.TAG_NULL) return (<u64>L.BOX_NULL) << 48;
  if (tag == L.TAG_FALSE) return (<u64>L.BOX_BOOL) << 48;
  if (tag == L.TAG_TRUE) return ((<u64>L.BOX_BOOL) << 48) | 1;
  return (<u64>L.BOX_UNDEFINED) << 48;
}

// @ts-ignore: decorator
@inline export function isRef(value: u64): bool {
  return value >>> 48 == L.BOX_REF;
}

// @ts-ignore: decorator
@inline export function isNumber(value: u64): bool {
  return <u32>(value >>> 48) < L.BOX_UNDEFINED;
}

/** Counts what a value refers to, before it is stored anywhere. */
// @ts-ignore: decorator
@inline export function valueRetain(value: u64): bool {
  if (!isRef(value)) return true;
  const p = writeAddress(<u32>value);
  if (!p) return false;
  countIncrementAt(p);
  return true;
}

// @ts-ignore: decorator
@inline export function valueRelease(value: u64): void {
  if (isRef(value)) countDecrement(<u32>value);
}

/** Hands a value to JavaScript: returns its tag, the payload is in OUT_NUMBER, or OUT_REF and OUT_TYPE. */
export function valueOut(value: u64): i32 {
  const high = <u32>(value >>> 48);
  if (high < L.BOX_UNDEFINED) {
    store<f64>(tb + L.TB_OUT_NUMBER, reinterpret<f64>(value));
    return L.TAG_NUMBER;
  }
  if (high == L.BOX_REF) {
    const va = <u32>value;
    const p = readAddress(va);
    if (!p) return -<i32>load<u32>(tb + L.TB_FAULT_CODE);
    if (!borrow(va)) return -L.E_MEMORY;
    store<u32>(tb + L.TB_OUT_REF, va);
    store<u32>(tb + L.TB_OUT_TYPE, load<u32>(p) & L.TYPE_MASK);
    return L.TAG_REF;
  }
  if (high == L.BOX_NULL) return L.TAG_NULL;
  if (high == L.BOX_BOOL) return value & 1 ? L.TAG_TRUE : L.TAG_FALSE;
  return L.TAG_UNDEFINED;
}
