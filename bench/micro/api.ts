// Operations from JavaScript, through the public API, as a coroutine on a worker thread does them.
import {
  type Class,
  coroutines,
  Dict,
  f64,
  List,
  lock,
  type Runtime,
  ref,
  type Steps,
  scope,
  spawn,
  struct,
} from "ungil";
import { FLOOR, type Operation, timed } from "./operation.js";

class Point extends struct("bench.Point", { x: f64, next: ref((): Class<Point> => Point) }) {}
class Pair extends struct("bench.Pair", {
  left: ref((): Class<Pair> => Pair),
  right: ref((): Class<Pair> => Pair),
}) {}

const GROUP = 64;
const ENTRIES = 256;
const RING = ENTRIES - 1;

export const { loop, lockLoop, spawnLoop, nothing } = coroutines(import.meta, {
  /** An operation that does not wait. */
  *loop(name: string, n: number) {
    return scope(() => LOOPS[name]!(n));
  },

  *lockLoop(n: number) {
    const point = new Point();
    const began = performance.now();
    for (let i = 0; i < n; i++) (yield* lock(point)).release();
    return performance.now() - began;
  },

  *spawnLoop(n: number): Steps<number> {
    const began = performance.now();
    for (let i = 0; i < n; i++) yield* yield* spawn(nothing);
    return performance.now() - began;
  },

  *nothing() {},
});

const LOOPS: Record<string, (n: number) => number> = {
  "alloc + free": (n) =>
    timed(() => {
      for (let i = 0; i < n; i += GROUP) {
        scope(() => {
          for (let k = 0; k < GROUP; k++) new Pair();
        });
      }
    }),
  "field get": (n) => {
    const point = new Point({ x: 1 });
    return timed(() => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += point.x;
      return sum;
    });
  },
  "field set": (n) => {
    const point = new Point();
    return timed(() => {
      for (let i = 0; i < n; i++) point.x = i;
    });
  },
  "reference get": (n) => {
    const point = new Point({ next: new Point() });
    return timed(() => {
      for (let i = 0; i < n; i += GROUP) {
        scope(() => {
          for (let k = 0; k < GROUP; k++) point.next;
        });
      }
    });
  },
  "dict get": (n) => {
    const dict = full();
    return timed(() => {
      for (let i = 0; i < n; i++) dict.get(KEYS[i & RING]!);
    });
  },
  "dict set": (n) => {
    const dict = full();
    return timed(() => {
      for (let i = 0; i < n; i++) dict.set(KEYS[i & RING]!, i);
    });
  },
  "list get": (n) => {
    const list = new List(Array.from({ length: ENTRIES }, (_, at) => at));
    return timed(() => {
      for (let i = 0; i < n; i++) list.get(i & RING);
    });
  },
  "list push + pop": (n) => {
    const list = new List<number>();
    return timed(() => {
      for (let i = 0; i < n; i += ENTRIES) {
        for (let k = 0; k < ENTRIES; k++) list.push(k);
        for (let k = 0; k < ENTRIES; k++) list.pop();
      }
    });
  },
};

const KEYS = Array.from({ length: ENTRIES }, (_, at) => `key ${at}`);

function full(): Dict<string, number> {
  return new Dict(KEYS.map((key, at): [string, number] => [key, at]));
}

export function apiOperations(rt: Runtime): Operation[] {
  const fromJs = (name: string, run: (n: number) => Promise<number>): Operation => ({
    name: `${name}, from JS`,
    mode: rt.mode,
    floor: FLOOR.call,
    run,
  });
  return [
    ...Object.keys(LOOPS).map((name) => fromJs(name, (n) => rt.run(loop, name, n))),
    fromJs("lock + unlock", (n) => rt.run(lockLoop, n)),
    fromJs("spawn + join", (n) => rt.run(spawnLoop, n)),
  ];
}
