/** What a physical memory may be made of, checked before anything is made. */
import { bytesOf } from "@ungil/kernel";
import { type ByteStore, checkStore, SwapFile } from "../backing/index.js";
import { VirtualMemoryError } from "../errors.js";
import { NUMBER_MAX } from "../paging/index.js";
import { createPolicy, type PolicyOptions, policyEntry, type ReplacementPolicy } from "../policies/index.js";
import type { Watermarks } from "./pager.js";

export interface SwapOptions {
  /** Where the swap file is made, when the first page is swapped out. The system's folder for temporary files, unless told. */
  folder?: string;
  /** Its size, at most: bytes, or a text such as "1GiB" (the default). */
  size?: number | string;
  /** What to swap to instead of a file. */
  store?: ByteStore;
}

export interface PhysicalMemoryOptions {
  /** Bytes of all frames, or a text such as "16MiB" (the default). Two frames at least. */
  size?: number | string;
  /** Bytes of a page: a power of two from 512 to 65536; 4096 unless told. */
  pageSize?: number;
  /** The translation buffer, entries x ways; "64x4" unless told. */
  tlb?: string;
  /** A replacement policy, by slug or of your own (made for as many frames): "clock" unless told. */
  policy?: string | ReplacementPolicy;
  /** Options of a policy that is named by its slug. */
  policyOptions?: PolicyOptions;
  /** False: pages that only memory holds cannot be evicted. */
  swap?: SwapOptions | false;
  /** When the pager looks for free frames, in frames. A 32nd and a 16th of them, unless told. */
  watermarks?: Watermarks;
  /** Pages that are read ahead, at most; 0: none. 8 unless told. */
  readAhead?: number;
  /**
   * Tells the policy of each single access, as a simulator does, instead of gathering ACCESSED bits now and then. Faults are
   * then exactly those of `simulate` over the same accesses. Slow; frames are reclaimed one by one, and nothing is read ahead.
   */
  exact?: boolean;
}

export interface Settings {
  frames: number;
  pageSize: number;
  tlb: string;
  policy: ReplacementPolicy;
  store: ByteStore;
  slots: number;
  watermarks: Watermarks;
  readAhead: number;
  exact: boolean;
}

const KNOWN = ["size", "pageSize", "tlb", "policy", "policyOptions", "swap", "watermarks", "readAhead", "exact"];

/** VirtualMemoryError, PolicyError or SimulationError (the TLB) says what is wrong. */
export function settings(options: PhysicalMemoryOptions): Settings {
  checkNames("PhysicalMemory", options, KNOWN);
  const { pageSize = 4096, tlb = "64x4", policy = "clock", swap = {}, exact = false } = options;
  if (!Number.isInteger(Math.log2(pageSize)) || pageSize < 512 || pageSize > 65536)
    throw new VirtualMemoryError(`pageSize is ${pageSize}: it must be a power of two from 512 to 65536`);
  const frames = Math.floor(checkBytes("size", options.size ?? "16MiB") / pageSize);
  if (frames < 2 || frames >= NUMBER_MAX)
    throw new VirtualMemoryError(`size is ${options.size}: it must be 2 pages at least, and below ${NUMBER_MAX} pages`);
  checkType("exact", exact, "boolean");
  checkType("tlb", tlb, "string");
  if (swap !== false) checkNames("swap", swap, ["folder", "size", "store"]);
  const { folder, size = "1GiB", store = new SwapFile(folder) } = swap === false ? { size: 0 } : swap;
  checkStore(store, "swap.store");
  const slots = Math.min(NUMBER_MAX - 1, Math.floor(checkBytes("swap.size", size) / pageSize));
  return {
    frames,
    pageSize,
    tlb,
    policy: policyOf(policy, frames, options.policyOptions),
    store,
    slots,
    watermarks: watermarksOf(options.watermarks, frames, exact),
    readAhead: exact ? 0 : whole("readAhead", options.readAhead ?? 8, 0, 1024),
    exact,
  };
}

function policyOf(policy: string | ReplacementPolicy, frames: number, options?: PolicyOptions): ReplacementPolicy {
  if (typeof policy === "string") {
    if (!policyEntry(policy).online)
      throw new VirtualMemoryError(`the policy ${policy} needs the future: only the simulator can run it`);
    return createPolicy(policy, frames, options);
  }
  if (typeof policy?.evict !== "function")
    throw new VirtualMemoryError(`${String(policy)} is no policy: give a slug, or one`);
  if (policy.capacity < frames || policy.size > 0)
    throw new VirtualMemoryError(
      `the policy is made for ${policy.capacity} frames and has ${policy.size} pages: it must be empty, for ${frames} frames`,
    );
  return policy;
}

function watermarksOf(given: Watermarks | undefined, frames: number, exact: boolean): Watermarks {
  if (given !== undefined) checkNames("watermarks", given, ["low", "high"]);
  if (exact) return { low: 0, high: 1 };
  const low = given?.low ?? Math.floor(frames / 32);
  const high = given?.high ?? Math.max(low + 1, Math.floor(frames / 16));
  whole("watermarks.low", low, 0, frames - 2);
  whole("watermarks.high", high, low + 1, frames);
  return { low, high };
}

/** Bytes from a number or a text. */
export function checkBytes(name: string, value: unknown): number {
  const bytes = bytesOf(value);
  if (Number.isNaN(bytes))
    throw new VirtualMemoryError(
      `${name} is ${JSON.stringify(value)}: it must be a number of bytes, or a text such as "64KiB"`,
    );
  return bytes;
}

export function whole(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most)
    throw new VirtualMemoryError(`${name} is ${String(value)}: it must be a whole number from ${least} to ${most}`);
  return value;
}

export function checkType(name: string, value: unknown, type: "string" | "boolean" | "function"): void {
  if (typeof value !== type) throw new VirtualMemoryError(`${name} is ${String(value)}: it must be a ${type}`);
}

export function checkNames(what: string, given: object, known: readonly string[]): void {
  if (typeof given !== "object" || given === null)
    throw new VirtualMemoryError(`${what} takes an object of options, not ${String(given)}`);
  const stranger = Object.keys(given).find((name) => !known.includes(name));
  if (stranger !== undefined)
    throw new VirtualMemoryError(`${what} has no option ${stranger}: it has ${known.join(", ")}`);
}
