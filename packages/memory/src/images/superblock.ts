/**
 * The head of an image: two superblocks, of which each save writes the one that is not in use. A superblock names a manifest, the
 * manifest names pages, and nothing that the current superblock leads to is ever written again, so a save that is cut off at any
 * moment leaves the image as it was (shadow paging: Lorie 1977; two slots with generations, as in LMDB's meta pages).
 *
 *   slot 0 | slot 1 | pages and manifests, appended ...        all numbers little-endian
 *
 *   pages, manifest --fsync--> superblock (generation + 1, checksum) --fsync--> saved
 *
 * A superblock whose checksum is wrong was being written when a save was cut off: the other one holds.
 */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { ImageCorruptedError, ImageVersionError, NotAnImageError } from "./errors.js";

/** Bytes of a slot: what a disk writes at once, or more. */
export const SLOT_SIZE = 4096;
export const HEAD_SIZE: number = 2 * SLOT_SIZE;
export const FORMAT_VERSION = 1;

const MAGIC = Buffer.from("UNGILIMG", "latin1");
const CHECKED = 96; // bytes under the checksum, which comes after them

export interface Superblock {
  /** Grows by one with each save; its lowest bit is the slot. */
  readonly generation: number;
  readonly pageSize: number;
  readonly manifestOffset: number;
  readonly manifestLength: number;
  readonly manifestHash: Buffer;
  /** Where what it leads to ends: what comes after belongs to nobody. */
  readonly end: number;
}

export const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

export const slotOf = (generation: number): number => (generation & 1) * SLOT_SIZE;

export function encodeSuperblock(block: Superblock): Buffer {
  const bytes = Buffer.alloc(SLOT_SIZE);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(FORMAT_VERSION, 8);
  bytes.writeUInt32LE(block.pageSize, 12);
  bytes.writeBigUInt64LE(BigInt(block.generation), 16);
  bytes.writeBigUInt64LE(BigInt(block.manifestOffset), 24);
  bytes.writeBigUInt64LE(BigInt(block.manifestLength), 32);
  bytes.writeBigUInt64LE(BigInt(block.end), 40);
  block.manifestHash.copy(bytes, 48);
  sha256(bytes.subarray(0, CHECKED)).copy(bytes, CHECKED);
  return bytes;
}

interface Slot {
  readonly hasMagic: boolean;
  readonly isWhole: boolean;
  readonly version: number;
  readonly block: Superblock;
}

function decodeSlot(bytes: Buffer): Slot {
  const wide = (offset: number) => Number(bytes.readBigUInt64LE(offset));
  return {
    hasMagic: bytes.subarray(0, MAGIC.length).equals(MAGIC),
    isWhole: sha256(bytes.subarray(0, CHECKED)).equals(bytes.subarray(CHECKED, CHECKED + 32)),
    version: bytes.readUInt32LE(8),
    block: {
      pageSize: bytes.readUInt32LE(12),
      generation: wide(16),
      manifestOffset: wide(24),
      manifestLength: wide(32),
      end: wide(40),
      manifestHash: Buffer.from(bytes.subarray(48, 80)),
    },
  };
}

/** The superblock that holds. `size`: of the file. */
export async function readSuperblock(
  handle: FileHandle,
  file: string,
  size: number,
  pageSize: number,
): Promise<Superblock> {
  const head = Buffer.alloc(HEAD_SIZE);
  await handle.read(head, 0, HEAD_SIZE, 0);
  const slots = [0, SLOT_SIZE].map((at) => decodeSlot(head.subarray(at, at + SLOT_SIZE)));
  if (!slots.some(({ hasMagic }) => hasMagic)) throw new NotAnImageError(file, "it does not begin as one does");
  const whole = slots.filter(({ hasMagic, isWhole }) => hasMagic && isWhole);
  const [newest] = whole.sort((a, b) => b.block.generation - a.block.generation);
  if (!newest)
    throw new ImageCorruptedError(
      file,
      size < HEAD_SIZE ? `it ends after ${size} bytes, in its head` : "neither of its superblocks is whole",
    );
  if (newest.version !== FORMAT_VERSION)
    throw new ImageVersionError(file, "its format", `version ${newest.version}`, `version ${FORMAT_VERSION}`);
  const { block } = newest;
  if (block.pageSize !== pageSize)
    throw new ImageVersionError(file, "the size of its pages", `${block.pageSize} bytes`, pageSize);
  if (block.end > size)
    throw new ImageCorruptedError(file, `it ends after ${size} bytes, and ${block.end} have been written`);
  return block;
}
