/** What people may ask for, checked before anything is started. */

import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { bytesOf, Layout, MEMORY_MAX, MEMORY_MIN, MemorySizeError, roomInSwap, swapFor } from "@ungil/kernel";
import { POLICIES } from "@ungil/memory/policies";
import { OptionError, ThreadCountError, UnknownOptionError } from "./errors.js";
import type { Task } from "./task.js";

export interface RuntimeOptions {
  /** Worker threads; one for each core unless told. */
  threads?: number;
  /** true: one thread at a time runs steps (CPython's way). false: all at once. Same results. Default false. */
  gil?: boolean;
  /** Size of the shared heap: bytes, or a text such as "256MiB". Default 256MiB; untouched memory costs nothing. */
  memory?: number | string;
  /**
   * Room in a swap file for what memory has no room for: bytes, a text, or more than the size (`SwapSettings`). Default: none.
   * Then the heap may grow to memory and swap together.
   */
  swap?: number | string | SwapSettings;
  /** Modules that every thread imports first (that is how a TypeScript loader is registered). */
  preload?: readonly (URL | string)[];
  /** GIL switch interval in milliseconds, CPython's sys.setswitchinterval. Default 5. */
  switchInterval?: number;
  /**
   * A task failed and nobody awaits it. Default: an uncaught exception. `task` is null if it was no task but the replacement
   * policy (`ReplacementPolicyError`), without which the runtime goes on. Default: a warning.
   */
  onUnhandled?(error: unknown, task: Task<unknown> | null): void;
}

export interface SwapSettings {
  /** Bytes, or a text such as "1GiB". */
  readonly size: number | string;
  /** Where the file is made. Default: the system's folder for temporary files. */
  readonly folder?: string;
  /** Which pages leave memory: the slug of an online policy of `ungil/memory` ("lru", "arc", "lirs", ...). Default: "clock". */
  readonly policy?: string;
}

export interface CloseOptions {
  /** Milliseconds that running work gets before it is cancelled. Default 0. */
  timeout?: number;
}

export interface Settings {
  readonly threads: number;
  readonly gil: boolean;
  readonly heapBytes: number;
  readonly swap: { readonly bytes: number; readonly folder: string | undefined; readonly policy: string } | null;
  readonly preload: readonly string[];
  readonly switchMicroseconds: number;
  readonly onUnhandled: ((error: unknown, task: Task<unknown> | null) => void) | undefined;
}

/** Slot 0 is never used, slot 1 is the main thread's. */
export const THREADS_MAX = Layout.THREAD_SLOTS_MAX - 2;

const DEFAULT_POLICY = "clock";

/** What a thread has of its own, pages of its smallest objects included; the main thread is one too. */
const MEMORY_OF_THREAD = 256 << 10;

const START = "Runtime.start()";
export const OPEN = "Runtime.open()";
const known = ["threads", "gil", "memory", "swap", "preload", "switchInterval", "onUnhandled"];

/** Bytes that a runtime with so many workers takes of its memory for its threads. */
export const memoryOfThreads = (threads: number): number => MEMORY_OF_THREAD * (threads + 1);

/** `where`: who has got the options. */
export function checkOptions(options: RuntimeOptions = {}, where = START): Settings {
  checkNames(where, options, known);
  const {
    threads = availableParallelism(),
    gil = false,
    memory = "256MiB",
    swap,
    preload = [],
    switchInterval = 5,
    onUnhandled,
  } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > THREADS_MAX)
    throw new ThreadCountError(threads, THREADS_MAX);
  if (typeof gil !== "boolean") throw new OptionError(where, "gil", "true or false", gil);
  if (typeof switchInterval !== "number" || !(switchInterval >= 0.01 && switchInterval <= 10_000)) {
    throw new OptionError(where, "switchInterval", "a number of milliseconds from 0.01 to 10000", switchInterval);
  }
  if (onUnhandled !== undefined && typeof onUnhandled !== "function") {
    throw new OptionError(where, "onUnhandled", "a function", onUnhandled);
  }
  if (!Array.isArray(preload)) throw new OptionError(where, "preload", "an array of URLs", preload);
  const heapBytes = parseSize(memory);
  const least = memoryOfThreads(threads);
  if (heapBytes < least)
    throw new MemorySizeError(`memory is ${heapBytes} bytes; with ${threads} threads ${least} is the least`);
  return {
    threads: Math.min(threads, THREADS_MAX),
    gil,
    heapBytes,
    swap: checkSwap(swap),
    preload: preload.map(resolveModule),
    switchMicroseconds: Math.round(switchInterval * 1000),
    onUnhandled,
  };
}

function checkSwap(swap: RuntimeOptions["swap"]): Settings["swap"] {
  if (swap === undefined || swap === 0) return null;
  if (typeof swap !== "object") return { bytes: parseSize(swap, "swap"), folder: undefined, policy: DEFAULT_POLICY };
  checkNames("swap", swap, ["size", "folder", "policy"]);
  const { size, folder, policy = DEFAULT_POLICY } = swap;
  if (folder !== undefined && typeof folder !== "string") throw new OptionError(START, "swap.folder", "a path", folder);
  if (!POLICIES.get(policy)?.online) {
    const online = [...POLICIES.values()].filter((entry) => entry.online).map(({ slug }) => `"${slug}"`);
    throw new OptionError(START, "swap.policy", `one of the online policies ${online.join(", ")}`, policy);
  }
  return { bytes: parseSize(size, "swap.size"), folder, policy };
}

/** What an image needs, and is given if nothing else is said. */
export interface ImageMemory {
  readonly file: string;
  readonly memory: number;
  roomNeeded(threads: number): { readonly all: number; readonly inMemory: number };
}

/** Options of a runtime that is opened from an image. */
export function checkOpenOptions(options: RuntimeOptions = {}, image: ImageMemory): Settings {
  const settings = checkOptions(options, OPEN);
  const { threads, swap } = settings;
  const swapBytes = swap ? swap.bytes - (swap.bytes % Layout.PAGE_SIZE) : 0;
  const { all, inMemory } = image.roomNeeded(threads);
  const least = Math.max(all - roomInSwap(swapBytes), inMemory);
  const heapBytes = options.memory === undefined ? Math.max(image.memory, least) : settings.heapBytes;
  if (heapBytes < least) {
    const mebibytes = (bytes: number) => `${bytes} (${Math.ceil(bytes / 2 ** 20)} MiB)`;
    throw new MemorySizeError(
      swap
        ? `memory is ${heapBytes} bytes and swap ${swapBytes}; the image ${image.file} needs ${mebibytes(heapBytes + swapFor(all - heapBytes))} with ${threads} threads, ${mebibytes(inMemory)} of it in memory`
        : `memory is ${heapBytes} bytes; the image ${image.file} needs ${mebibytes(all)} with ${threads} threads, of which all but ${mebibytes(inMemory)} may be swap`,
    );
  }
  return { ...settings, heapBytes };
}

export function checkClose(options: CloseOptions = {}): number {
  return timeoutOf("close()", options, 0);
}

/** The only option of `where`: a time in milliseconds. */
export function timeoutOf(where: string, options: { timeout?: number }, otherwise = 10_000): number {
  checkNames(where, options, ["timeout"]);
  const { timeout = otherwise } = options;
  if (typeof timeout !== "number" || !(timeout >= 0))
    throw new OptionError(where, "timeout", "a number of milliseconds, 0 or more", timeout);
  return timeout;
}

/** Options are checked by name: a misspelt one must not be ignored. */
export function checkNames(where: string, options: object, names: readonly string[]): void {
  if (!isPlain(options)) throw new OptionError(where, "its argument", "an object of options", options);
  for (const name of Object.keys(options)) if (!names.includes(name)) throw new UnknownOptionError(where, name, names);
}

/** An object literal, of whatever realm. */
function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || (Object.getPrototypeOf(prototype) === null && !Array.isArray(value));
}

export function parseSize(memory: number | string, what = "memory"): number {
  const bytes = bytesOf(memory);
  if (Number.isNaN(bytes)) {
    throw new MemorySizeError(
      `${what} must be a number of bytes or a text such as "256MiB", not ${typeof memory === "string" ? JSON.stringify(memory) : String(memory)}`,
    );
  }
  if (bytes < MEMORY_MIN) throw new MemorySizeError(`${what} is ${bytes} bytes; ${MEMORY_MIN} (1 MiB) is the least`);
  if (bytes > MEMORY_MAX)
    throw new MemorySizeError(`${what} is ${bytes} bytes; one address space is 4 GiB (${MEMORY_MAX})`);
  return bytes;
}

/** A module as a worker can import it: URLs as they are, paths and package names from the current directory. */
function resolveModule(module: URL | string): string {
  if (module instanceof URL) return module.href;
  if (typeof module !== "string") throw new OptionError(START, "preload", "an array of URLs", module);
  if (/^(file|data|node):/.test(module)) return module;
  if (path.isAbsolute(module) || /^\.{1,2}[/\\]/.test(module)) return pathToFileURL(path.resolve(module)).href;
  try {
    const found = createRequire(path.join(process.cwd(), "preload.js")).resolve(module);
    return path.isAbsolute(found) ? pathToFileURL(found).href : found;
  } catch {
    return module;
  }
}
