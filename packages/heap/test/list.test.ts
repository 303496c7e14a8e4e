/** List, against a JavaScript array. */
import { Dict, f64, id, List, scope, struct } from "@ungil/heap";
import fc from "fast-check";
import { expect, it } from "vitest";
import { failure, inBothModes, machine, seed } from "./support.js";

class Node extends struct("Node", { value: f64 }) {}

type Model = unknown[];
/** What a list holds, made comparable: nodes by identity. */
const shown = (value: unknown): unknown => (value instanceof Node ? `node ${id(value)} ${value.value}` : value);

const scalar = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, Number.MIN_VALUE, 2 ** 53),
  fc.string({ maxLength: 10 }),
  fc.boolean(),
  fc.constantFrom(null, undefined, "x".repeat(300), "→"),
);
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("push" as const), value: scalar }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pushNode" as const), value: fc.integer() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pop" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("set" as const), at: fc.nat(), value: scalar }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("get" as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("all" as const) }) },
);

inBothModes((gil) => {
  it("behaves like an array, whatever is done to it", () => {
    const m = machine({ gil });
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 120 }),
        fc.array(scalar, { maxLength: 20 }),
        fc.boolean(),
        (commands, initial, inBatch) => {
          const list = new List<unknown>(initial);
          const model: Model = [...initial];
          const run = () => {
            for (const one of commands) {
              const at = "at" in one ? one.at % (model.length + 1) : 0;
              if (one.do === "push") expect(list.push(one.value)).toBe(model.push(one.value));
              else if (one.do === "pushNode") {
                const node = new Node({ value: one.value });
                expect(list.push(node)).toBe(model.push(shown(node)));
              } else if (one.do === "pop") expect(shown(list.pop())).toBe(model.pop());
              else if (one.do === "get") expect(shown(list.get(at))).toBe(model[at]);
              else if (one.do === "all") expect(list.toArray().map(shown)).toEqual(model);
              else if (at < model.length) {
                list.set(at, one.value);
                model[at] = one.value;
              }
              expect(list.length).toBe(model.length);
            }
            expect([...list].map(shown)).toEqual(model);
          };
          if (inBatch) m.heap.batch(run);
          else run();
          list[Symbol.dispose]();
        },
      ),
      { numRuns: 120, seed: seed("list") },
    );
  });

  it("has no element beyond its end, below 0, between, or at what is no number", () => {
    const { heap } = machine({ gil });
    const list = new List([1, 2, 3]);
    const check = () => {
      for (const index of [3, 4, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -1, 0.5, Number.NaN, Infinity, "0", null, undefined]) {
        expect(list.get(index as number)).toBeUndefined();
        expect(failure(() => list.set(index as number, 9))).toBe(
          `INDEX: Index ${typeof index === "string" ? '"0"' : String(index)} is not one of a List of length 3`,
        );
      }
      expect(list.toArray()).toEqual([1, 2, 3]);
    };
    check();
    heap.batch(check);
    const empty = new List();
    expect([empty.get(0), empty.pop(), empty.length, empty.toArray()]).toEqual([undefined, undefined, 0, []]);
    expect(failure(() => empty.set(0, 1))).toBe("INDEX: Index 0 is not one of a List of length 0");
  });

  it("keeps its elements while it grows, to a run of pages and beyond, and shrinks", () => {
    const m = machine({ gil, mib: 32 });
    const list = new List<number | string>();
    m.heap.batch(() => {
      for (let n = 0; n < 300_000; n++) expect(list.push(n % 7 ? n : `s${n % 1000}`)).toBe(n + 1);
      for (let n = 0; n < 300_000; n += 997) expect(list.get(n)).toBe(n % 7 ? n : `s${n % 1000}`);
      for (let n = 299_999; n >= 1000; n--) list.pop();
      expect(list.length).toBe(1000);
      expect(list.get(999)).toBe(999);
      expect(list.get(1000)).toBeUndefined();
      for (let n = 0; n < 500; n++) list.push(-n);
      expect([list.get(1000), list.get(1499), list.length]).toEqual([-0, -499, 1500]);
    });
  });

  it("takes items of any iterable, and may hold itself and others", () => {
    const m = machine({ gil });
    expect(new List(new Set([1, 2])).toArray()).toEqual([1, 2]);
    expect(new List("ab").toArray()).toEqual(["a", "b"]);
    expect(
      new List(
        (function* () {
          yield 5;
        })(),
      ).toArray(),
    ).toEqual([5]);
    const other = new List<unknown>([new List([1]), new Dict([["a", 1]])]);
    expect((other.get(0) as List<number>).get(0)).toBe(1);
    expect((other.get(1) as Dict<string, number>).get("a")).toBe(1);
    other.push(other);
    expect((other.get(2) as List<unknown>).length).toBe(3);
    other.pop();
    m.settle();
  });

  it("is made from an iterable, and from nothing else", () => {
    const { heap } = machine({ gil });
    for (const run of [(use: () => unknown) => use(), (use: () => unknown) => heap.batch(use)]) {
      for (const wrong of [5, { length: 1 }, () => 1])
        expect(failure(() => run(() => new List(wrong as never)))).toMatch(
          /^OPTION: new List\(\): its argument must be an iterable of values, not /,
        );
    }
    expect([...new List("abc")]).toEqual(["a", "b", "c"]);
  });

  it("a walk sees each element as it is then", () => {
    machine({ gil });
    const list = new List([1, 2, 3]);
    const seen: number[] = [];
    for (const n of list) {
      seen.push(n);
      if (n === 1) list.set(1, 20);
      if (n === 3) list.push(4);
      if (n === 4) list.pop();
    }
    expect(seen).toEqual([1, 20, 3, 4]);
  });

  it("releases what it lets go: replaced, popped, dropped", () => {
    const m = machine({ gil });
    scope(() => {
      const list = new List<unknown>();
      for (let n = 0; n < 500; n++) list.push(new Node({ value: n }));
      for (let n = 0; n < 200; n++) list.set(n, n % 2 ? null : new List([n]));
      for (let n = 0; n < 100; n++) list.pop();
    });
    m.settle();
    expect(m.objects()).toBe(m.typeStrings());
  });
});
