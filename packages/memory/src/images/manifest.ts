/**
 * A manifest: what a heap consists of. A header that says what only its owner understands (JSON), and a record for each page:
 * where it was in virtual memory, and where in the file its content is, under its hash.
 *
 *   u32 length of the header | header, UTF-8 | records of RECORD_SIZE bytes
 */
import { ImageCorruptedError } from "./errors.js";

export const HASH_SIZE = 32;
export const RECORD_SIZE = 56;

/** A page, as a manifest has it. */
export interface ImagePage {
  /** Number of the virtual page. */
  readonly page: number;
  /** What kind of page it is, and how large what is on it: the owner's. */
  readonly kind: number;
  readonly extent: number;
  /** Where its content is in the file, and its hash (SHA-256). */
  readonly offset: number;
  readonly hash: Buffer;
}

export interface Manifest {
  readonly header: unknown;
  readonly pages: readonly ImagePage[];
}

export function encodeManifest({ header, pages }: Manifest): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const bytes = Buffer.alloc(4 + text.length + pages.length * RECORD_SIZE);
  bytes.writeUInt32LE(text.length, 0);
  text.copy(bytes, 4);
  let at = 4 + text.length;
  for (const { page, kind, extent, offset, hash } of pages) {
    bytes.writeUInt32LE(page, at);
    bytes.writeUInt32LE(kind, at + 4);
    bytes.writeUInt32LE(extent, at + 8);
    bytes.writeBigUInt64LE(BigInt(offset), at + 16);
    hash.copy(bytes, at + 24);
    at += RECORD_SIZE;
  }
  return bytes;
}

/** Its hash was right, so what is wrong here was written so. */
export function decodeManifest(file: string, bytes: Buffer): Manifest {
  const start = 4 + bytes.readUInt32LE(0);
  const count = (bytes.length - start) / RECORD_SIZE;
  if (!Number.isInteger(count) || count < 0) throw new ImageCorruptedError(file, "its manifest has no whole records");
  const pages: ImagePage[] = [];
  for (let at = start; at < bytes.length; at += RECORD_SIZE) {
    pages.push({
      page: bytes.readUInt32LE(at),
      kind: bytes.readUInt32LE(at + 4),
      extent: bytes.readUInt32LE(at + 8),
      offset: Number(bytes.readBigUInt64LE(at + 16)),
      hash: bytes.subarray(at + 24, at + 24 + HASH_SIZE),
    });
  }
  try {
    return { header: JSON.parse(bytes.toString("utf8", 4, start)), pages };
  } catch (cause) {
    throw new ImageCorruptedError(file, "the header of its manifest cannot be read", { cause });
  }
}
