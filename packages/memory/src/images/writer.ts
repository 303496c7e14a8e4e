/**
 * A save into an image: pages that the file does not have yet are appended, then a manifest, then the superblock that is not in use
 * is written (superblock.ts has the order). A new image, and one more than half of which nobody needs any more, is written
 * beside the file and renamed.
 */
import { readSync } from "node:fs";
import { type FileHandle, open, rename, stat } from "node:fs/promises";
import path from "node:path";
import { Claim } from "./claim.js";
import { ImageCorruptedError, ImageFileError, NotAnImageError } from "./errors.js";
import { nameOf, syncFolder, writeAll } from "./files.js";
import { encodeManifest, type ImagePage } from "./manifest.js";
import { ImageReader } from "./reader.js";
import { encodeSuperblock, HEAD_SIZE, type Superblock, sha256, slotOf } from "./superblock.js";
import { keyOf, trust, trustedPages } from "./trust.js";

/** Bytes that are written at a time. */
const SEGMENT = 1 << 20;
/** A file smaller than this is not worth rewriting. */
const COMPACT_LEAST = 1 << 20;

export interface ImageWritten {
  /** Number of the save. */
  readonly generation: number;
  /** Pages of the heap, and how many of them were not in the file yet. */
  readonly pages: number;
  readonly written: number;
  /** Size of the file. */
  readonly bytes: number;
  /** Whether it was rewritten, because more than half of it was of no use any more. */
  readonly compacted: boolean;
}

/** Saves into one file take their turns. */
const turns = new Map<string, Promise<void>>();

async function turnOf(file: string): Promise<() => void> {
  const before = turns.get(file);
  let done: () => void = () => undefined;
  const mine = new Promise<void>((resolve) => {
    done = resolve;
  });
  turns.set(file, mine);
  await before;
  return () => {
    if (turns.get(file) === mine) turns.delete(file);
    done();
  };
}

export class ImageWriter {
  readonly #records: ImagePage[] = [];
  /** Offsets of what is in the file, by hash. */
  readonly #known = new Map<string, number>();
  readonly #segment = Buffer.alloc(SEGMENT);
  #filled = 0;
  #written = 0;
  /** Where the segment goes. */
  #at: number;

  private constructor(
    readonly file: string,
    readonly pageSize: number,
    readonly claim: Claim,
    readonly endTurn: () => void,
    readonly handle: FileHandle,
    /** What is in the file now; null if it is a new one. */
    readonly current: ImageReader | null,
    /** Hashes of pages that need no second look. */
    readonly trusted: ReadonlySet<string>,
  ) {
    this.#at = current?.block.end ?? HEAD_SIZE;
    for (const { hash, offset } of current?.manifest.pages ?? []) this.#known.set(keyOf(hash), offset);
  }

  /** Begins a save, when no other one into this file is under way. Refuses a file that is there and is no image. */
  static async begin(name: string, pageSize: number): Promise<ImageWriter> {
    const file = await nameOf(name);
    const endTurn = await turnOf(file);
    let claim: Claim | undefined;
    try {
      claim = await Claim.make(file);
      const handle = await openExisting(file);
      if (!handle)
        return new ImageWriter(file, pageSize, claim, endTurn, await open(claim.draft, "w+"), null, new Set());
      try {
        const current = await ImageReader.over(file, handle, pageSize);
        const trusted = trustedPages(file, await handle.stat(), current.block.generation);
        return new ImageWriter(file, pageSize, claim, endTurn, handle, current, trusted);
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (error) {
      await claim?.release().catch(() => undefined);
      endTurn();
      throw writeError(file, error);
    }
  }

  /** Adds a page. True: `flush` before the next one. */
  add(page: number, kind: number, extent: number, content: Uint8Array): boolean {
    const hash = sha256(content);
    const key = keyOf(hash);
    let offset = this.#known.get(key);
    if (offset === undefined || !this.#isUndamaged(key, offset, content)) {
      offset = this.#at + this.#filled;
      this.#segment.set(content, this.#filled);
      this.#filled += content.length;
      this.#written++;
      this.#known.set(key, offset);
    }
    this.#records.push({ page, kind, extent, offset, hash });
    return this.#filled + this.pageSize > SEGMENT;
  }

  /** Of a page that the file has: whether it is there as it should be. */
  #isUndamaged(key: string, offset: number, content: Uint8Array): boolean {
    if (offset >= (this.current?.block.end ?? 0) || this.trusted.has(key)) return true;
    const found = Buffer.alloc(this.pageSize);
    return readSync(this.handle.fd, found, 0, this.pageSize, offset) === this.pageSize && found.equals(content);
  }

  async flush(): Promise<void> {
    await this.#try(async () => {
      await writeAll(this.handle, this.#segment.subarray(0, this.#filled), this.#at);
      this.#at += this.#filled;
      this.#filled = 0;
    });
  }

  /** Makes what was added, with this header, the image. Whatever happens, the file holds the old one or the new one. */
  async commit(header: unknown, pause: () => Promise<void>): Promise<ImageWritten> {
    await this.flush();
    return this.#try(async () => {
      let block = await this.#finish(this.handle, header, this.#records, (this.current?.block.generation ?? 0) + 1);
      if (!this.current) await this.#replace();
      trust(this.file, await this.handle.stat(), block.generation, this.#records);
      const moved = this.#isWasteful(block) ? await this.#compact(header, block, pause) : null;
      if (moved) block = moved;
      await this.#end();
      const { generation, end } = block;
      const pages = this.#records.length;
      return { generation, pages, written: this.#written, bytes: end, compacted: moved !== null };
    });
  }

  /** Gives up: the file is what it was. */
  async abandon(): Promise<void> {
    if (this.current) await this.handle.truncate(this.current.block.end).catch(() => undefined);
    await this.#end().catch(() => undefined);
  }

  async #end(): Promise<void> {
    try {
      await this.handle.close();
      await this.claim.release();
    } finally {
      this.endTurn();
    }
  }

  /** Writes the manifest, and when that and the pages are on the disk, the superblock. */
  async #finish(
    handle: FileHandle,
    header: unknown,
    pages: readonly ImagePage[],
    generation: number,
  ): Promise<Superblock> {
    const manifest = encodeManifest({ header, pages });
    const manifestOffset = this.#at;
    const end = manifestOffset + manifest.length;
    await writeAll(handle, manifest, manifestOffset);
    await handle.truncate(end);
    await handle.sync();
    const block: Superblock = {
      generation,
      pageSize: this.pageSize,
      manifestOffset,
      manifestLength: manifest.length,
      manifestHash: sha256(manifest),
      end,
    };
    await writeAll(handle, encodeSuperblock(block), slotOf(generation));
    await handle.sync();
    return block;
  }

  /** The draft takes the file's place. */
  async #replace(): Promise<void> {
    await rename(this.claim.draft, this.file);
    await syncFolder(path.dirname(this.file));
  }

  #isWasteful({ end, manifestLength }: Superblock): boolean {
    const offsets = new Set(this.#records.map(({ offset }) => offset));
    return end >= COMPACT_LEAST && HEAD_SIZE + offsets.size * this.pageSize + manifestLength < end / 2;
  }

  /** Rewrites the image without what nobody needs. It is saved already: if there is no room for this, it stays as it is. */
  async #compact(header: unknown, block: Superblock, pause: () => Promise<void>): Promise<Superblock | null> {
    const old = await ImageReader.over(this.file, this.handle, this.pageSize);
    const draft = await open(this.claim.draft, "w+");
    try {
      await draft.chmod((await this.handle.stat()).mode & 0o777);
      const moved = await this.#copy(old, draft, header, block.generation, pause);
      await this.#replace();
      trust(this.file, await draft.stat(), moved.generation, old.manifest.pages);
      return moved;
    } catch (error) {
      if (error instanceof ImageCorruptedError) throw error;
      return null;
    } finally {
      await draft.close();
    }
  }

  async #copy(
    old: ImageReader,
    draft: FileHandle,
    header: unknown,
    generation: number,
    pause: () => Promise<void>,
  ): Promise<Superblock> {
    this.#at = HEAD_SIZE;
    const offsets = new Map<number, number>();
    const queue: Buffer[] = [];
    const write = async () => {
      const bytes = Buffer.concat(queue.splice(0));
      await writeAll(draft, bytes, this.#at);
      this.#at += bytes.length;
      await pause();
    };
    await old.read(({ offset }, content) => {
      if (offsets.has(offset)) return;
      offsets.set(offset, this.#at + queue.length * this.pageSize);
      queue.push(Buffer.from(content));
    }, write);
    await write();
    const pages = this.#records.map((page) => ({ ...page, offset: offsets.get(page.offset) as number }));
    return this.#finish(draft, header, pages, generation);
  }

  async #try<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw writeError(this.file, error);
    }
  }
}

async function openExisting(file: string): Promise<FileHandle | null> {
  try {
    const found = await stat(file);
    // Anything else (a device, a pipe) must never be opened, and still less be replaced.
    if (!found.isFile()) throw new NotAnImageError(file, "it is no file");
    return found.size > 0 ? await open(file, "r+") : null; // an empty file is as good as none
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function writeError(file: string, error: unknown): unknown {
  const isSystems = error instanceof Error && "syscall" in error;
  return isSystems ? new ImageFileError(file, "Cannot save into", error) : error;
}
