/**
 * Images of a runtime's heap: a snapshot is saved to a file, in slices, so that the event loop and the coroutines go on; another
 * process opens it. What is in the file: @ungil/memory/images and docs/image-format.md; what an object is in it: the heap's
 * image-*.ts.
 */
import { fileURLToPath } from "node:url";
import {
  type ImageHeader,
  ImageLoad,
  ImageSave,
  isWrapper,
  layoutHash,
  SchemaError,
  type Scope,
  type Shared,
  UnknownStructError,
  type Wrapper,
} from "@ungil/heap";
import { heapBytesFor, type Kernel, Layout as L, MEMORY_MIN, reserveBeside } from "@ungil/kernel";
import {
  ImageCorruptedError,
  ImageReader,
  ImageVersionError,
  ImageWriter,
  type ImageWritten,
} from "@ungil/memory/images";
import { CancelledError, OptionError } from "./errors.js";
import type { MainThread } from "./main.js";
import type { MainHeap } from "./main-heap.js";
import { checkNames, memoryOfThreads } from "./options.js";

export interface SaveProgress {
  /** First what is to be saved is found, then it is written. */
  readonly phase: "find" | "write";
  /** Pages found, or looked at for writing; of how many, once that is known. */
  readonly pages: number;
  readonly of?: number;
}

export interface SaveOptions {
  /** What is saved, with all that it leads to: shared objects, by the names under which `Runtime.open` gives them back. */
  roots: Readonly<Record<string, object>>;
  /** Gives up: the file stays what it was. */
  signal?: AbortSignal;
  /** Called now and then, at least once for each phase. */
  onProgress?: (progress: SaveProgress) => void;
}

export interface SavedImage extends ImageWritten {
  /** Objects that were saved, internal ones included. */
  readonly objects: number;
  /** How many of them somebody had locked at the moment of the snapshot. In the image they are not: what a lock guards may be half changed. */
  readonly locked: number;
}

const SAVE = "snapshot.save()";

/** Milliseconds of work before others get their turn. */
const SLICE = 4;

/** Work on the main thread, in slices. `goOn` is called after each break, and throws if there is no point any more. */
class Pace {
  #until = performance.now() + SLICE;

  constructor(readonly goOn: () => void = () => undefined) {}

  readonly pause = async (): Promise<void> => {
    if (performance.now() < this.#until) return;
    await this.rest();
  };

  async rest(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.goOn();
    this.#until = performance.now() + SLICE;
  }

  async run(steps: Iterable<void>): Promise<void> {
    for (const _ of steps) if (performance.now() >= this.#until) await this.rest();
  }
}

/** Saves the snapshot of cut `cut`, taken at `time`. `mustBeOpen` throws if it is not any more. */
export async function saveImage(
  main: MainThread,
  { cut, time, mustBeOpen }: { cut: number; time: number; mustBeOpen: () => void },
  file: string | URL,
  options: SaveOptions,
): Promise<SavedImage> {
  const roots = checkSave(options);
  const { signal, onProgress } = options;
  const path = pathOf(SAVE, file);
  const goOn = () => {
    mustBeOpen();
    if (signal?.aborted) throw new CancelledError(`Saving into ${path} was cancelled`, { cause: signal.reason });
  };
  goOn();
  const save = new ImageSave(main.heap, cut, time, roots);
  const { scan } = save;
  let written = 0;
  let phase: SaveProgress["phase"] = "find";
  const report = () => {
    goOn();
    onProgress?.(phase === "find" ? { phase, pages: scan.size } : { phase, pages: written, of: scan.size });
    goOn();
  };
  const pace = new Pace(report);
  let writer: ImageWriter | null = null;
  try {
    await pace.run(save.mark());
    report();
    writer = await ImageWriter.begin(path, L.PAGE_SIZE);
    phase = "write";
    report();
    for (const { page, kind, extent, content } of scan.pages()) {
      written++;
      if (writer.add(page, kind, extent, content)) {
        await writer.flush();
        goOn();
      }
      await pace.pause();
    }
    report();
    const header = main.heap.batch(() => save.header());
    const saved = await writer.commit(header, () => new Promise((resolve) => setImmediate(resolve)));
    return { ...saved, objects: scan.objects, locked: scan.locked };
  } catch (error) {
    await writer?.abandon();
    throw error;
  } finally {
    save.close();
  }
}

function checkSave(options: SaveOptions): Readonly<Record<string, Wrapper>> {
  checkNames(SAVE, options, ["roots", "signal", "onProgress"]);
  const { roots, signal, onProgress } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new OptionError(SAVE, "signal", "an AbortSignal", signal);
  if (onProgress !== undefined && typeof onProgress !== "function")
    throw new OptionError(SAVE, "onProgress", "a function", onProgress);
  if (typeof roots !== "object" || roots === null || isWrapper(roots))
    throw new OptionError(SAVE, "roots", "an object of shared objects, { name: object }", roots);
  const wrappers: [string, Wrapper][] = [];
  for (const [name, root] of Object.entries(roots)) {
    if (!isWrapper(root))
      throw new OptionError(SAVE, `roots.${name}`, "a shared object (a struct, List or Dict)", root);
    wrappers.push([name, root]);
  }
  if (wrappers.length === 0) throw new OptionError(SAVE, "roots", "an object with a shared object at least", roots);
  return Object.fromEntries(wrappers);
}

function pathOf(where: string, file: unknown): string {
  if (file instanceof URL) return fileURLToPath(file);
  if (typeof file === "string" && file !== "") return file;
  throw new OptionError(where, "its first argument", "the path of a file", file);
}

/** An image that is being opened. */
export class OpenedImage {
  readonly #reader: ImageReader;
  readonly #header: ImageHeader;
  #load: ImageLoad | null = null;
  /** By name: how each root is kept until there is a handle. */
  #kept: ReadonlyMap<string, Scope> = new Map();

  private constructor(reader: ImageReader, header: ImageHeader) {
    this.#reader = reader;
    this.#header = header;
  }

  static async open(file: string | URL): Promise<OpenedImage> {
    const reader = await ImageReader.open(pathOf("Runtime.open()", file), L.PAGE_SIZE);
    const header = reader.manifest.header as ImageHeader;
    if (header?.layout !== layoutHash) {
      await reader.close();
      throw new ImageVersionError(reader.file, "the layout of its objects", header?.layout, layoutHash);
    }
    return new OpenedImage(reader, header);
  }

  get file(): string {
    return this.#reader.file;
  }

  /** Size of the heap that it was saved from. */
  get memory(): number {
    return this.#header.memory;
  }

  /**
   * Bytes that a runtime with so many threads needs at least to hold it, and to do a little with it: of memory and swap together, and
   * of these in memory, for its longest run must be there in one piece, and what cannot leave may lie in the middle.
   */
  roomNeeded(threads: number): { all: number; inMemory: number } {
    const { pages } = this.#reader.manifest;
    const withRest = (pages: number) => {
      const bytes = pages * L.PAGE_SIZE + memoryOfThreads(threads) + MEMORY_MIN;
      return bytes + reserveBeside(bytes);
    };
    let [last, longest] = [0, 1];
    for (const { page, kind, extent } of pages) {
      last = Math.max(last, page);
      if (kind === L.PAGE_RUN) longest = Math.max(longest, extent);
    }
    return { all: Math.max(withRest(pages.length), heapBytesFor(last + 1)), inMemory: withRest(2 * longest) };
  }

  /** Brings the heap back. Nothing has been made in this machine yet. */
  async load(kernel: Kernel): Promise<void> {
    const { file, manifest } = this.#reader;
    const damaged = (reason: string) => new ImageCorruptedError(file, reason);
    const load = new ImageLoad(kernel, this.#header, manifest.pages, damaged);
    const pages = load.arrange(this.#reader.pagesInOrder());
    const pace = new Pace();
    const { exports: x } = kernel;
    // What threads will have of their own cannot leave: it is not to lie among the pages, in the way of their runs.
    const threads = memoryOfThreads(kernel.control(L.CB_SLOTS) - 3) / L.PAGE_SIZE;
    const frames = Array.from({ length: threads }, () => x.imageFrameTake());
    x.threadAttach(); // what it translates stays in memory
    await this.#reader.read((page, content) => load.fill(page, content), pace.pause, pages);
    await pace.run(load.rebuild());
    x.threadDetach();
    for (const frame of frames) x.imageFrameGive(frame);
    this.#load = load;
  }

  /** Registers its types, and refuses it if a class that is known here is another one. */
  bind(heap: MainHeap): void {
    heap.batch(() => {
      this.#kept = this.#load?.bind(heap) ?? this.#kept;
      this.#header.types.forEach((_, n) => {
        try {
          heap.wrapOf(L.TYPE_FIRST_USER + n);
        } catch (error) {
          // It may be loaded later, or by workers only.
          if (!(error instanceof UnknownStructError || error instanceof SchemaError)) throw error;
        }
      });
    });
  }

  /** Handles of the roots. One whose class is not known yet is made when it is asked for. */
  roots(heap: MainHeap): Readonly<Record<string, Shared & Disposable>> {
    const roots = {};
    for (const [name, address] of Object.entries(this.#header.roots)) {
      let handle: object | undefined;
      const get = () => (handle ??= take(heap, address, this.#kept.get(name) as Scope));
      try {
        Object.defineProperty(roots, name, { enumerable: true, value: get() });
      } catch (error) {
        if (!(error instanceof UnknownStructError || error instanceof SchemaError)) throw error;
        Object.defineProperty(roots, name, { enumerable: true, get });
      }
    }
    return Object.freeze(roots);
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}

/** A handle in the place of the count with which a root was kept so far. */
function take(heap: MainHeap, address: number, kept: Scope): object {
  return heap.batch((scope) => {
    const handle = heap.keep(new (heap.wrapOf(heap.typeOf(address | 0)))(address | 0, scope));
    heap.release(address | 0, kept);
    return handle;
  });
}
