/**
 * A trace of the references that a program's threads make to virtual memory: `ungil vm record` names a file in the
 * environment, and then the instrumented builds of the kernel are taken. Lines are those of valgrind's lackey.
 */
import { appendFileSync } from "node:fs";
import * as L from "./layout.js";

/** The file, if references are to be recorded. */
export const traceFile = (): string | undefined => process.env.UNGIL_VM_TRACE || undefined;

/** Appends words of the kernel (its paging/trace.ts) to the file. Each call appends whole lines, whatever other threads do. */
export function appendTrace(file: string, words: Uint32Array): void {
  let text = "";
  for (const word of words) text += `${word & 1 ? " S" : " L"} ${((word & ~1) >>> 0).toString(16)},4\n`;
  if (text !== "") appendFileSync(file, text);
}

/** When the program ends, what the threads still have in their buffers is written as well. */
export function finishTraceAtExit(file: string, memory: { readonly buffer: ArrayBufferLike }): void {
  process.once("exit", () => {
    const words = new Uint32Array(memory.buffer);
    const control = (field: number) => words[(L.CB + field) >>> 2] as number;
    for (let slot = 1; slot < control(L.CB_SLOTS) + L.VIEWS_MAX; slot++) {
      const block = control(L.CB_THREADS) + slot * L.THREAD_BLOCK_SIZE;
      const [top, first] = [L.TB_TRACE_TOP, L.TB_TRACE_FIRST].map(
        (field) => (words[(block + field) >>> 2] as number) >>> 2,
      );
      appendTrace(file, words.slice(first, top));
    }
  });
}
