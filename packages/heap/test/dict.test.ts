/** Dict, against a JavaScript Map. */
import { Dict, f64, id, List, refOut, struct } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { failure, inBothModes, machine, random, seed } from "./support.js";

class Node extends struct("Node", { value: f64 }) {}

type Key = string | number;
const long = ["x".repeat(257), "x".repeat(300), `${"x".repeat(256)}y`, "→".repeat(257), `${"→".repeat(256)}y`];
const key = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -20, max: 20 }) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 30 }).map((n) => `key ${n}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Key[]>(
      0,
      -0,
      Number.NaN,
      Infinity,
      -Infinity,
      0.5,
      2 ** 32,
      "",
      "0",
      "NaN",
      "é",
      "Ā",
      "\u0000",
      "\ud800",
      ...long,
    ),
  },
  { weight: 1, arbitrary: fc.double() },
);
const scalar = fc.oneof(
  fc.double(),
  fc.string({ maxLength: 5 }),
  fc.boolean(),
  fc.constantFrom(null, undefined, ...long),
);
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("set" as const), key, value: scalar }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("setNode" as const), key, value: fc.integer() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("delete" as const), key }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("get" as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("add" as const), key, value: fc.integer({ min: -5, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("update" as const), key, value: scalar }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("all" as const) }) },
);
const shown = (value: unknown): unknown => (value instanceof Node ? `node ${id(value)}` : value);
const sorted = (entries: Iterable<readonly [Key, unknown]>) =>
  [...entries].map(([k, v]) => `${typeof k} ${k} ${typeof shown(v)} ${String(shown(v))}`).sort();

inBothModes((gil) => {
  it("behaves like a Map, whatever is done to it", () => {
    const m = machine({ gil });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 150 }), fc.boolean(), (commands, inBatch) => {
        const dict = new Dict<Key, unknown>();
        const model = new Map<Key, unknown>();
        const run = () => {
          for (const one of commands) {
            if (one.do === "all") expect(sorted(dict.entries())).toEqual(sorted(model));
            else if (one.do === "set") {
              dict.set(one.key, one.value);
              model.set(one.key, one.value);
            } else if (one.do === "setNode") {
              const node = new Node({ value: one.value });
              dict.set(one.key, node);
              model.set(one.key, shown(node));
            } else if (one.do === "delete") expect(dict.delete(one.key)).toBe(model.delete(one.key));
            else if (one.do === "get") {
              expect(shown(dict.get(one.key))).toBe(model.get(one.key));
              expect(dict.has(one.key)).toBe(model.has(one.key));
            } else if (one.do === "add") {
              const old = model.has(one.key) ? model.get(one.key) : 0;
              if (typeof old === "number") {
                expect(dict.add(one.key, one.value)).toBe(old + one.value);
                model.set(one.key, old + one.value);
              } else expect(failure(() => dict.add(one.key, one.value))).toMatch(/^NOT_A_NUMBER/);
            } else {
              const change = (old: unknown) => (typeof old === "number" ? old + 1 : one.value);
              const value = change(model.get(one.key));
              expect(dict.update(one.key, change)).toBe(value);
              model.set(one.key, value);
            }
            expect(dict.size).toBe(model.size);
          }
          expect(sorted(dict)).toEqual(sorted(model));
          expect(dict.keys().length).toBe(model.size);
          expect(dict.values().map(shown).length).toBe(model.size);
        };
        if (inBatch) m.heap.batch(run);
        else run();
        dict[Symbol.dispose]();
      }),
      { numRuns: 120, seed: seed("dict") },
    );
  });

  it("has the keys of a Map: NaN is one key, -0 is 0, numbers and strings differ", () => {
    const { heap } = machine({ gil });
    const dict = new Dict<Key, number>([
      [Number.NaN, 1],
      [-0, 2],
      ["0", 3],
      ["NaN", 4],
      ["", 5],
    ]);
    const check = () => {
      expect([dict.get(0 / 0), dict.get(0), dict.get(-0), dict.get("0"), dict.get("NaN"), dict.get("")]).toEqual([
        1, 2, 2, 3, 4, 5,
      ]);
      expect(
        Object.is(
          dict.keys().find((k) => k === 0),
          0,
        ),
      ).toBe(true);
      expect(dict.size).toBe(5);
    };
    check();
    heap.batch(check);
  });

  it("refuses keys that are neither strings nor numbers, in every method", () => {
    machine({ gil });
    const dict = new Dict<string, number>([["a", 1]]);
    for (const [bad, name] of [
      [5n, "5n"],
      [Symbol("k"), "Symbol(k)"],
      [null, "null"],
      [undefined, "undefined"],
      [{}, "an object of class Object"],
      [true, "true"],
    ] as const) {
      const message = `NOT_SHAREABLE: The key of a Dict is ${name}, which cannot be shared between threads.`;
      const wrong = bad as unknown as string;
      const uses = [
        () => dict.get(wrong),
        () => dict.has(wrong),
        () => dict.set(wrong, 1),
        () => dict.delete(wrong),
        () => dict.add(wrong, 1),
        () => dict.update(wrong, () => 1),
        () => new Dict([[wrong, 1]]),
      ];
      for (const use of uses) expect(failure(use)).toContain(message);
    }
    expect(dict.entries()).toEqual([["a", 1]]);
  });

  it("adds to numbers only, by numbers only", () => {
    const { heap } = machine({ gil });
    const dict = new Dict<Key, unknown>([
      ["text", "x"],
      ["null", null],
      ["node", new Node({})],
      ["inf", Infinity],
    ]);
    const check = () => {
      for (const k of ["text", "null", "node"])
        expect(failure(() => dict.add(k, 1))).toBe(`NOT_A_NUMBER: Dict.add: the value at key "${k}" is not a number`);
      expect(failure(() => dict.add(7, "1" as never))).toBe(
        'NOT_A_NUMBER: Dict.add: what is to be added at key 7 is "1", not a number',
      );
      expect(dict.has(7)).toBe(false);
      expect(dict.add("inf", -Infinity)).toBeNaN();
      expect(dict.get("inf")).toBeNaN();
      expect(dict.add("fresh", Number.NaN)).toBeNaN();
      dict.set("inf", Infinity);
      dict.delete("fresh");
    };
    check();
    heap.batch(check);
    expect(dict.get("text")).toBe("x");
  });

  it("an update runs again when the key has changed meanwhile", () => {
    const m = machine({ gil });
    const dict = new Dict<string, unknown>([
      ["n", 1],
      ["node", new Node({ value: 1 })],
    ]);
    let runs = 0;
    expect(
      dict.update("n", (old) => {
        if (runs++ < 3) dict.set("n", (old as number) + 10);
        return (old as number) + 1;
      }),
    ).toBe(32);
    expect([runs, dict.get("n")]).toEqual([4, 32]);
    runs = 0;
    expect(
      dict.update("fresh", (old) => {
        if (runs++ === 0) dict.set("fresh", "from elsewhere");
        return old === undefined ? "new" : `${String(old)}, seen`;
      }),
    ).toBe("from elsewhere, seen");
    runs = 0;
    dict.update("node", (old) => {
      if (runs++ === 0) dict.delete("node");
      return old === undefined ? "gone" : old;
    });
    expect([runs, dict.get("node")]).toEqual([2, "gone"]);
    expect(
      failure(() =>
        dict.update("n", () => {
          throw new RangeError("mine");
        }),
      ),
    ).toBe("RangeError: mine");
    expect(failure(() => dict.update("n", () => (() => 1) as never))).toContain(
      'NOT_SHAREABLE: Dict["n"] is function (anonymous)',
    );
    expect(dict.get("n")).toBe(32);
    m.settle();
  });

  it("an update whose function changes the key itself every time is an error, not a loop", () => {
    const m = machine({ gil });
    const dict = new Dict<Key, number>([
      ["a", 1],
      [Number.NaN, 1],
    ]);
    for (const key of ["a", Number.NaN, 5] as Key[]) {
      const changes: (() => unknown)[] = [
        () => dict.add(key, 1),
        () => dict.set(key, Math.random()),
        () => dict.update(key, (old = 0) => old + 1),
        () => dict.delete(key) || dict.set(key, 1),
      ];
      for (const change of changes) {
        const thrown = failure(() =>
          dict.update(key, () => {
            change();
            return 0;
          }),
        );
        expect(thrown).toMatch(/^DICT_UPDATE: Dict\.update: .* at key (5|NaN|"a") changes that key itself/);
      }
    }
    // Other keys and other dicts may change.
    const other = new Dict<Key, number>();
    dict.set("a", 1);
    expect(dict.update("a", (old = 0) => dict.add("b", other.add("a", 1)) + old)).toBe(2);
    m.settle();
  });

  it("does not grow when keys come and go", () => {
    const m = machine({ gil });
    const dict = new Dict<Key, number>();
    const draw = random(seed("churn"));
    const churn = () =>
      m.heap.batch(() => {
        for (let k = 0; k < 1000; k++) {
          const at = draw(1_000_000);
          dict.set(at % 2 ? at : `k${at}`, at);
          if (dict.size > 200) for (const one of dict.keys()) dict.delete(one);
        }
      });
    for (let n = 0; n < 60; n++) churn(); // the string cache is full
    const before = m.framesFree();
    for (let n = 0; n < 60; n++) churn();
    expect(before - m.framesFree()).toBeLessThan(100);
    dict[Symbol.dispose]();
  });

  it("holds 100,000 keys of every kind, and gives them all back", () => {
    const m = machine({ gil, mib: 32 });
    const dict = new Dict<Key, number>();
    m.heap.batch(() => {
      for (let n = 0; n < 100_000; n++) dict.set(n % 3 ? n : `${n}`, n);
      expect(dict.size).toBe(100_000);
      for (let n = 0; n < 100_000; n += 7) expect(dict.get(n % 3 ? n : `${n}`)).toBe(n);
      expect(dict.values().reduce((sum, n) => sum + n, 0)).toBe((100_000 * 99_999) / 2);
      for (let n = 0; n < 100_000; n++) expect(dict.delete(n % 3 ? n : `${n}`)).toBe(true);
      expect([dict.size, dict.keys(), dict.get(5)]).toEqual([0, [], undefined]);
    });
  });

  it("releases keys and values that it lets go", () => {
    const m = machine({ gil });
    const dict = new Dict<string, unknown>();
    m.heap.batch(() => {
      for (let n = 0; n < 300; n++) dict.set(`${"k".repeat(n)}`, new List([n, "text".repeat(100)]));
      for (let n = 0; n < 300; n++) dict.set(`${"k".repeat(n)}`, `${"v".repeat(n)}`);
      for (let n = 0; n < 200; n++) dict.delete(`${"k".repeat(n)}`);
    });
    dict[Symbol.dispose]();
    m.settle();
    expect(m.objects()).toBe(m.typeStrings());
  });

  it("has strings and numbers for keys, and is made from pairs", () => {
    const { heap } = machine({ gil });
    const dict = new Dict<Key, unknown>();
    const keys = [Symbol("s"), null, undefined, {}, true, 1n, Object.create(null)] as never[];
    const check = () => {
      for (const key of keys) {
        const uses = [() => dict.get(key), () => dict.has(key), () => dict.set(key, 1), () => dict.delete(key)];
        for (const use of [
          ...uses,
          () => dict.add(key, 1),
          () => dict.update(key, () => 1),
          () => new Dict([[key, 1]]),
        ])
          expect(failure(use)).toMatch(/^NOT_SHAREABLE: The key of a Dict is .* A key is a string or a number\.$/);
      }
      for (const wrong of [5, { a: 1 }, true])
        expect(failure(() => new Dict(wrong as never))).toMatch(
          /^OPTION: new Dict\(\): its argument must be an iterable of \[key, value\], not /,
        );
      for (const wrong of [[5], ["ab"], [null], [{ key: 1 }]])
        expect(failure(() => new Dict(wrong as never))).toMatch(
          /^OPTION: new Dict\(\): each item must be an array \[key, value\], not /,
        );
      expect([dict.size, new Dict().size, new Dict(null as never).size, new Dict([]).size]).toEqual([0, 0, 0, 0]);
    };
    check();
    heap.batch(check);
  });

  it("makes nothing when it is looked into", () => {
    const m = machine({ gil, slots: 4 });
    const second = m.slot(2);
    const long = ["x".repeat(257), "x".repeat(5000), `${"x".repeat(4999)}→`, "→".repeat(257), "\ud800".repeat(300)];
    const keys = ["", "a", "→", "x".repeat(256), ...long];
    const here = [new Dict<Key, number>(keys.map((key, n) => [key, n])), new Dict(), new Dict([[7, 1]])] as const;
    // On a thread that has none of these strings in its cache.
    m.on(second, () =>
      second.batch(() => {
        const [dict, other, one] = here.map((dict) => refOut(second, id(dict) | 0, L.TYPE_DICT)) as Dict<Key, number>[];
        if (!dict || !other || !one) throw new Error("no handles");
        const made = () => second.kernel.counter(2, L.COUNTER_ALLOCATIONS);
        const there = (key: Key) => [dict.get(key), dict.has(key)];
        const look = (of: Dict<Key, number>, key: Key) => [of.get(key), of.has(key), of.delete(key)];
        const known = keys.slice(0, 4).map(there); // pins what it finds, once
        const before = made();
        expect([...known, ...long.map(there)]).toEqual(keys.map((_, n) => [n, true]));
        const absent = [
          "b",
          "→→",
          "y".repeat(256),
          "y".repeat(257),
          `${"x".repeat(4998)}yx`,
          "x".repeat(5001),
          "é".repeat(257),
        ];
        for (const key of absent) expect(look(dict, key)).toEqual([undefined, false, false]);
        for (const key of keys) for (const of of [other, one]) expect(look(of, key)).toEqual([undefined, false, false]);
        expect(made()).toBe(before);
        expect(keys.map((key) => dict.delete(key))).toEqual(keys.map(() => true));
      }),
    );
    expect(here.map((dict) => dict.size)).toEqual([0, 0, 1]);
  });

  it("tells long keys of one hash apart", () => {
    const { heap } = machine({ gil });
    const fnv = (text: string) => {
      let hash = 0x811c9dc5;
      for (let n = 0; n < text.length; n++) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193);
      return hash;
    };
    const seen = new Map<number, string>();
    const twins: [string, string][] = [];
    const draw = random(7);
    while (twins.length < 2) {
      const text =
        "x".repeat(250) + [draw(2 ** 31), draw(2 ** 31)].map((n) => n.toString(36).padStart(6, "0")).join("");
      const twin = seen.get(fnv(text));
      if (twin && twin !== text) twins.push([twin, text]);
      else seen.set(fnv(text), text);
    }
    for (const [a, b] of twins) {
      const dict = new Dict<string, number>([[a, 1]]);
      const check = () => {
        expect([dict.get(a), dict.get(b), dict.has(b), dict.delete(b)]).toEqual([1, undefined, false, false]);
        dict.set(b, 2);
        expect([dict.get(a), dict.get(b), dict.size, dict.delete(b), dict.get(a)]).toEqual([1, 2, 2, true, 1]);
      };
      check();
      heap.batch(check);
    }
  });
});
