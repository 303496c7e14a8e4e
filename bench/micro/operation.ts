// An operation that is measured: it runs `n` times, and says how long that took.
import type { Mode } from "../report/shape.js";

export interface Operation {
  name: string;
  mode: Mode;
  /** The name of its floor's row, or null if it is a floor itself. */
  floor: string | null;
  /** Runs `n` times; the time in ms. */
  run(n: number): number | Promise<number>;
}

export const FLOOR = {
  load: "floor: wasm load",
  random: "floor: wasm load, random",
  atomic: "floor: wasm atomic add",
  call: "floor: call from JS",
} as const;

export function timed(work: () => void): number {
  const began = performance.now();
  work();
  return performance.now() - began;
}
