/** Reading and writing through translation. */
import { SegmentationFaultError } from "@ungil/kernel";
import { VirtualMemoryError } from "../errors.js";
import { PRESENT, pteNumber } from "../paging/index.js";
import { permit, walk } from "./fault.js";
import { checkValue, codecOf, type Scalar, type ScalarValue } from "./scalars.js";
import { checkOpen, type SpaceState } from "./space-state.js";

const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

/** Where a byte lies in physical memory, now. */
export function translate(space: SpaceState, address: number, write: boolean): number {
  const { pager, table } = space;
  const { pageSize } = pager.frames;
  const offset = address % pageSize;
  const page = (address - offset) / pageSize;
  if (pager.exact) pager.trim();
  let frame = pager.tlb.find(table.id, page, write);
  if (frame < 0) frame = walk(space, page, address, write);
  if (pager.exact) pager.referenced(frame, write);
  return frame * pageSize + offset;
}

export function readScalar<T extends Scalar>(space: SpaceState, address: number, type: T): ScalarValue<T> {
  const codec = codecOf(type);
  const { frames } = space.pager;
  checkAccess(space, address, codec.size, "read");
  if ((address % frames.pageSize) + codec.size <= frames.pageSize)
    return codec.get(frames.view, translate(space, address, false)) as ScalarValue<T>;
  readInto(space, address, scratchBytes.subarray(0, codec.size));
  return codec.get(scratch, 0) as ScalarValue<T>;
}

export function writeScalar<T extends Scalar>(
  space: SpaceState,
  address: number,
  type: T,
  value: ScalarValue<T>,
): void {
  const codec = codecOf(type);
  const { frames } = space.pager;
  checkValue(type, codec, value);
  checkAccess(space, address, codec.size, "write");
  const head = frames.pageSize - (address % frames.pageSize);
  if (codec.size <= head) return codec.set(frames.view, translate(space, address, true), value as never);
  codec.set(scratch, 0, value as never);
  writeAcross(space, address, scratchBytes.slice(0, codec.size), head);
}

export function readBytes(space: SpaceState, address: number, length: number): Uint8Array<ArrayBuffer> {
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
  if (typeof address !== "number" || !Number.isInteger(address))
    throw new VirtualMemoryError(`${String(address)} is no address: a whole number from 0 to 2^32 is`);
  if (address < 0 || address + size > 2 ** 32)
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
