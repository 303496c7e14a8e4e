/** What a struct refers to is a part of what it is known by, and each struct has one class: what reading a field relies on. */
import {
  ADDRESS,
  bool,
  type Class,
  dict,
  f64,
  i32,
  List,
  linkExports,
  list,
  ref,
  refOut,
  str,
  struct,
  type Wrapper,
} from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { failure, inBothModes, machine } from "./support.js";

const loose = struct as unknown as (name: unknown, schema: unknown) => new (init?: object) => Record<string, unknown>;

inBothModes((gil) => {
  it("refuses one name with different references, and says which", () => {
    machine({ gil });
    class P extends struct("refs.P", { a: f64 }) {}
    class Q extends struct("refs.Q", { a: f64 }) {}
    const kinds = [list(), dict(), ref(() => P), ref(() => Q)];
    const shown = ["List", "Dict", "ref(refs.P)", "ref(refs.Q)"];
    kinds.forEach((first, a) => {
      kinds.forEach((second, b) => {
        const name = `refs.${a}.${b}`;
        new (loose(name, { n: i32, v: first }))();
        const message = failure(() => new (loose(name, { n: i32, v: second }))());
        if (a === b) expect(message).toBe("nothing was thrown");
        else {
          expect(message).toContain(`STRUCT_CONFLICT: Struct "${name}" is { n: i32, v: ${shown[b]} } in `);
          expect(message).toContain(`but { n: i32, v: ${shown[a]} } in `);
        }
      });
    });
    // A struct may be called List, and is none.
    class Own extends struct("List", { a: f64 }) {}
    new (loose("refs.own", { v: list() }))();
    expect(failure(() => new (loose("refs.own", { v: ref(() => Own) }))())).toContain("is { v: ref(List) } in");
  });

  it("finds at the first use that a struct in the third row has another layout", () => {
    machine({ gil });
    class Leaf extends struct("refs.Leaf", { a: f64 }) {}
    class Middle extends struct("refs.Middle", { leaf: ref(() => Leaf) }) {}
    class Top extends struct("refs.Top", { middle: ref(() => Middle) }) {}
    new Top();
    const define = () => {
      class Leaf extends struct("refs.Leaf", { a: str }) {}
      class Middle extends struct("refs.Middle", { leaf: ref(() => Leaf) }) {}
      return class Top extends struct("refs.Top", { middle: ref(() => Middle) }) {};
    };
    const Second = define();
    for (let n = 0; n < 2; n++)
      expect(failure(() => new Second())).toMatch(
        /^STRUCT_CONFLICT: Struct "refs.Leaf" is \{ a: str \} in .*but \{ a: f64 \}/,
      );
  });

  it("an object whose name is taken twice here comes out as the right one", () => {
    const m = machine({ gil });
    const second = m.slot(2);
    const wrong = loose("refs.Twice", { v: dict() });
    class Twice extends struct("refs.Twice", { v: list<number>() }) {}
    const kept = m.heap.batch(() => new List([new Twice({ v: new List([5]) })]));
    const back = m.on(second, () =>
      second.batch(() =>
        (refOut(second, (kept as unknown as Wrapper)[ADDRESS], L.TYPE_LIST) as List<Twice>).get(0)?.v?.get(0),
      ),
    );
    expect(back).toBe(5);
    m.on(second, () => expect(failure(() => new wrong())).toMatch(/^STRUCT_CONFLICT/));
    m.on(second, () => second.batch(() => expect(new Twice({ v: new List([1]) }).v?.get(0)).toBe(1)));
  });

  it("structs that refer to themselves and to each other are known by name", () => {
    machine({ gil });
    const define = () => {
      class A extends struct("refs.A", { next: ref((): Class<A> => A), b: ref((): Class<B> => B), ok: bool }) {}
      class B extends struct("refs.B", { a: ref((): Class<A> => A), all: list<A>() }) {}
      return { A, B };
    };
    const [one, two] = [define(), define()];
    const a = new one.A({ ok: true });
    a.b = new one.B({ a });
    expect(a.b?.a?.ok).toBe(true);
    expect(failure(() => new two.B())).toBe("nothing was thrown");
    a.b = null;
  });

  it("says so if a class is used before its module has run, and works later", () => {
    machine({ gil });
    class Early extends struct("refs.Early", { late: ref((): Class<Late> => Late) }) {}
    expect(failure(() => new Early())).toMatch(
      /^SCHEMA: struct\("refs.Early"\): ref of late names a class that is not there yet: Cannot access 'Late' before initialization/,
    );
    class Late extends struct("refs.Late", { a: f64 }) {}
    expect(new Early({ late: new Late({ a: 5 }) }).late?.a).toBe(5);
  });

  it("refuses a second class of one struct, whichever way it comes in", () => {
    machine({ gil });
    const below =
      'SCHEMA: class Ape extends class Zoo, which extends struct("refs.Zoo"). Objects of a struct have one class: give Ape a struct of its own';
    const make = () => {
      class Zoo extends struct("refs.Zoo", { n: i32 }) {
        kind = "no field";
      }
      class Ape extends Zoo {}
      return { Ape, Zoo };
    };
    for (const order of [["Ape", "Zoo"] as const, ["Zoo", "Ape"] as const]) {
      const classes = make();
      const [first, second] = order.map((name) => failure(() => new classes[name]()));
      expect([first, second]).toEqual(order.map((name) => (name === "Ape" ? below : "nothing was thrown")));
    }
    const exported = make();
    expect(failure(() => linkExports({ ...exported }))).toBe(below);
    expect(new exported.Zoo({ n: 1 }).constructor).toBe(exported.Zoo);
    const { Ape, Zoo } = make();
    expect(failure(() => new (loose("refs.Cage", { inmate: ref(() => Ape) }))())).toBe(below);
    expect(failure(() => new Zoo() instanceof Ape)).toBe(below);

    const Point = struct("refs.Point", { x: f64 });
    class One extends Point {}
    class Two extends Point {}
    const one = new One({ x: 1 });
    expect(failure(() => new Two())).toBe(
      'SCHEMA: class Two extends the struct that class One extends, struct("refs.Point"). Objects of a struct have one class: give Two a struct of its own',
    );
    expect(one instanceof One).toBe(true);
  });
});
