/** Reading and writing through translation. */
import { SegmentationFaultError } from "@ungil/kernel";
import { VirtualMemoryError } from "../errors.js";
import { PRESENT, pteNumber } from "../paging/index.js";
import { permit, walk } from "./fault.js";
import { checkValue, get, type Scalar, type ScalarValue, set, sizeOf } from "./scalars.js";
import { checkOpen, type SpaceState } from "./space-state.js";

const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

/** Where a byte lies in physical memory, now. */
export function translate(space: SpaceState, address: number, write: boolean): number {
  const { pager, table } = space;
  const { frames, tlb, exact } = pager;
  const page = address >>> frames.pageShift;
  if (exact) pager.trim();
  let frame = tlb.find(table.id, page, write);
  if (frame < 0) frame = walk(space, page, address, write);
  if (exact) pager.referenced(frame, write);
  return frame * frames.pageSize + (address & (frames.pageSize - 1));
}

export function readScalar<T extends Scalar>(space: SpaceState, address: number, type: T): ScalarValue<T> {
  const size = sizeOf(type);
  const { frames } = space.pager;
  checkAccess(space, address, size, "read");
  if ((address & (frames.pageSize - 1)) + size <= frames.pageSize)
    return get(frames.view, translate(space, address, false), type) as ScalarValue<T>;
  readInto(space, address, scratchBytes.subarray(0, size));
  return get(scratch, 0, type) as ScalarValue<T>;
}

export function writeScalar<T extends Scalar>(
  space: SpaceState,
  address: number,
  type: T,
  value: ScalarValue<T>,
): void {
  const size = sizeOf(type);
  const { frames } = space.pager;
  checkValue(type, value);
  checkAccess(space, address, size, "write");
  const head = frames.pageSize - (address & (frames.pageSize - 1));
  if (size <= head) return set(frames.view, translate(space, address, true), type, value);
  set(scratch, 0, type, value);
  writeAcross(space, address, scratchBytes.slice(0, size), head);
}

export function readBytes(space: SpaceState, address: number, length: number): Uint8Array {
  if (!Number.isInteger(length) || length < 0 || length > 2 ** 32)
    throw new VirtualMemoryError(`length is ${String(length)}: it must be a whole number of bytes`);
  checkAccess(space, address, length, "read");
  permitAll(space, address, length, false);
  const bytes = new Uint8Array(length);
  readInto(space, address, bytes);
  return bytes;
}

export function writeBytes(space: SpaceState, address: number, bytes: Uint8Array): void {
  if (!(bytes instanceof Uint8Array)) throw new VirtualMemoryError(`${String(bytes)} is no Uint8Array`);
  checkAccess(space, address, bytes.length, "write");
  permitAll(space, address, bytes.length, true);
  const { frames } = space.pager;
  for (let done = 0; done < bytes.length; ) {
    const some = Math.min(bytes.length - done, frames.pageSize - ((address + done) % frames.pageSize));
    frames.bytes.set(bytes.subarray(done, done + some), translate(space, address + done, true));
    done += some;
  }
}

function readInto(space: SpaceState, address: number, bytes: Uint8Array): void {
  const { frames } = space.pager;
  for (let done = 0; done < bytes.length; ) {
    const some = Math.min(bytes.length - done, frames.pageSize - ((address + done) % frames.pageSize));
    const at = translate(space, address + done, false);
    bytes.set(frames.bytes.subarray(at, at + some), done);
    done += some;
  }
}

/** A number over the border of two pages: nothing is written unless both are there. */
function writeAcross(space: SpaceState, address: number, bytes: Uint8Array, head: number): void {
  const { pager, table } = space;
  const { frames } = pager;
  permitAll(space, address, bytes.length, true);
  const border = address + head;
  let second = translate(space, border, true);
  const first = translate(space, address, true);
  const pte = table.get(border / frames.pageSize);
  if (!(pte & PRESENT) || pteNumber(pte) * frames.pageSize !== second) {
    // Bringing the first has driven out the second.
    const frame = Math.floor(first / frames.pageSize);
    pager.pin(frame);
    try {
      second = translate(space, border, true);
    } finally {
      pager.unpin(frame);
    }
  }
  frames.bytes.set(bytes.subarray(0, head), first);
  frames.bytes.set(bytes.subarray(head), second);
}

function checkAccess(space: SpaceState, address: number, size: number, access: "read" | "write"): void {
  if (space.closed) checkOpen(space);
  // A whole number from 0 to 2^32 - 1: all is well, nearly always.
  if (address >>> 0 === address && address + size <= 2 ** 32) return;
  if (typeof address !== "number" || !Number.isInteger(address))
    throw new VirtualMemoryError(`${String(address)} is no address: a whole number from 0 to 2^32 is`);
  throw new SegmentationFaultError(address, access, `the ${size} bytes are not within 4 GiB`);
}

/** The first byte of a range that may not be accessed so is a fault, before anything is. */
function permitAll(space: SpaceState, address: number, length: number, write: boolean): void {
  const { pageSize } = space.pager.frames;
  for (let at = address; at < address + length; ) {
    at = permitOne(space, at, write).end * pageSize;
  }
}

function permitOne(space: SpaceState, address: number, write: boolean): { end: number } {
  try {
    return permit(space, Math.floor(address / space.pager.frames.pageSize), address, write);
  } catch (error) {
    space.pager.counters.faults.failed++;
    throw error;
  }
}
