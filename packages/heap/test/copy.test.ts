/** Plain arrays and objects, and bigints: copied, with the shared objects in them shared. */

import { inspect, isDeepStrictEqual } from "node:util";
import { runInNewContext } from "node:vm";
import { Dict, f64, id, List, struct } from "@ungil/heap";
import fc from "fast-check";
import { expect, it } from "vitest";
import { failure, inBothModes, machine, seed } from "./support.js";

class Node extends struct("Node", { value: f64 }) {}

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.double(),
    fc.string(),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.bigInt(),
    fc.array(tie("any"), { maxLength: 6 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "length", "0", "")), tie("any"), {
      maxKeys: 6,
      noNullPrototype: true,
    }),
  ),
})).any;

inBothModes((gil) => {
  it("come back equal, and new each time", () => {
    const { heap } = machine({ gil });
    const list = new List<unknown>([null]);
    const dict = new Dict<string, unknown>();
    fc.assert(
      fc.property(value, (one) => {
        list.set(0, one);
        dict.set("k", one);
        expect(isDeepStrictEqual([list.get(0)], [one])).toBe(true);
        heap.batch(() => expect(isDeepStrictEqual([dict.get("k")], [one])).toBe(true));
        if (typeof one === "object" && one !== null) expect(list.get(0)).not.toBe(list.get(0));
      }),
      { numRuns: 200, seed: seed("copies") },
    );
  });

  it("bigints of any size and sign", () => {
    machine({ gil });
    const list = new List<bigint>([0n]);
    for (const n of [0n, -0n, 1n, -1n, 2n ** 64n, -(2n ** 64n), 2n ** 4000n + 1n, -(10n ** 300n)]) {
      list.set(0, n);
      expect(list.get(0)).toBe(n);
    }
  });

  it("shared objects inside are the same objects", () => {
    const { heap } = machine({ gil });
    const node = new Node({ value: 1 });
    const list = new List<unknown>([{ node, deep: [node, { again: node }] }]);
    const out = list.get(0) as { node: Node; deep: [Node, { again: Node }] };
    expect([out.node, out.deep[0], out.deep[1].again].map((one) => id(one))).toEqual([id(node), id(node), id(node)]);
    out.node.value = 7;
    expect([node.value, out.deep[1].again.value]).toEqual([7, 7]);
    heap.batch(() => expect((list.get(0) as typeof out).deep[0].value).toBe(7));
  });

  it("holes become undefined, inherited and symbol keys stay behind, null prototypes become plain", () => {
    machine({ gil });
    const inherited = Object.assign(Object.create(null), { own: 1 });
    const list = new List<unknown>([
      [1, , 3],
      inherited,
      { [Symbol("s")]: 1, a: 2 },
      Object.defineProperty({ a: 1 }, "hidden", { value: 2 }),
    ]);
    expect(list.toArray()).toStrictEqual([[1, undefined, 3], { own: 1 }, { a: 2 }, { a: 1 }]);
  });

  it("the same plain object twice is two copies, not a cycle", () => {
    machine({ gil });
    const part = { x: 1 };
    const list = new List<unknown>([[part, part, { part }]]);
    expect(list.get(0)).toEqual([{ x: 1 }, { x: 1 }, { part: { x: 1 } }]);
  });

  it("refuses a cycle, and says where it begins and ends", () => {
    const { heap } = machine({ gil });
    const list = new List<unknown>();
    const inner: Record<string, unknown> = { b: [0] };
    (inner.b as unknown[]).push({ inner });
    const array: unknown[] = [];
    array.push(array);
    for (const run of [(use: () => unknown) => use(), (use: () => unknown) => heap.batch(use)]) {
      expect(failure(() => run(() => list.push({ a: inner })))).toBe(
        "NOT_SHAREABLE: The value pushed.a.b[1].inner is The value pushed.a again: a plain object that contains itself cannot be copied. Make a struct of it, which is shared and may be part of a cycle.",
      );
      expect(failure(() => run(() => list.push(array)))).toContain(
        "The value pushed[0] is The value pushed again: a plain array that contains itself",
      );
      expect(list.length).toBe(0);
    }
  });

  it("refuses what cannot be shared, and names the path", () => {
    const { heap } = machine({ gil });
    const list = new List<unknown>();
    const dict = new Dict<string, unknown>();
    class Mine {
      x = 1;
    }
    const cases: [unknown, string][] = [
      [() => 1, "The value pushed is function (anonymous)"],
      [Symbol("s"), "The value pushed is Symbol(s)"],
      [new Map(), "The value pushed is an object of class Map"],
      [new Date(), "The value pushed is an object of class Date"],
      [new Uint8Array(2), "The value pushed is an object of class Uint8Array"],
      [Promise.resolve(), "The value pushed is an object of class Promise"],
      [new Mine(), "The value pushed is an object of class Mine"],
      [{ a: [1, { b: new Set() }] }, "The value pushed.a[1].b is an object of class Set"],
      [[[[function f() {}]]], "The value pushed[0][0][0] is function f"],
      [{ "odd key": { "": Symbol() } }, "The value pushed.odd key. is Symbol()"],
      [{ f: Mine }, "The value pushed.f is function Mine"],
    ];
    for (const [bad, message] of cases) {
      for (const run of [(use: () => unknown) => use(), (use: () => unknown) => heap.batch(use)]) {
        expect(failure(() => run(() => list.push(bad)))).toContain(
          `NOT_SHAREABLE: ${message}, which cannot be shared between threads`,
        );
      }
    }
    expect(failure(() => dict.set("k", { x: new Map() }))).toContain('Dict["k"].x is an object of class Map');
    expect(failure(() => list.set(0, new Map()))).toContain("List[0] is an object of class Map");
    expect(failure(() => new List([1, { x: Symbol() }]))).toContain("items[1].x is Symbol()");
    expect(failure(() => new Dict([["k", [Symbol()]]]))).toContain("entries[k][0] is Symbol()");
    expect([list.length, dict.size]).toEqual([0, 0]);
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    // The guard against cycles is not confused by a copy that failed.
    list.push({ fine: true });
    expect(failure(() => list.push(cyclic))).toContain("NOT_SHAREABLE");
    expect(list.get(0)).toEqual({ fine: true });
  });

  it("are no spread of a shared object: that has none of its fields", () => {
    const { heap } = machine({ gil });
    const list = new List<unknown>();
    for (const object of [new Node({ value: 1 }), new List([1]), heap.batch(() => new Node({}))]) {
      const spread = { ...object };
      expect(failure(() => list.push([spread]))).toMatch(
        /^NOT_SHAREABLE: The value pushed\[0\] .* share the object, or name/,
      );
      expect(inspect(spread, { depth: 9 })).toMatch(
        /^\{ \[?Symbol\(address\)\]?: -?\d+, \[?Symbol\(scope\)\]?: \[scope\] \}$/,
      );
    }
    expect(list.length).toBe(0);
  });

  it("are plain: an instance of a subclass of Array is none, an array of another realm is", () => {
    machine({ gil });
    const list = new List<unknown>();
    class Stack extends Array<number> {}
    expect(failure(() => list.push(Stack.of(1, 2)))).toContain("is an object of class Stack");
    expect(failure(() => list.push([{ deep: new Stack() }]))).toContain("[0].deep is an object of class Stack");
    list.push(runInNewContext("[1, { a: [2] }]"));
    list.push(new Proxy([1], {}));
    expect(failure(() => list.push(Object.setPrototypeOf([1], null)))).toContain("NOT_SHAREABLE");
    expect(list.toArray()).toEqual([[1, { a: [2] }], [1]]);
  });
});
