/** Handles on what a look at the whole heap has found: counted while the world still stands, for nothing else keeps them. */
import { addressOf, type Class, type Found, Referrers, UnknownStructError, type Wrapper } from "@ungil/heap";
import type { MainThread } from "./main.js";
import { stopWorld } from "./world.js";

/** `type`: only those of this class. */
export function objectsOf(main: MainThread, type: Class<unknown> | undefined): Wrapper[] {
  return stopWorld(main, () => wrap(main, new Referrers(main.kernel).objects(), type));
}

/** Objects that refer to any of these. */
export function referrersOf(main: MainThread, objects: readonly Wrapper[]): Wrapper[] {
  const addresses = objects.map(addressOf);
  return stopWorld(main, () => wrap(main, new Referrers(main.kernel).of(addresses)));
}

function wrap({ heap }: MainThread, found: Iterable<Found>, wanted?: Class<unknown>): Wrapper[] {
  const wraps = new Map<number, ReturnType<typeof heap.wrapOf> | null>();
  const wrapOf = (type: number) => {
    try {
      const wrap = heap.wrapOf(type);
      return wanted && !(wrap.prototype instanceof wanted) && wrap.prototype !== wanted.prototype ? null : wrap;
    } catch (error) {
      if (error instanceof UnknownStructError) return null;
      throw error;
    }
  };
  return heap.batch((scope) => {
    const handles: Wrapper[] = [];
    for (const { address, type } of found) {
      if (!wraps.has(type)) wraps.set(type, wrapOf(type));
      const wrap = wraps.get(type);
      if (wrap) handles.push(heap.keep(new wrap(address | 0, scope)));
    }
    return handles;
  });
}
