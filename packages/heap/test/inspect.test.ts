import { inspect } from "node:util";
import { type Class, Dict, f64, keep, List, ref, scope, str, struct } from "@ungil/heap";
import { expect, it } from "vitest";
import { inBothModes, machine } from "./support.js";

class Node extends struct("Node", { label: str, weight: f64, next: ref((): Class<Node> => Node) }) {}

inBothModes((gil) => {
  it("prints fields, the same inside a batch and outside", () => {
    const { heap } = machine({ gil });
    const node = new Node({ label: "a", weight: 2 });
    const text = "Node { label: 'a', weight: 2, next: null }";
    expect(inspect(node)).toBe(text);
    heap.batch(() => {
      expect(inspect(node)).toBe(text);
      expect(inspect(new Node({ label: "a", weight: 2 }))).toBe(text);
    });
    expect(inspect({ node })).toBe(`{ node: ${text} }`);
  });

  it("prints references to a depth, cycles too", () => {
    machine({ gil });
    const node = new Node({ label: "a" });
    node.next = node;
    expect(inspect(node, { depth: 0 })).toBe("Node { label: 'a', weight: 0, next: [Node] }");
    expect(inspect(node, { depth: 1, breakLength: Infinity })).toBe(
      "Node { label: 'a', weight: 0, next: Node { label: 'a', weight: 0, next: [Node] } }",
    );
    expect(inspect(node).length).toBeLessThan(1000);
    node.next = null;
  });

  it("prints containers", () => {
    const { heap } = machine({ gil });
    const list = new List<unknown>([1, "two", null, [3], new Node({ label: "x" })]);
    const dict = new Dict<string, unknown>([["a", list]]);
    const text = "List [ 1, 'two', null, [ 3 ], Node { label: 'x', weight: 0, next: null } ]";
    expect(inspect(list)).toBe(text);
    heap.batch(() => expect(inspect(list)).toBe(text));
    expect(inspect(dict, { depth: 0 })).toBe("Dict Map(1) { 'a' => [List] }");
    expect(inspect(new List())).toBe("List []");
  });

  it("says of a handle that it was released", () => {
    const { heap } = machine({ gil });
    let late: Node | undefined;
    heap.batch(() => {
      scope(() => {
        late = new Node({ label: "gone" });
      });
      expect(inspect(late)).toBe("Node (released)");
    });
    const kept = keep(heap.batch(() => new List([1])));
    kept[Symbol.dispose]();
    expect(inspect(kept)).toBe("List (released)");
  });

  it("shows nothing of the handle in JSON, Object.keys, spread, for-in of own keys", () => {
    const { heap } = machine({ gil });
    const objects = [new Node({ label: "a" }), new List([1]), new Dict([["a", 1]])];
    const check = () => {
      for (const object of objects) {
        expect(Object.keys(object)).toEqual([]);
        expect(Object.getOwnPropertyNames(object)).toEqual([]);
        expect(JSON.stringify(object)).toBe("{}");
        expect(JSON.stringify({ ...object })).toBe("{}");
      }
    };
    check();
    heap.batch(check);
  });
});
