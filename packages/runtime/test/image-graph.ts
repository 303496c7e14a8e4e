// Random heaps, and plain JavaScript graphs that must be equal to them.
import { Dict, is, isWrapper, List } from "@ungil/heap";
import { Thing } from "./fixtures/images.mjs";
import type { LooseRuntime } from "./helpers.js";

type Random = (n: number) => number;

export function random(from: number): Random {
  let state = from | 0;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

/** A shared object, and the plain one that it must be equal to. */
export interface Twin {
  shared: any;
  plain: any;
}

const texts = (draw: Random): string => {
  const kind = draw(8);
  if (kind === 0) return "";
  if (kind === 1) return `wide € ${draw(50)}`;
  if (kind === 2) return `${"long ".repeat(60 + draw(20))}${draw(5)}`;
  if (kind === 3) return `${"wide and long 語 ".repeat(40)}${draw(5)}`;
  return `text ${draw(200)}`;
};

const numbers = (draw: Random): number =>
  [draw(100), -draw(1000), draw(1e9) / 7, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40 + draw(9)][draw(6)] as number;

/** A value for a list or a dict: plain, copied, or one of the shared objects. */
function value(draw: Random, twins: Twin[]): Twin {
  const same = (plain: unknown) => ({ shared: plain, plain });
  switch (draw(9)) {
    case 0:
      return same(numbers(draw));
    case 1:
      return same(texts(draw));
    case 2:
      return same([null, true, false, undefined][draw(4)]);
    case 3:
      return same(BigInt(draw(1e9)) ** 3n * (draw(2) ? 1n : -1n));
    case 4: {
      const inner = twins[draw(twins.length)] as Twin;
      const [n, text] = [numbers(draw), texts(draw)];
      return { shared: [n, { text, inner: inner.shared }], plain: [n, { text, inner: inner.plain }] };
    }
    default:
      return twins[draw(twins.length)] as Twin;
  }
}

/** Makes `size` objects that refer to each other at random, also in cycles; the first one leads to all of them. */
export function build(rt: LooseRuntime, draw: Random, size: number): Twin {
  const all: Twin = { shared: rt.new(List), plain: { list: [] } };
  const twins: Twin[] = [all];
  rt.scope(() => {
    for (let n = 0; n < size; n++) {
      const twin = make(draw);
      all.shared.push(twin.shared);
      all.plain.list.push(twin.plain);
      twins.push(twin);
    }
    for (const twin of twins.slice(1)) change(draw, twin, twins);
  });
  return all;
}

function make(draw: Random): Twin {
  switch (draw(3)) {
    case 0:
      return { shared: new List(), plain: { list: [] } };
    case 1:
      return { shared: new Dict(), plain: { dict: new Map() } };
    default: {
      const fields = { text: texts(draw), double: numbers(draw), int: -draw(9), uint: draw(9), flag: draw(2) === 1 };
      return {
        shared: new Thing(fields),
        plain: { thing: { ...fields, next: null, items: null, table: null } },
      };
    }
  }
}

/** Changes an object and its twin alike. */
export function change(draw: Random, { shared, plain }: Twin, twins: Twin[]): void {
  if (plain.list) {
    for (let n = draw(30); n > 0; n--) {
      const item = value(draw, twins);
      shared.push(item.shared);
      plain.list.push(item.plain);
    }
    for (let n = draw(4); n > 0 && plain.list.length > 0; n--) {
      shared.pop();
      plain.list.pop();
    }
  } else if (plain.dict) {
    for (let n = draw(40); n > 0; n--) {
      const key = draw(2) ? texts(draw) : numbers(draw);
      const item = value(draw, twins);
      shared.set(key, item.shared);
      plain.dict.set(key, item.plain);
      if (draw(4) > 0) continue;
      shared.delete(key);
      plain.dict.delete(key);
    }
  } else {
    const { thing } = plain;
    const pick = (has: string) => {
      const found = twins.filter((one) => has in one.plain);
      return draw(3) === 0 || found.length === 0 ? { shared: null, plain: null } : (found[draw(found.length)] as Twin);
    };
    for (const [field, has] of [
      ["next", "thing"],
      ["items", "list"],
      ["table", "dict"],
    ] as const) {
      const target = pick(has);
      shared[field] = target.shared;
      thing[field] = target.plain;
    }
    shared.text = thing.text = texts(draw);
    shared.double = thing.double = numbers(draw);
  }
}

/** Says where a shared graph differs from a plain one; "" if nowhere. Each pair of objects is compared once. */
export function difference(shared: any, plain: any): string {
  const seen = new Map<unknown, any>();
  const queue: [any, any, string][] = [[shared, plain, "root"]];
  for (let next = queue.pop(); next; next = queue.pop()) {
    const [a, b, path] = next;
    if (typeof b !== "object" || b === null) {
      if (!Object.is(a, b) && !(a === 0 && b === 0)) return `${path}: ${String(a)} is not ${String(b)}`;
      continue;
    }
    if (!isWrapper(a)) {
      const [left, right] = [Object.keys(a ?? {}), Object.keys(b)];
      if (left.join() !== right.join()) return `${path}: ${left} is not ${right}`;
      for (const key of right) queue.push([a[key], b[key], `${path}.${key}`]);
      continue;
    }
    const before = seen.get(b);
    if (before) {
      if (!is(a as never, before)) return `${path}: not the object that was found before`;
      continue;
    }
    seen.set(b, a);
    queue.push(...parts(a, b, path));
    const sizes = [(a as any).length ?? (a as any).size, b.list?.length ?? b.dict?.size];
    if (!b.thing && sizes[0] !== sizes[1]) return `${path}: it has ${sizes[0]} and not ${sizes[1]}`;
  }
  return "";
}

function parts(a: any, b: any, path: string): [any, any, string][] {
  if (b.list) return b.list.map((item: unknown, n: number) => [a.get(n), item, `${path}[${n}]`]);
  if (b.dict) return [...b.dict].map(([key, item]) => [a.get(key), item, `${path}{${String(key).slice(0, 20)}}`]);
  return Object.entries(b.thing).map(([field, item]) => [a[field], item, `${path}.${field}`]);
}
