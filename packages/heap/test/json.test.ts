/** JSON of shared objects: what they contain, and a TypeError for a cycle, as JSON has it. */
import { type Class, Dict, f64, List, ref, str, struct } from "@ungil/heap";
import { expect, it } from "vitest";
import { failure, inBothModes, machine } from "./support.js";

class Node extends struct("JsonNode", { label: str, weight: f64, next: ref((): Class<Node> => Node) }) {}
class Secret extends struct("JsonSecret", { word: str, node: ref(() => Node) }) {
  toJSON() {
    return { length: this.word.length, node: this.node };
  }
}

inBothModes((gil) => {
  it("writes fields, elements and entries, all the way down, inside a step and outside", () => {
    const { heap } = machine({ gil });
    const node = new Node({ label: "a", weight: 2, next: new Node({ label: "b" }) });
    const list = new List<unknown>([1, "two", null, [3, { node }], undefined, true]);
    const dict = new Dict<string | number, unknown>([
      ["a", node],
      [5, list],
      ["__proto__", 1],
    ]);
    const a = { label: "a", weight: 2, next: { label: "b", weight: 0, next: null } };
    const all = [1, "two", null, [3, { node: a }], null, true];
    const check = () => {
      expect(JSON.stringify(node)).toBe(JSON.stringify(a));
      expect(JSON.parse(JSON.stringify({ list }))).toEqual({ list: all });
      const entries = JSON.parse(JSON.stringify(dict)) as object;
      expect(Object.entries(entries).sort()).toEqual([
        ["5", all],
        ["__proto__", 1],
        ["a", a],
      ]);
      expect(JSON.stringify([new List(), new Dict()])).toBe("[[],{}]");
    };
    check();
    heap.batch(check);
    expect(heap.strings.read(heap.batch(() => heap.strings.address("end")))).toBe("end");
  });

  it("leaves a class its own toJSON", () => {
    machine({ gil });
    const secret = new Secret({ word: "word", node: new Node() });
    expect(JSON.stringify(new List([secret]))).toBe('[{"length":4,"node":{"label":"","weight":0,"next":null}}]');
  });

  it("refuses a cycle", () => {
    const m = machine({ gil });
    const node = new Node();
    node.next = new Node({ next: node });
    const message = "TypeError: Converting circular structure to JSON: a JsonNode contains itself";
    expect(failure(() => JSON.stringify(node))).toBe(message);
    expect(failure(() => JSON.stringify([1, new List([{ node }])]))).toBe(message);
    node.next = null;
    m.heap.batch(() => {});
    node[Symbol.dispose]();
    expect(failure(() => JSON.stringify(node))).toMatch(/^RELEASED_HANDLE/);
  });
});
