import { bool, dict, f64, type Heap, i32, List, list, ref, str, struct, u32 } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { failure, inBothModes, machine } from "./support.js";

/** What JavaScript may pass, whatever TypeScript says. */
const loose = struct as unknown as (name: unknown, schema: unknown) => new (init?: object) => Record<string, unknown>;
const fields = (n: number, kind: unknown) => Object.fromEntries(Array.from({ length: n }, (_, k) => [`f${k}`, kind]));

const wrong: [string, () => unknown, string][] = [
  ["no name", () => loose("", {}), "SCHEMA: struct(name, schema): the name must be a string that is not empty, not "],
  [
    "a name that is no string",
    () => loose(5, {}),
    "SCHEMA: struct(name, schema): the name must be a string that is not empty, not 5",
  ],
  [
    "no schema",
    () => loose("S", undefined),
    'SCHEMA: struct("S", schema): the schema must be an object of field types',
  ],
  ["null", () => loose("S", null), 'SCHEMA: struct("S", schema): the schema must be an object of field types'],
  [
    "a type of JavaScript",
    () => loose("S", { a: Number }),
    'SCHEMA: struct("S"): a is not a field type; use i32, u32, f64, bool, str, ref(() => Class), list() or dict()',
  ],
  [
    "a field that is undefined",
    () => loose("S", { a: undefined }),
    'SCHEMA: struct("S"): a is not a field type; use i32, u32, f64, bool, str, ref(() => Class), list() or dict()',
  ],
  [
    "a text",
    () => loose("S", { a: "f64" }),
    'SCHEMA: struct("S"): a is not a field type; use i32, u32, f64, bool, str, ref(() => Class), list() or dict()',
  ],
  [
    "list without parentheses",
    () => loose("S", { a: list }),
    'SCHEMA: struct("S"): a is not a field type; use i32, u32, f64, bool, str, ref(() => Class), list() or dict()',
  ],
  [
    "a field called constructor",
    () => loose("S", { constructor: f64 }),
    'SCHEMA: struct("S"): a field cannot be called constructor',
  ],
  [
    "a field called __proto__",
    () => loose("S", { ["__proto__"]: f64 }),
    'SCHEMA: struct("S"): a field cannot be called __proto__',
  ],
  [
    "what reads like a field called __proto__",
    () => loose("S", { __proto__: f64, a: f64 }),
    'SCHEMA: struct("S", schema): the schema must be a plain object; a field cannot be called __proto__',
  ],
  [
    "a field that every object has",
    () => loose("S", { toString: str }),
    'SCHEMA: struct("S"): a field cannot be called toString',
  ],
  ["a field called toJSON", () => loose("S", { toJSON: str }), 'SCHEMA: struct("S"): a field cannot be called toJSON'],
  [
    "no function in ref()",
    () => ref(5 as never),
    "SCHEMA: ref() takes a function that returns the class: ref(() => Account)",
  ],
  [
    "32 doubles",
    () => loose("S", fields(32, f64)),
    'LIMIT: struct("S") takes 256 bytes; 248 is the most. Move some fields into a struct of their own',
  ],
  [
    "63 words",
    () => loose("S", fields(63, i32)),
    'LIMIT: struct("S") takes 252 bytes; 248 is the most. Move some fields into a struct of their own',
  ],
];

it.each(wrong)("refuses %s", (_, define, message) => {
  expect(failure(define)).toBe(message);
});

inBothModes((gil) => {
  it("holds as many fields as fit, of every kind", () => {
    machine({ gil });
    const values: [unknown, unknown][] = [
      [i32, -5],
      [u32, 2 ** 32 - 5],
      [bool, true],
      [str, "text"],
      [ref(() => List), null],
    ];
    for (const [n, kind, value] of [
      [31, f64, 1.5] as const,
      ...values.map(([kind, value]) => [62, kind, value] as const),
    ]) {
      const Wide = loose(`Wide${n}${String((kind as { kind: string }).kind)}`, fields(n, kind));
      const object = new Wide(Object.fromEntries(Array.from({ length: n }, (_, k) => [`f${k}`, value])));
      for (let k = 0; k < n; k++) expect(object[`f${k}`]).toBe(value);
    }
  });

  it("counts references in all 62 words of a struct", () => {
    const m = machine({ gil });
    const Wide = loose(
      "WideRefs",
      fields(
        62,
        ref(() => List),
      ),
    );
    const lists = Array.from({ length: 62 }, (_, k) => new List([k]));
    const object = new Wide(Object.fromEntries(lists.map((one, k) => [`f${k}`, one])));
    for (const one of lists) one[Symbol.dispose]();
    m.settle();
    m.objects();
    for (let k = 0; k < 62; k++) expect((object[`f${k}`] as List<number>).get(0)).toBe(k);
  });

  it("takes any field name, and keeps the order of the schema for printing", () => {
    machine({ gil });
    const names = ["a b", "ünï", "0", "length", "name", "if", '"', "\\", "x".repeat(300), "open", "heap"];
    const Odd = loose("Odd", Object.fromEntries(names.map((name, n) => [name, n % 2 ? str : i32])));
    const object = new Odd({ "a b": 7, '"': 5 });
    expect(object["a b"]).toBe(7);
    names.forEach((name, n) => {
      object[name] = n % 2 ? `v${n}` : n;
    });
    names.forEach((name, n) => expect(object[name]).toBe(n % 2 ? `v${n}` : n));
  });

  it("says at the first use that a ref() gives no class of shared objects", () => {
    machine({ gil });
    for (const [target, shown] of [
      [() => Map, String(Map)],
      [() => undefined, "undefined"],
      [() => 5, "5"],
    ] as const) {
      const Bad = loose("BadRef", { r: ref(target as never) });
      expect(failure(() => new Bad({ r: new List() }))).toBe(
        `SCHEMA: struct("BadRef"): ref of r does not return a class of shared objects, but ${shown}`,
      );
    }
  });

  it("has fields for lists and dicts", () => {
    machine({ gil });
    class Holder extends struct("Holder", { items: list<number>(), byName: dict<string, number>() }) {}
    const holder = new Holder({ items: new List([1, 2]) });
    expect([holder.items?.toArray(), holder.byName]).toEqual([[1, 2], null]);
    expect(failure(() => (holder.byName = holder.items as never))).toBe(
      "FIELD_TYPE: Holder.byName must be a Dict or null, not an object of class List",
    );
  });

  it("refuses the same name with another layout, and names both modules", async () => {
    machine({ gil });
    const here = loose("Clash", { a: f64 });
    const { Clash } = await import("./fixtures/clash.mjs");
    expect(new here({ a: 1 }).a).toBe(1);
    const message = failure(() => new Clash({ b: "x" }));
    expect(message).toMatch(
      /^STRUCT_CONFLICT: Struct "Clash" is \{ b: str, a: f64 \} in .*\/fixtures\/clash\.mjs, but \{ a: f64 \} in .*schema\.test\.ts/,
    );
    expect(message).toContain("Give one of them another name.");
    // The other order of the same fields is another layout, also if the offsets are the same.
    expect(failure(() => new (loose("Order", { a: i32, b: i32 }))({}))).toBe("nothing was thrown");
    expect(failure(() => new (loose("Order", { b: i32, a: i32 }))({}))).toMatch(/^STRUCT_CONFLICT/);
    expect(failure(() => new (loose("Sorted", { a: f64, b: i32 }))({}))).toBe("nothing was thrown");
    expect(failure(() => new (loose("Sorted", { b: i32, a: f64 }))({}))).toMatch(
      /^STRUCT_CONFLICT: Struct "Sorted" is \{ b: i32, a: f64 \} in .*, but \{ a: f64, b: i32 \} in /,
    );
  });

  it("gives a struct the same type id on every thread, whatever the order", () => {
    const m = machine({ gil });
    const classes = ["One", "Two", "Three"].map((name) => loose(`Order${name}`, { v: f64 }));
    const second = m.slot(2);
    const idsOf = (heap: Heap, order: number[]) => {
      const ids: number[] = [];
      m.on(heap, () =>
        heap.batch(() => {
          for (const n of order) {
            const made = new (classes[n] as (typeof classes)[0])({ v: n });
            const [address] = Object.getOwnPropertySymbols(made).map(
              (symbol) => (made as Record<symbol, unknown>)[symbol],
            );
            ids[n] = (heap.kernel.u32[heap.kernel.walk((address as number) >>> 0) >>> 2] as number) & L.TYPE_MASK;
          }
        }),
      );
      return ids;
    };
    expect(idsOf(m.heap, [0, 1, 2])).toEqual(idsOf(second, [2, 0, 1]));
    expect(new Set(idsOf(second, [1, 2, 0])).size).toBe(3);
  });

  it("runs out of types at 4064, with the struct's name", () => {
    const m = machine({ gil });
    const { x, strings } = m.heap;
    m.heap.batch(() => {
      const text = strings.address("filler");
      for (let n = 0; n < L.TYPES_MAX - L.TYPE_FIRST_USER; n++) {
        expect(x.typeRegister(strings.address(`filler${n}`), text, text, n, n, 16, 0, 0)).toBe(L.TYPE_FIRST_USER + n);
      }
    });
    const Last = loose("Last", { v: f64 });
    expect(failure(() => new Last({}))).toBe('LIMIT: Struct "Last": there are 4064 struct types already');
  });
});
