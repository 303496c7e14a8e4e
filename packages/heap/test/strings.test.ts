/** Strings: interned, weakly, and cached by each thread. */
import { Dict, type Heap, List, scope, str, struct } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { failure, inBothModes, machine, seed } from "./support.js";

class Text extends struct("Text", { text: str }) {}

inBothModes((gil) => {
  it("the same content is the same address, on every thread; other content another one", () => {
    const m = machine({ gil });
    const second = m.slot(2);
    const texts = ["a", "b", "é", "Ā", "a\u0000", "x".repeat(256), "→".repeat(256), "\ud800", "\udc00"];
    const addresses = m.heap.batch(() => texts.map((text) => m.heap.strings.address(text)));
    const again = m.on(second, () => second.batch(() => texts.map((text) => second.strings.address(text))));
    expect(again).toEqual(addresses);
    expect(new Set(addresses).size).toBe(texts.length);
    m.heap.strings.clear();
    expect(m.heap.batch(() => texts.map((text) => m.heap.strings.address(text)))).toEqual(addresses);
    m.on(second, () =>
      second.batch(() => expect(addresses.map((address) => second.strings.read(address))).toEqual(texts)),
    );
  });

  it("strings of more than 256 characters are not interned, and equal all the same", () => {
    const m = machine({ gil });
    const long = "x".repeat(257);
    m.heap.batch(() => {
      expect(m.heap.strings.address(long)).not.toBe(m.heap.strings.address(long));
      const dict = new Dict([[long, 1]]);
      expect([dict.get("x".repeat(257)), dict.get("x".repeat(258)), dict.get(`${"x".repeat(256)}y`)]).toEqual([
        1,
        undefined,
        undefined,
      ]);
    });
  });

  it("any text comes back from a field, an element, a key and a copy", () => {
    const { heap } = machine({ gil });
    const kept = new Text({});
    const list = new List<unknown>([""]);
    const unit = fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0xd800, max: 0xdfff }),
    );
    const text = fc.array(unit, { maxLength: 600 }).map((units) => String.fromCharCode(...units));
    fc.assert(
      fc.property(text, (value) =>
        heap.batch(() => {
          kept.text = value;
          list.set(0, [{ [`k${value}`]: value }]);
          const dict = new Dict([[value, value]]);
          heap.strings.clear(); // what is read now comes out of memory
          expect(kept.text).toBe(value);
          expect(list.get(0)).toEqual([{ [`k${value}`]: value }]);
          expect(dict.get(value)).toBe(value);
          expect(dict.keys()).toEqual([value]);
        }),
      ),
      { numRuns: 300, seed: seed("any text") },
    );
  });

  it("the intern table is weak: distinct strings do not accumulate", () => {
    const m = machine({ gil, mib: 32 });
    const kept = new Text({});
    const use = (from: number, to: number) =>
      m.heap.batch(() => {
        for (let n = from; n < to; n += 100) {
          scope(() => {
            for (let k = n; k < n + 100; k++) kept.text = `a string that is used once: ${k}`;
          });
        }
      });
    use(0, 100_000);
    const before = m.framesFree();
    use(100_000, 400_000);
    expect(before - m.framesFree()).toBeLessThan(100);
    expect(m.objects()).toBeLessThan(3 * 32_768);
    m.settle();
    expect(m.objects()).toBeLessThan(3 + m.typeStrings());
    expect(kept.text).toBe("a string that is used once: 399999");
  });

  it("an operation's strings stay while it lasts, though the cache is full and memory is reclaimed", () => {
    const m = machine({ gil, mib: 32 });
    const { heap } = m;
    const dict = new Dict<string, unknown>();
    heap.batch(() => {
      // An update whose callback uses more strings than the cache holds, with reclaiming in between.
      dict.set("key of the update", "old value");
      const value = dict.update("key of the update", (old) => {
        for (let n = 0; n < 80_000; n++) heap.strings.address(`filler ${n}`);
        for (let n = 0; n < 4; n++) heap.x.reclaim();
        return `${String(old)}, new value`;
      });
      expect(value).toBe("old value, new value");
      expect(dict.get("key of the update")).toBe("old value, new value");
      // A key beside a value of more strings than the cache holds.
      dict.set(
        "key of the copy",
        Array.from({ length: 70_000 }, (_, n) => `part ${n}`),
      );
      expect((dict.get("key of the copy") as string[])[69_999]).toBe("part 69999");
      // A string in hand when the cache turns over.
      const address = heap.strings.address("in hand");
      for (let n = 0; n < 2500; n++) heap.strings.address(`other ${n}`);
      for (let n = 0; n < 4; n++) heap.x.reclaim();
      expect(heap.strings.read(address)).toBe("in hand");
      expect(heap.strings.address("in hand")).toBe(address);
    });
  });

  it("dying strings leave their chain, and their content can be used again at once", () => {
    const m = machine({ gil });
    const kept = new Text({});
    for (let round = 0; round < 50; round++) {
      m.heap.batch(() => {
        for (let n = 0; n < 200; n++) kept.text = `text ${n}`;
        m.heap.strings.clear();
      });
      m.objects();
    }
    expect(kept.text).toBe("text 199");
    expect(m.counter(L.COUNTER_LIMBO)).toBeGreaterThan(1000);
  });

  const long = (n: number) => `${n} `.padEnd(245, "x");

  it("a field set over and over to new strings works for ever, in steps of its own and in one step", () => {
    const m = machine({ gil, mib: 8 });
    const kept = new Text({});
    for (let n = 0; n < 60_000; n++) kept.text = long(n);
    m.heap.batch(() => {
      for (let n = 0; n < 60_000; n++) kept.text = long(n);
    });
    expect(kept.text).toBe(long(59_999));
    expect(m.objects()).toBeLessThan(5000);
  });

  it("when memory is out, strings that are only cached go, here and on threads that do nothing but batches", () => {
    const m = machine({ gil, mib: 2, slots: 3 });
    const second = m.slot(2);
    const texts = (heap: Heap, from: number) =>
      m.on(heap, () => {
        for (let n = from; n < from + 250; n++) heap.batch(() => heap.strings.address(long(n)));
      });
    texts(m.heap, 0);
    texts(second, 1000);
    const list = new List<Text>();
    const fill = () => {
      for (;;) list.push(new Text({ text: "filler" }));
    };
    expect(failure(() => m.heap.batch(fill))).toMatch(/^OUT_OF_MEMORY/);
    const others = () => {
      for (let n = 0; n < 10; n++) for (const heap of [m.heap, second]) m.step(heap);
      return m.objects() - list.length;
    };
    expect(others()).toBeGreaterThan(250);
    expect(others()).toBeLessThan(280); // of the 500
    m.on(second, () => second.batch(() => {}));
    expect(others()).toBeLessThan(20);
    while (list.length > 10) list.pop();
    m.settle();
    expect(new Text({ text: "hello" }).text).toBe("hello");
  });

  it("the strings of one operation stay while it lasts, though memory is out between them", () => {
    const m = machine({ gil, mib: 4, slots: 3 });
    const fields = Array.from({ length: 60 }, (_, n) => `s${n}`);
    const Many = (struct as unknown as (name: string, schema: object) => new (init: object) => Record<string, string>)(
      "ManyTexts",
      Object.fromEntries(fields.map((name) => [name, str])),
    );
    const list = new List<unknown>();
    expect(
      failure(() =>
        m.heap.batch(() => {
          for (;;) list.push("y".repeat(2000) + list.length);
        }),
      ),
    ).toMatch(/^OUT_OF_MEMORY/);
    let round = 0;
    for (; round < 300; round++) {
      const text = (name: string) => `${round} ${name} `.padEnd(256, "z");
      const init = Object.fromEntries(fields.map((name) => [name, text(name)]));
      try {
        const object = new Many(init);
        m.heap.strings.clear();
        for (const name of fields) expect(object[name]).toBe(text(name));
        list.push(object);
      } catch (error) {
        expect(error).toMatchObject({ code: "OUT_OF_MEMORY" });
        for (let n = 0; n < 8; n++) list.pop();
      }
    }
    m.objects();
  });
});
