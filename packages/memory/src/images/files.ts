/** Files as images use them: whole reads and writes, and folders that remember what was renamed in them. */
import { type FileHandle, open, realpath } from "node:fs/promises";
import path from "node:path";
import { ImageCorruptedError } from "./errors.js";

/** The one name of a file, whether it is there or not. */
export async function nameOf(file: string): Promise<string> {
  const full = path.resolve(file);
  try {
    return await realpath(full);
  } catch {
    const folder = await realpath(path.dirname(full)).catch(() => path.dirname(full));
    return path.join(folder, path.basename(full));
  }
}

export async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

/** Fills `bytes`, or refuses the file. */
export async function readAll(handle: FileHandle, file: string, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, at + done);
    if (bytesRead === 0)
      throw new ImageCorruptedError(file, `it ends after ${at + done} bytes, in the middle of something`);
    done += bytesRead;
  }
}

/** A rename is on the disk when its folder is. Where a folder cannot be opened (Windows) the system sees to it. */
export async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(folder, "r");
  } catch {
    return;
  }
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
