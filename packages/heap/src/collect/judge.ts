/**
 * Garbage that can still be reached through weak cells is judged before anything is broken. The order of it all is in the kernel's
 * collect/judgement.ts; what has been reached since the cut is spared, with all that it led to at the cut.
 *
 * Destructors run first, on what is whole: their objects, and all that these lead to, are left to the next collection, which finds them
 * again unless somebody has stored them (PEP 442, but that others go on meanwhile).
 */
import { type Kernel, Layout as L } from "@ungil/kernel";
import { batchSince, each } from "./collector.js";
import type { Garbage } from "./garbage.js";

type List = (list: number, from: number, until: number) => number;

/**
 * In slices, each a batch: true when one has been done, false if others must go on first. If no grace period comes to an end within
 * `patience` ms, all that can be reached through cells is spared.
 */
export function* judgeGarbage(kernel: Kernel, cut: number, garbage: Garbage, patience: number): Generator<boolean> {
  const { weakTargets } = garbage.graph;
  let accused = weakTargets.filter((n) => garbage.isGarbage(n));
  if (accused.length === 0) return;
  const x = kernel.exports;
  const frame = x.imageFrameTake() >>> 0;
  if (!frame) return yield* spareAll(garbage, accused); // there will be another time
  const on = (numbers: Iterable<number>, list: List) => {
    const meant = new Set(numbers);
    const addresses = Uint32Array.from(garbage.graph.addresses((n) => meant.has(n)));
    return each(kernel, cut, frame, addresses, (from, until) => list(frame, from, until));
  };
  try {
    yield* on(accused, x.weakCondemn);
    if (!(yield* grace(kernel, cut, patience))) {
      yield* on(accused, x.weakPardon);
      return yield* spareAll(garbage, accused);
    }
    for (;;) {
      const seen = Atomics.load(kernel.u32, (L.CB + L.CB_WEAK_JUDGEMENT) >>> 2);
      yield* spareAll(garbage, yield* reached(kernel, cut, garbage, accused));
      const pardoned = accused.filter((n) => !garbage.isGarbage(n));
      accused = accused.filter((n) => garbage.isGarbage(n));
      yield* on(pardoned, x.weakPardon); // before the sentence, which is not theirs
      if (x.weakSentence(seen)) break;
    }
    yield* on(
      garbage.graph.cells.filter((n) => garbage.isGarbage(n)),
      x.weakMute,
    );
    yield* on(accused, x.weakClearAll);
    const destructed = garbage.graph.destructed.filter((n) => garbage.isGarbage(n));
    yield* spareAll(garbage, destructed);
    yield* on(
      accused.filter((n) => !garbage.isGarbage(n)),
      x.weakPardon,
    );
    yield* on(destructed, x.weakDestructors);
  } finally {
    x.imageFrameGive(frame);
  }
}

function* spareAll(garbage: Garbage, numbers: readonly number[]): Generator<boolean> {
  for (const n of numbers) for (const _ of garbage.spare(n)) yield true;
}

/** Waits until every thread has passed a safepoint; false if it takes too long. */
function* grace(kernel: Kernel, cut: number, patience: number): Generator<boolean, boolean> {
  const late = performance.now() + patience;
  const before = kernel.control(L.CB_EPOCH);
  for (let rounds = 0; ; rounds++) {
    const epoch = batchSince(kernel, cut, () => kernel.exports.weakGrace());
    if (((epoch - before) | 0) >= 2) return true;
    if (performance.now() > late) return false;
    yield rounds < 2;
  }
}

/** Those of the accused that have been reached since the cut. */
function* reached(kernel: Kernel, cut: number, garbage: Garbage, accused: number[]): Generator<boolean, number[]> {
  const found: number[] = [];
  const meant = new Set(accused);
  const addresses = [...garbage.graph.addresses((n) => meant.has(n))];
  for (let from = 0; from < addresses.length; from += 512) {
    batchSince(kernel, cut, () => {
      for (const address of addresses.slice(from, from + 512))
        if (kernel.exports.weakUpgradedSince(address, cut)) found.push(garbage.graph.at(address));
    });
    yield true;
  }
  return found;
}
