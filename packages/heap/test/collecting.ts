/** A whole collection on one machine, on a slot of its own. */
import { atCut, breakCycles, findGarbage, type Garbage, judgeGarbage, settle } from "@ungil/heap";
import { Kernel } from "@ungil/kernel";
import type { TestMachine } from "./support.js";

/** How many objects nothing led to. `between`: what is done before the first slice of judging, and after each, by its number. */
export function collect(m: TestMachine, between: (slice: number, garbage: Garbage) => void = () => undefined): number {
  const collector = new Kernel(m.handle, 5);
  m.settle(); // what is in limbo holds on to what it refers to
  const cut = atCut(collector, 1000, (taken) => taken);
  if (!cut) throw new Error("no cut");
  const work = findGarbage(collector, cut);
  let step = work.next();
  while (!step.done) step = work.next();
  m.heap.x.snapshotClose(cut.cut);
  const garbage = step.value;
  let slice = 0;
  between(slice++, garbage);
  for (const isDone of judgeGarbage(collector, cut.cut, garbage, 1000)) {
    if (!isDone) m.step(m.heap);
    between(slice++, garbage);
  }
  const addresses = Uint32Array.from(garbage.addresses());
  for (const isDone of breakCycles(collector, cut.cut, addresses, 1000)) if (!isDone) m.step(m.heap);
  for (let n = 0; n < 1000 && settle(collector) !== 0; n++) m.step(m.heap);
  m.settle();
  return garbage.found;
}
