import assert from "node:assert";
import {
  type Class,
  Dict,
  f64,
  Heap,
  id,
  is,
  isWrapper,
  keep,
  List,
  ref,
  refcount,
  release,
  scope,
  sizeof,
  str,
  struct,
  thread,
} from "@ungil/heap";
import { createMachine, defineInternalTypes, Kernel } from "@ungil/kernel";
import { expect, it } from "vitest";
import { failure, inBothModes, machine } from "./support.js";

class Person extends struct("Person", {
  name: str,
  age: f64,
  next: ref((): Class<Person> => Person),
  home: ref((): Class<House> => House),
}) {
  get initial() {
    return this.name.slice(0, 1);
  }
  grow(years: number) {
    this.age += years;
    return this;
  }
  static called(name: string) {
    return new Person({ name });
  }
}
class House extends struct("House", { owner: ref((): Class<Person> => Person), street: str }) {}

inBothModes((gil) => {
  it("lets structs refer to themselves and to each other", () => {
    const { heap } = machine({ gil });
    const ada = new Person({ name: "Ada" });
    const home = new House({ owner: ada, street: "Rue 1" });
    ada.home = home;
    ada.next = ada;
    expect(ada.home?.owner?.home?.street).toBe("Rue 1");
    expect(is(ada.next, ada)).toBe(true);
    heap.batch(() => expect(ada.next?.next?.home?.owner?.name).toBe("Ada"));
    ada.home = ada.next = null;
  });

  it("=== compares handles, is() objects, id() tells objects apart", () => {
    machine({ gil });
    const [ada, bob] = [new Person({ name: "Ada" }), new Person({ name: "Bob" })];
    ada.next = bob;
    expect(ada.next === ada.next).toBe(false);
    expect(is(ada.next, bob)).toBe(true);
    expect(is(ada, bob)).toBe(false);
    expect(id(ada.next)).toBe(id(bob));
    expect(id(ada)).not.toBe(id(bob));
    expect(id(ada) % 16).toBe(0);
    expect([is(null, null), is(null, ada), is(ada, undefined), is({}, ada)]).toEqual([true, false, false, false]);
  });

  it("counts references: fields, elements, kept handles, and not what a step holds", () => {
    const { heap } = machine({ gil });
    const ada = new Person({ name: "Ada" });
    expect(refcount(ada)).toBe(1);
    const list = new List([ada, ada]);
    const dict = new Dict([["a", ada]]);
    const bob = new Person({ next: ada });
    expect(refcount(ada)).toBe(5);
    heap.batch(() => {
      for (let n = 0; n < 100; n++) list.get(0);
      expect(refcount(ada)).toBe(5);
      list.pop();
      dict.delete("a");
      bob.next = null;
      expect(refcount(ada)).toBe(2);
    });
    const second = keep(ada);
    expect(refcount(ada)).toBe(3);
    release(second);
    expect(refcount(ada)).toBe(2);
  });

  it("sizeof counts the object's blocks: header, fields, growing parts", () => {
    const { heap } = machine({ gil });
    expect(sizeof(new House({}))).toBe(16);
    expect(sizeof(new Person({}))).toBe(32); // 8 of header, 8 + 3 * 4 of fields, a class of 16 bytes
    const list = new List<number>();
    const [empty] = [sizeof(list)];
    expect(empty).toBe(16);
    heap.batch(() => {
      for (let n = 0; n < 1000; n++) list.push(n);
    });
    expect(sizeof(list)).toBeGreaterThan(8000 + empty);
    expect(sizeof(list)).toBeLessThanOrEqual(16_384 + empty);
    const dict = new Dict<number, number>();
    const before = sizeof(dict);
    heap.batch(() => {
      for (let n = 0; n < 1000; n++) dict.set(n, n);
    });
    expect(sizeof(dict)).toBeGreaterThan(before + 16_000);
  });

  it("keeps an object beyond its scope, until it is released; twice is once", () => {
    const { heap } = machine({ gil });
    let kept = null as (Person & Disposable) | null;
    heap.batch(() => {
      scope(() => {
        kept = keep(new Person({ name: "Ada", age: 3 }));
      });
      expect(kept?.name).toBe("Ada");
    });
    const ada = kept as unknown as Person & Disposable;
    expect(ada.grow(2).age).toBe(5);
    const other = keep(ada);
    ada[Symbol.dispose]();
    ada[Symbol.dispose]();
    release(ada);
    expect(failure(() => ada.name)).toMatch(/^RELEASED_HANDLE: This Person was released/);
    expect(failure(() => keep(ada))).toMatch(/^RELEASED_HANDLE/);
    expect(failure(() => id(ada))).toMatch(/^RELEASED_HANDLE/);
    expect(failure(() => is(ada, other))).toMatch(/^RELEASED_HANDLE/);
    expect(failure(() => refcount(ada))).toMatch(/^RELEASED_HANDLE/);
    expect(failure(() => sizeof(ada))).toMatch(/^RELEASED_HANDLE/);
    expect(refcount(other)).toBe(1);
  });

  it("leaves a scope's handle to its scope when it is released", () => {
    const { heap } = machine({ gil });
    heap.batch(() => {
      const ada = new Person({ name: "Ada" });
      release(ada);
      ada[Symbol.dispose]();
      expect(ada.name).toBe("Ada");
    });
  });

  it("gives what comes out of memory its class: methods, getters, instanceof, constructor", () => {
    const { heap } = machine({ gil });
    const list = new List([Person.called("Ada")]);
    const ada = list.get(0) as Person;
    expect(ada).toBeInstanceOf(Person);
    expect(ada instanceof House).toBe(false);
    expect(list).toBeInstanceOf(List);
    expect({} instanceof Person).toBe(false);
    expect(ada.constructor).toBe(Person);
    expect(ada.initial).toBe("A");
    expect(ada.grow(1).grow(2).age).toBe(3);
    expect(Person.structName).toBe("Person");
    expect(isWrapper(ada)).toBe(true);
    heap.batch(() => expect((list.get(0) as Person).initial).toBe("A"));
  });

  it("runs a user's constructor once, with its own arguments, and never for what comes out of memory", () => {
    const { heap } = machine({ gil });
    let built = 0;
    class Point extends struct("Point", { x: f64, y: f64 }) {
      constructor(x: number, y: number) {
        super({ x });
        this.y = y;
        built++;
      }
    }
    const list = new List([new Point(1, 2), heap.batch(() => new Point(3, 4))]);
    expect(built).toBe(2);
    expect([list.get(0)?.x, list.get(0)?.y, list.get(1)?.x, list.get(1)?.y]).toEqual([1, 2, 3, 4]);
    expect(built).toBe(2);
  });

  it("refuses an object of another machine, wherever it is put", () => {
    const first = machine({ gil });
    const ada = new Person({ name: "Ada" });
    const list = new List([1]);
    const dict = new Dict([["a", 1]]);
    const kernel = new Kernel(createMachine({ heapBytes: 4 << 20, slots: 3, gil }), 1);
    defineInternalTypes(kernel.exports);
    const second = new Heap(kernel);
    thread.scope = second.root;
    const stranger = new Person({ name: "Bob" });
    thread.scope = first.heap.root;
    expect(failure(() => (ada.next = stranger))).toBe(
      "FOREIGN_OBJECT: The Person for Person.next belongs to another runtime, or to a snapshot: they share no objects",
    );
    expect(failure(() => new Person({ next: stranger }))).toMatch(/^FOREIGN_OBJECT: The Person for Person.next/);
    expect(failure(() => list.push(stranger as never))).toMatch(/^FOREIGN_OBJECT: The value pushed, a Person,/);
    expect(failure(() => list.set(0, stranger as never))).toMatch(/^FOREIGN_OBJECT: List\[0\], a Person,/);
    expect(failure(() => dict.set("a", stranger as never))).toMatch(/^FOREIGN_OBJECT: Dict\["a"\], a Person,/);
    expect(failure(() => list.push({ deep: [stranger] } as never))).toMatch(
      /^FOREIGN_OBJECT: The value pushed.deep\[0\], a Person,/,
    );
    expect(is(ada, stranger)).toBe(false);
    expect([list.length, dict.get("a"), ada.next]).toEqual([1, 1, null]);
    // Each handle works with its own machine, whichever is current on the thread.
    expect([ada.name, stranger.name]).toEqual(["Ada", "Bob"]);
    expect(first.heap.batch(() => [ada.name, stranger.name])).toEqual(["Ada", "Bob"]);
    expect(second.batch(() => first.heap.batch(() => second.batch(() => [stranger.name, ada.name])))).toEqual([
      "Bob",
      "Ada",
    ]);
    second.close();
  });

  it("says what to do where no runtime is", () => {
    const { heap } = machine({ gil });
    thread.scope = null;
    const message =
      "no runtime is running on this thread. Start one with await Runtime.start(), and use rt.new(...) or a coroutine.";
    expect(failure(() => new Person({}))).toBe(`NO_RUNTIME: new Person: ${message}`);
    expect(failure(() => new List())).toBe(`NO_RUNTIME: new List: ${message}`);
    expect(failure(() => new Dict())).toBe(`NO_RUNTIME: new Dict: ${message}`);
    expect(failure(() => scope(() => 1))).toBe(`NO_RUNTIME: scope(): ${message}`);
    thread.scope = heap.root;
  });

  it("refuses handles of a heap that is closed", () => {
    const { heap } = machine({ gil });
    const ada = new Person({ name: "Ada" });
    const kernel = new Kernel(createMachine({ heapBytes: 4 << 20, slots: 3, gil }), 1);
    defineInternalTypes(kernel.exports);
    const second = new Heap(kernel);
    thread.scope = second.root;
    const bob = new Person({ name: "Bob" });
    second.close();
    thread.scope = heap.root;
    expect(failure(() => bob.name)).toMatch(/^RUNTIME_CLOSED/);
    expect(second.closed).toBe(true);
    bob[Symbol.dispose](); // what is left of it may still be released
    expect(ada.name).toBe("Ada");
  });

  it("refuses what is no shared object where one is asked for", () => {
    machine({ gil });
    const wrong = [{}, 5, null, undefined, "text", () => 1, [new List()]] as unknown[];
    const shown = [
      "an object of class Object",
      "5",
      "null",
      "undefined",
      '"text"',
      "function",
      "an object of class Array",
    ];
    for (const use of [keep, id, sizeof, refcount, release] as ((object: unknown) => unknown)[]) {
      wrong.forEach((value, n) =>
        expect(failure(() => use(value))).toContain(
          `NOT_SHARED: ${use.name}() takes a shared object (a struct, List, Dict or Task), not ${shown[n]}`,
        ),
      );
    }
    const list = new List();
    expect([is(5 as never, 5 as never), is({}, {}), is(list, {}), is(null, undefined)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it("refuses initial values that name no field: outside a step, and in the first object of a thread", () => {
    const { heap } = machine({ gil });
    const make = () =>
      class extends struct("Initial", { owner: str, n: f64 }) {} as unknown as new (
        init?: unknown,
      ) => { owner: string };
    const inside = make();
    const outside = make();
    new outside({ owner: "x" });
    const batch = (use: () => unknown) => failure(() => heap.batch(use));
    for (const [Initial, run] of [
      [inside, batch],
      [outside, failure],
    ] as const) {
      expect(run(() => new Initial({ ownr: "x" }))).toBe(
        "SCHEMA: new Initial(...): there is no field ownr. It has: owner, n",
      );
      expect(run(() => new Initial(null))).toBe("SCHEMA: new Initial(...) takes an object of initial values, not null");
      expect(run(() => new Initial("owner"))).toContain("not owner");
      expect(run(() => new Initial())).toBe("nothing was thrown");
    }
    // Later objects are made faster, and null is told from an object all the same.
    const refused = "SCHEMA: new Initial(...) takes an object of initial values, not null";
    expect(batch(() => [new inside({ owner: "y" }), new inside(null)])).toBe(refused);
    expect(batch(() => [new outside({ owner: "y" }), new outside(null)])).toBe(refused);
    const first = new outside({ owner: "first" });
    expect(new outside(first).owner).toBe("first"); // a struct has the fields of a struct
  });

  it("assert.deepStrictEqual tells objects apart, by identity, at once", () => {
    const { heap } = machine({ gil });
    const check = () => {
      const [a, b] = [new List([1]), new List([1])];
      assert.deepStrictEqual(a, a);
      assert.deepStrictEqual(keep(a), keep(a));
      expect(failure(() => assert.deepStrictEqual(a, b))).toMatch(/^ERR_ASSERTION/);
    };
    const begin = performance.now();
    check();
    heap.batch(check);
    expect(performance.now() - begin).toBeLessThan(5000);
  });
});
