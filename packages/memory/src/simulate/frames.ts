/** Numbers of frames as people write them: "3,4" or "100-1000:100", or both. */
import { SimulationError } from "../errors.js";
import { CAPACITY_MAX } from "../policies/index.js";

const MOST = 10_000;

/** Ascending, each once. A range without a step has one of 1. */
export function parseFrames(text: string): number[] {
  const frames = new Set<number>();
  for (const part of text.split(",")) {
    const [, first, last = first, step = "1"] = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part.trim()) ?? [];
    const [from, to, by] = [Number(first), Number(last), Number(step)];
    if (!(from >= 1 && to >= from && to <= CAPACITY_MAX && by >= 1)) {
      throw new SimulationError(
        `"${part}" is no number of frames: 3, or a range like 100-1000:100, up to ${CAPACITY_MAX}`,
      );
    }
    if ((to - from) / by + frames.size >= MOST)
      throw new SimulationError(`"${text}" is more than ${MOST} numbers of frames`);
    for (let count = from; count <= to; count += by) frames.add(count);
  }
  return [...frames].sort((a, b) => a - b);
}
