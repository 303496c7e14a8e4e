import { bool, type Class, f64, i32, List, ref, str, struct, u32 } from "@ungil/heap";
import { expect, it } from "vitest";
import { failure, inBothModes, machine } from "./support.js";

class Other extends struct("Other", {}) {}
class All extends struct("All", { i: i32, u: u32, f: f64, b: bool, s: str, r: ref((): Class<Other> => Other) }) {}

const wide = "Bøb → 𝄞 \ud800 lone";
const round: { [K in keyof All & ("i" | "u" | "f" | "b" | "s")]: All[K][] } = {
  i: [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)],
  u: [0, 1, 2 ** 31, 2 ** 32 - 1],
  f: [0, -0, 1.5, -1e-320, Number.MAX_VALUE, Infinity, -Infinity, Number.NaN, 2 ** 53],
  b: [true, false],
  s: [
    "",
    "a",
    "é",
    "\u0000",
    "a\u0000b",
    "ÿ",
    "Ā",
    wide,
    "x".repeat(256),
    "x".repeat(257),
    "→".repeat(256),
    "→".repeat(300),
    "\udc00\ud800",
    "y".repeat(100_000),
  ],
};

inBothModes((gil) => {
  it.each(Object.entries(round))(
    "%s: every value comes back, set, built, inside a batch and outside",
    (field, values) => {
      const { heap } = machine({ gil });
      const name = field as keyof typeof round;
      const kept = new All({});
      for (const value of values) {
        kept[name] = value as never;
        expect(kept[name]).toBe(value);
        expect(new All({ [name]: value })[name]).toBe(value);
        heap.batch(() => {
          kept[name] = values[0] as never;
          kept[name] = value as never;
          expect(kept[name]).toBe(value);
          expect(new All({ [name]: value })[name]).toBe(value);
        });
      }
    },
  );

  it("has defaults: 0, false, the empty string, null", () => {
    machine({ gil });
    for (const made of [
      new All(),
      new All({}),
      new All({ i: undefined, u: undefined, f: undefined, b: undefined, s: undefined, r: undefined } as never),
    ]) {
      expect([made.i, made.u, made.f, made.b, made.s, made.r]).toEqual([0, 0, 0, false, "", null]);
    }
  });

  it("sets a reference to null with undefined too", () => {
    machine({ gil });
    const made = new All({ r: new Other() });
    expect(made.r).toBeInstanceOf(Other);
    made.r = undefined as never;
    expect(made.r).toBeNull();
  });

  const wrong: [string, unknown, string, string][] = [
    ["i", 2 ** 31, "an integer from -2147483648 to 2147483647", "2147483648"],
    ["i", 1.5, "an integer from -2147483648 to 2147483647", "1.5"],
    ["i", Number.NaN, "an integer from -2147483648 to 2147483647", "NaN"],
    ["i", "1", "an integer from -2147483648 to 2147483647", '"1"'],
    ["i", null, "an integer from -2147483648 to 2147483647", "null"],
    ["i", 1n, "an integer from -2147483648 to 2147483647", "1n"],
    ["i", Symbol("x"), "an integer from -2147483648 to 2147483647", "Symbol(x)"],
    ["i", [5], "an integer from -2147483648 to 2147483647", "an object of class Array"],
    ["u", 1n, "an integer from 0 to 4294967295", "1n"],
    ["i", true, "an integer from -2147483648 to 2147483647", "true"],
    ["u", -1, "an integer from 0 to 4294967295", "-1"],
    ["u", 2 ** 32, "an integer from 0 to 4294967295", "4294967296"],
    ["u", {}, "an integer from 0 to 4294967295", "an object of class Object"],
    ["f", "1", "a number", '"1"'],
    ["f", 1n, "a number", "1n"],
    ["f", null, "a number", "null"],
    ["b", 0, "true or false", "0"],
    ["b", "true", "true or false", '"true"'],
    ["s", 5, "a string", "5"],
    ["s", null, "a string", "null"],
    ["s", Symbol("x"), "a string", "Symbol(x)"],
    ["s", () => 1, "a string", "function (anonymous)"],
    ["r", 5, "a Other or null", "5"],
    ["r", "text", "a Other or null", '"text"'],
    ["r", {}, "a Other or null", "an object of class Object"],
    ["r", new Map(), "a Other or null", "an object of class Map"],
    ["r", Object.create(null), "a Other or null", "an object of class null"],
    ["r", function named() {}, "a Other or null", "function named"],
    ["r", "z".repeat(50), "a Other or null", `"${"z".repeat(40)}..."`],
  ];

  it.each(wrong.map(([field, value, expected, shown]) => ({ field, value, expected, shown })))(
    "$field must be $expected, not $shown",
    ({ field, value, expected, shown }) => {
      const { heap } = machine({ gil });
      const message = `FIELD_TYPE: All.${field} must be ${expected}, not ${shown}`;
      const kept = new All({ i: 7, s: "old" });
      const set = () => {
        (kept as unknown as Record<string, unknown>)[field] = value;
      };
      const build = () => new All({ [field]: value } as never);
      expect(failure(set)).toBe(message);
      expect(failure(build)).toBe(message);
      heap.batch(() => {
        expect(failure(set)).toBe(message);
        expect(failure(build)).toBe(message);
      });
      expect([kept.i, kept.s, kept.r]).toEqual([7, "old", null]);
    },
  );

  it("refuses a shared object of another class, and a container", () => {
    machine({ gil });
    const kept = new All({});
    expect(failure(() => (kept.r = new All({}) as never))).toBe(
      "FIELD_TYPE: All.r must be a Other or null, not an object of class All",
    );
    expect(failure(() => (kept.r = new List() as never))).toBe(
      "FIELD_TYPE: All.r must be a Other or null, not an object of class List",
    );
  });

  it("takes undefined for a scalar only when building", () => {
    machine({ gil });
    const kept = new All({ i: 3 });
    expect(failure(() => (kept.i = undefined as never))).toContain("All.i must be an integer");
    expect(failure(() => (kept.s = undefined as never))).toBe("FIELD_TYPE: All.s must be a string, not undefined");
    expect(failure(() => (kept.f = undefined as never))).toBe("FIELD_TYPE: All.f must be a number, not undefined");
    expect(failure(() => (kept.b = undefined as never))).toBe("FIELD_TYPE: All.b must be true or false, not undefined");
  });
});
