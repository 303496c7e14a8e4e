/** Size classes: 16 bytes apart up to 512, then four to each doubling up to half a page. */
import * as L from "../layout";

/** Class of a small object; `bytes` is 1..SMALL_MAX. */
// @ts-ignore: decorator
@inline export function classOf(bytes: u32): u32 {
  if (bytes <= 512) return ((bytes + 15) >>> 4) - 1;
  const exponent = 31 - clz(bytes - 1);
  return 32 + ((exponent - 9) << 2) + (((bytes - 1) >>> (exponent - 2)) & 3);
}

export function classSize(index: u32): u32 {
  if (index < 32) return (index + 1) << 4;
  const exponent = 9 + ((index - 32) >>> 2);
  return ((<u32>1) << exponent) + ((((index - 32) & 3) + 1) << (exponent - 2));
}

// @ts-ignore: decorator
@inline export function pagesFor(bytes: u32): u32 {
  return (bytes + L.PAGE_MASK) >>> L.PAGE_SHIFT;
}
