// Registering coroutines: what `coroutines` takes, and what a test runner does to modules.
import { CoroutineConflictError, coroutines } from "@ungil/runtime";
import { expect, it } from "vitest";

const loose = coroutines as (...args: any[]) => any;

it("checks its arguments", () => {
  for (const bodies of [undefined, null, 5, [], function* () {}])
    expect(() => loose(import.meta, bodies)).toThrow(expect.objectContaining({ code: "OPTION" }));
  for (const body of [() => 1, async () => 1, async function* () {}, 5])
    expect(() => loose(import.meta, { body })).toThrow(expect.objectContaining({ code: "OPTION" }));
  for (const where of [undefined, null, {}, "file:///x.mjs", { url: 5 }])
    expect(() => loose(where, { *x() {} })).toThrow(expect.objectContaining({ code: "OPTION" }));
});

it("refuses the same key and text twice in one evaluation of a module", () => {
  for (const where of [import.meta, { url: "file:///one.mjs" }]) {
    const make = (k: number) =>
      loose(typeof where.url === "string" && where !== import.meta ? { ...where } : where, {
        *twice(x: number) {
          return x + k;
        },
      });
    make(1);
    const thrown = (() => {
      try {
        return make(2);
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(CoroutineConflictError);
    expect(thrown).toMatchObject({ code: "COROUTINE_CONFLICT", key: "twice", url: where.url });
    expect(thrown.message).toContain(where.url);
  }
});

it("takes a module that a test runner or hot reload evaluates again: its import.meta is a new object", () => {
  const body = {
    *again() {
      return 1;
    },
  };
  const metas = [1, 2, 3].flatMap((n) => [
    Object.assign(Object.create(null), { url: "file:///again.mjs" }),
    { url: "file:///again.mjs", filename: "/again.mjs", env: { n } },
  ]);
  expect(new Set(metas.map((meta) => loose(meta, body).again.id))).toEqual(new Set(["file:///again.mjs#again"]));
});

it("numbers those of another text in the order in which a bundle defines them", () => {
  const define = (body: object) => loose({ url: "file:///bundle.mjs" }, body).part.id;
  const ids = [
    define({
      *part() {
        return 1;
      },
    }),
    define({
      *part() {
        return 2;
      },
    }),
  ];
  expect(ids).toEqual(["file:///bundle.mjs#part", "file:///bundle.mjs#part~2"]);
});
