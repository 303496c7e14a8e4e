/**
 * Output of worker threads. Node pipes it through the main thread's event loop, so a worker that computes (or a main thread
 * that does) holds it back. Here it is written to the file descriptor at once, whatever any thread waits for.
 */
import { writeSync } from "node:fs";

type Callback = (error?: Error | null) => void;

export function writeOutputDirectly(): void {
  redirect(process.stdout, 1);
  redirect(process.stderr, 2);
}

function redirect(stream: NodeJS.WriteStream, descriptor: number): void {
  const write = (
    chunk: string | Uint8Array,
    encodingOrCallback?: BufferEncoding | Callback,
    callback?: Callback,
  ): boolean => {
    const encoding = typeof encodingOrCallback === "string" ? encodingOrCallback : "utf8";
    const done = typeof encodingOrCallback === "function" ? encodingOrCallback : callback;
    writeWhole(descriptor, typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
    if (done) queueMicrotask(() => done(null));
    return true;
  };
  Object.defineProperty(stream, "write", { value: write, configurable: true, writable: true });
}

const nap = new Int32Array(new SharedArrayBuffer(4));

/** Writes every byte. A full pipe (EAGAIN) is waited for; a closed one swallows the rest, as a terminal that is gone does. */
function writeWhole(descriptor: number, bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(descriptor, bytes, at, bytes.length - at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN" && code !== "EINTR") return;
      Atomics.wait(nap, 0, 0, 1);
    }
  }
}
