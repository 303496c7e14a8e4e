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

  it("prints references to a depth, and of a cycle that it is one", () => {
    const { heap } = machine({ gil });
    const node = new Node({ label: "a" });
    node.next = new Node({ label: "b" });
    expect(inspect(node, { depth: 0 })).toBe("Node { label: 'a', weight: 0, next: [Node] }");
    node.next.next = node;
    const text = "Node { label: 'a', weight: 0, next: Node { label: 'b', weight: 0, next: [Circular] } }";
    const all = { depth: null, breakLength: Infinity };
    expect(inspect(node, all)).toBe(text);
    heap.batch(() => expect(inspect([node, { node }], all)).toBe(`[ ${text}, { node: ${text} } ]`));
    node.next = null;
    const [list, dict] = [new List<unknown>(), new Dict<string, unknown>()];
    list.push([list, { dict }]);
    list.push(node); // twice, but not inside itself
    list.push(node);
    dict.set("list", list);
    const small = "Node { label: 'a', weight: 0, next: null }";
    expect(inspect(list, all)).toBe(
      `List [ [ [Circular], { dict: Dict Map(1) { 'list' => [Circular] } } ], ${small}, ${small} ]`,
    );
    expect(inspect(list, { ...all, colors: true })).toContain("\u001b[36m[Circular]\u001b[39m");
    list.pop();
    list.set(0, 0);
  });

  it("prints the beginning of what is large, and reads no more of it", () => {
    const m = machine({ gil });
    const { heap } = m;
    const list = new List<number>();
    const dict = new Dict<string, number>();
    heap.batch(() => {
      for (let n = 0; n < 10_000; n++) {
        list.push(n);
        scope(() => void dict.set(`key ${n}`, n));
      }
    });
    expect(inspect(list)).toMatch(/^List \[\n( +\d+,)[\s\S]* 99,\n *\.\.\. 9900 more items\n\]$/);
    expect(inspect(list, { maxArrayLength: 1 })).toBe("List [ 0, ... 9999 more items ]");
    expect(inspect(dict)).toMatch(
      /^Dict Map\(10000\) \{\n( {2}'key \d+' => \d+,\n){100} {2}\.\.\. 9900 more items\n\}$/,
    );
    expect(inspect(dict, { maxArrayLength: 1 })).toMatch(
      /^Dict Map\(10000\) \{ 'key \d+' => \d+, \.\.\. 9999 more items \}$/,
    );
    expect(inspect(dict, { maxArrayLength: 0 })).toBe("Dict Map(10000) { ... 10000 more items }");
    expect(inspect(dict, { maxArrayLength: null }).split("\n").length).toBe(10_002);
    const before = m.framesFree();
    heap.batch(() => {
      for (let n = 0; n < 50; n++) inspect([list, dict]);
    });
    expect(before - m.framesFree()).toBeLessThan(20);
  });

  it("prints a chain that is longer than the stack", () => {
    const { heap } = machine({ gil, mib: 32 });
    const first = new Node();
    heap.batch(() => {
      let last = first;
      for (let n = 0; n < 20_000; n++) last = last.next = new Node({ weight: n });
    });
    expect(inspect(first, { depth: null })).toContain("[Node: Inspection interrupted prematurely");
    expect(inspect(first, { depth: 2 })).toContain("[Node]");
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

  it("shows nothing of the handle in Object.keys, and in a spread but symbols", () => {
    const { heap } = machine({ gil });
    const objects = [new Node({ label: "a" }), new List([1]), new Dict([["a", 1]])];
    const check = () => {
      for (const object of objects) {
        expect(Object.keys(object)).toEqual([]);
        expect(Object.getOwnPropertyNames(object)).toEqual([]);
        expect(JSON.stringify({ ...object })).toBe("{}");
      }
    };
    check();
    heap.batch(check);
  });
});
