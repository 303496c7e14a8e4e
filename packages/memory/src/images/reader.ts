/** An image that is there: what its current superblock leads to, each part of it checked before it is believed. */
import { type FileHandle, open, stat } from "node:fs/promises";
import { ImageCorruptedError, ImageFileError, NotAnImageError } from "./errors.js";
import { nameOf, readAll } from "./files.js";
import { decodeManifest, type ImagePage, type Manifest } from "./manifest.js";
import { HEAD_SIZE, readSuperblock, type Superblock, sha256 } from "./superblock.js";
import { trust } from "./trust.js";

/** Bytes that are read at a time. */
const SEGMENT = 1 << 20;

export class ImageReader {
  private constructor(
    readonly file: string,
    readonly handle: FileHandle,
    readonly block: Superblock,
    readonly manifest: Manifest,
  ) {}

  /** Opens an image and checks its head and its manifest; its pages are checked when they are read. */
  static async open(name: string, pageSize: number): Promise<ImageReader> {
    const file = await nameOf(name);
    let handle: FileHandle;
    try {
      if (!(await stat(file)).isFile()) throw new NotAnImageError(file, "it is no file");
      handle = await open(file, "r");
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT")
        throw new NotAnImageError(file, "there is no such file", { cause });
      throw readError(file, cause);
    }
    try {
      return await ImageReader.over(file, handle, pageSize);
    } catch (error) {
      await handle.close();
      throw readError(file, error);
    }
  }

  /** The same over a file that is open. */
  static async over(file: string, handle: FileHandle, pageSize: number): Promise<ImageReader> {
    const { size } = await handle.stat();
    const block = await readSuperblock(handle, file, size, pageSize);
    const { manifestOffset, manifestLength, end } = block;
    if (manifestOffset < HEAD_SIZE || manifestLength < 4 || manifestOffset + manifestLength > end)
      throw new ImageCorruptedError(file, "its manifest lies outside of it");
    const bytes = Buffer.alloc(manifestLength);
    await readAll(handle, file, bytes, manifestOffset);
    if (!sha256(bytes).equals(block.manifestHash))
      throw new ImageCorruptedError(file, `its manifest (byte ${manifestOffset}) is not what was written`);
    const manifest = decodeManifest(file, bytes);
    for (const { page, offset } of manifest.pages) {
      if (offset < HEAD_SIZE || offset + pageSize > end)
        throw new ImageCorruptedError(file, `page ${page} lies outside of it`);
    }
    return new ImageReader(file, handle, block, manifest);
  }

  /** Its pages, in the order in which they are read fastest. */
  pagesInOrder(): ImagePage[] {
    return [...this.manifest.pages].sort((a, b) => a.offset - b.offset);
  }

  /** Hands out the content of every page, checked, in that order or another one. `pause` is called now and then. */
  async read(
    each: (page: ImagePage, content: Buffer) => void,
    pause: () => Promise<void>,
    pages: readonly ImagePage[] = this.pagesInOrder(),
  ): Promise<void> {
    try {
      await this.#read(each, pause, pages);
      trust(this.file, await this.handle.stat(), this.block.generation, this.manifest.pages);
    } catch (error) {
      throw readError(this.file, error);
    }
  }

  async #read(
    each: (page: ImagePage, content: Buffer) => void,
    pause: () => Promise<void>,
    pages: readonly ImagePage[],
  ): Promise<void> {
    const { pageSize } = this.block;
    const segment = Buffer.alloc(SEGMENT);
    for (let first = 0; first < pages.length; ) {
      const start = (pages[first] as ImagePage).offset;
      let last = first;
      let end = start + pageSize;
      for (; last + 1 < pages.length; last++) {
        const next = (pages[last + 1] as ImagePage).offset;
        if (next < start || next > end || next + pageSize - start > SEGMENT) break;
        end = Math.max(end, next + pageSize);
      }
      await readAll(this.handle, this.file, segment.subarray(0, end - start), start);
      for (; first <= last; first++) {
        const page = pages[first] as ImagePage;
        const content = segment.subarray(page.offset - start, page.offset - start + pageSize);
        if (!sha256(content).equals(page.hash))
          throw new ImageCorruptedError(this.file, `page ${page.page} (byte ${page.offset}) is not what was written`);
        each(page, content);
        if (first % 64 === 0) await pause();
      }
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** What the operating system says, as one of ours. */
function readError(file: string, error: unknown): unknown {
  const isSystems = error instanceof Error && "syscall" in error;
  return isSystems ? new ImageFileError(file, "Cannot read the image", error) : error;
}
