/**
 * What a thread has put by for the day when memory is out: one string of shared memory, in which the class and the message
 * of an error can still be written. Nobody has seen it before it is used, so nobody sees it change.
 */
import type { Heap, Scope } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";

const LENGTH = 1024;
const reserves = new WeakMap<Heap, { address: number; kept: Scope }>();

/** The string that is put by, unless the heap was restored to a moment before it was. */
function reserveOf(heap: Heap): { address: number; kept: Scope } | undefined {
  const reserve = reserves.get(heap);
  return reserve && !heap.isVoid(reserve.kept) ? reserve : undefined;
}

/** Puts a string by, if there is none and memory is not out. Inside a step or a batch. */
export function putBy(heap: Heap): void {
  if (reserveOf(heap)) return;
  const address = heap.x.stringNew(LENGTH, 0);
  if (address >= 0 && address < L.ERROR_LIMIT) return;
  write(heap, address, "");
  reserves.set(heap, { address, kept: heap.adopt(address) });
}

/** The address of the reserve with a JSON text in it, or 0. It lives until the end of the step at least. */
export function useReserve(heap: Heap, json: string): number {
  const text = json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const reserve = reserveOf(heap);
  if (!reserve || text.length > LENGTH) return 0;
  const { address, kept } = reserve;
  reserves.delete(heap);
  write(heap, address, text);
  // Without memory to borrow it, it stays counted until the thread ends.
  if (heap.x.borrow(address)) heap.release(address, kept);
  return address;
}

/** Writes a text, and spaces behind it, which JSON does not mind. */
function write(heap: Heap, address: number, text: string): void {
  const { u8, u32, outA } = heap.kernel;
  heap.x.stringRead(address);
  const at = (u32[outA] as number) >>> 0;
  for (let n = 0; n < LENGTH; n++) u8[at + n] = n < text.length ? text.charCodeAt(n) : 32;
  heap.x.stringSeal(address);
}
