// Objects of one mutator alone, each beside a mirror in plain JavaScript: after every operation both must agree, and
// from time to time everything is compared. Links go to older nodes only, so no cycle keeps anything alive.
import {
  bool,
  type Class,
  Dict,
  dict,
  f64,
  i32,
  is,
  keep,
  List,
  list,
  ref,
  release,
  scope,
  str,
  struct,
  u32,
} from "ungil";
import { below, type Random, random } from "../compare/data/random.js";

export class Node extends struct("soak.Node", {
  serial: u32,
  signed: i32,
  real: f64,
  flag: bool,
  text: str,
  kid: ref((): Class<Node> => Node),
}) {}

export class Own extends struct("soak.Own", {
  nodes: list<Node>(),
  values: list<number | string | boolean | null>(),
  facts: dict<string | number, number | string>(),
}) {}

interface NodeMirror {
  serial: number;
  signed: number;
  real: number;
  flag: boolean;
  text: string;
  kid: NodeMirror | null;
}

type Plain = number | string | boolean | null;

const NODES = 40;
const VALUES = 60;
const KEYS = 50;
const REALS = [0, -0, 1.5, -1e300, 5e-324, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY, Number.NaN];
const TEXTS = [
  "",
  "a",
  "shared",
  "ungil",
  "naïve",
  "日本語",
  "𝄞 clef",
  "x".repeat(300),
  "\u0000\uffff",
  "\ud800 alone",
];

export class OwnObjects {
  readonly #root: Own;
  readonly #random: Random;
  readonly #nodes: NodeMirror[] = [];
  readonly #values: Plain[] = [];
  readonly #facts = new Map<string | number, number | string>();
  #serial = 0;
  #kept: { handle: Node; mirror: NodeMirror } | null = null;

  constructor(seed: number) {
    this.#random = random(seed ^ 0x5bd1e995);
    this.#root = scope(() => keep(new Own({ nodes: new List(), values: new List(), facts: new Dict() })));
  }

  /** One operation; throws where shared memory and mirror differ. */
  step(): void {
    scope(() => {
      const dice = below(this.#random, 100);
      if (dice < 45) this.#node(this.#root.nodes!);
      else if (dice < 65) this.#value(this.#root.values!);
      else if (dice < 92) this.#fact(this.#root.facts!);
      else if (dice < 98) this.#keep(this.#root.nodes!);
      else this.compare();
    });
  }

  close(): void {
    scope(() => this.compare());
    if (this.#kept !== null) release(this.#kept.handle);
    release(this.#root);
  }

  #node(nodes: List<Node>): void {
    const mirror = this.#nodes;
    const dice = below(this.#random, 8);
    if (dice <= 1 && mirror.length < NODES) {
      const made = this.#mirrorNode();
      same("length after push", nodes.push(this.#make(made)), mirror.push(made));
    } else if (dice === 2) {
      const popped = nodes.pop();
      const due = mirror.pop();
      same("popped node", popped?.serial, due?.serial);
    } else if (mirror.length > 0) {
      const at = below(this.#random, mirror.length);
      this.#change(nodes, at, dice);
    }
  }

  #change(nodes: List<Node>, at: number, dice: number): void {
    const node = nodes.get(at)!;
    const due = this.#nodes[at]!;
    compareNode(node, due);
    const other = below(this.#random, this.#nodes.length);
    if (dice === 3) {
      node.signed = due.signed = this.#random() | 0;
      node.flag = due.flag = !due.flag;
    } else if (dice === 4) {
      node.real = due.real = REALS[below(this.#random, REALS.length)]!;
      node.text = due.text = this.#text();
    } else if (dice === 5 && this.#nodes[other]!.serial < due.serial) {
      node.kid = nodes.get(other)!;
      due.kid = this.#nodes[other]!;
    } else if (dice === 6) {
      // One up: the kid takes its parent's place, the parent goes (if nothing else refers to it).
      if (due.kid === null) return;
      nodes.set(at, node.kid!);
      this.#nodes[at] = due.kid;
    } else {
      // The same node in two places.
      nodes.set(other, node);
      this.#nodes[other] = due;
      if (!is(nodes.get(other), node)) throw new Error("own objects: a node put into a list is not that node");
    }
  }

  #value(values: List<Plain>): void {
    const mirror = this.#values;
    const dice = below(this.#random, 4);
    if (dice === 0 && mirror.length < VALUES) {
      const value = this.#plain();
      same("length after push", values.push(value), mirror.push(value));
    } else if (dice === 1) same("popped value", values.pop(), mirror.pop());
    else if (mirror.length > 0) {
      const at = below(this.#random, mirror.length);
      same(`value ${at}`, values.get(at), mirror[at]);
      values.set(at, (mirror[at] = this.#plain()));
    } else same("value of an empty list", values.get(0), undefined);
  }

  #fact(facts: Dict<string | number, number | string>): void {
    const mirror = this.#facts;
    const number = below(this.#random, KEYS);
    const key =
      number % 3 === 0 ? number / 2 : number % 3 === 1 ? `key ${number}` : `${TEXTS[number % TEXTS.length]} ${number}`;
    const dice = below(this.#random, 6);
    if (dice === 0) {
      const value = this.#random() % 2 === 0 ? this.#text() : this.#random() / 8;
      facts.set(key, value);
      mirror.set(key, value);
    } else if (dice === 1) same(`deletion of ${key}`, facts.delete(key), mirror.delete(key));
    else if (dice === 2) same(`has ${key}`, facts.has(key), mirror.has(key));
    else if (dice === 3) {
      if (typeof mirror.get(key) === "string") return;
      const sum = ((mirror.get(key) as number | undefined) ?? 0) + number;
      same(`sum at ${key}`, facts.add(key, number), sum);
      mirror.set(key, sum);
    } else if (dice === 4) {
      const grown = `${mirror.get(key) ?? ""}!`.slice(-20);
      same(
        `update of ${key}`,
        facts.update(key, (old) => `${old ?? ""}!`.slice(-20)),
        grown,
      );
      mirror.set(key, grown);
    } else same(`fact ${key}`, facts.get(key), mirror.get(key));
  }

  /** Takes a node out of its scope, or gives the one back that was. */
  #keep(nodes: List<Node>): void {
    if (this.#kept !== null) {
      compareNode(this.#kept.handle, this.#kept.mirror);
      release(this.#kept.handle);
      this.#kept = null;
    } else if (this.#nodes.length > 0) {
      const at = below(this.#random, this.#nodes.length);
      this.#kept = { handle: scope(() => keep(nodes.get(at)!)), mirror: this.#nodes[at]! };
    }
  }

  /** Everything that can be reached, in shared memory and in the mirror. */
  compare(): void {
    const { nodes, values, facts } = this.#root;
    same("number of nodes", nodes!.length, this.#nodes.length);
    this.#nodes.forEach((due, at) => {
      let node: Node | null = nodes!.get(at)!;
      for (let mirror: NodeMirror | null = due; mirror !== null; mirror = mirror.kid) {
        if (node === null) throw new Error(`own objects: node ${mirror.serial} is missing`);
        compareNode(node, mirror);
        node = node.kid;
      }
      same("end of a chain", node, null);
    });
    same("values", JSON.stringify(values!.toArray()), JSON.stringify(this.#values));
    same("number of facts", facts!.size, this.#facts.size);
    for (const [key, value] of facts!.entries()) same(`fact ${key}`, value, this.#facts.get(key));
  }

  #make(mirror: NodeMirror): Node {
    const { serial, signed, real, flag, text } = mirror;
    return new Node({ serial, signed, real, flag, text, kid: null });
  }

  #mirrorNode(): NodeMirror {
    const real = REALS[below(this.#random, REALS.length)]!;
    return {
      serial: this.#serial++,
      signed: this.#random() | 0,
      real,
      flag: this.#random() % 2 === 0,
      text: this.#text(),
      kid: null,
    };
  }

  #text(): string {
    return TEXTS[below(this.#random, TEXTS.length)]! + (this.#random() % 3 === 0 ? below(this.#random, 1000) : "");
  }

  #plain(): Plain {
    const dice = below(this.#random, 4);
    if (dice === 0) return null;
    return dice === 1
      ? this.#text()
      : dice === 2
        ? this.#random() % 2 === 0
        : REALS[below(this.#random, REALS.length)]!;
  }
}

function compareNode(node: Node, due: NodeMirror): void {
  for (const field of ["serial", "signed", "real", "flag", "text"] as const) {
    same(`${field} of node ${due.serial}`, node[field], due[field]);
  }
  same(`kid of node ${due.serial}`, node.kid?.serial, due.kid?.serial);
}

function same(what: string, got: unknown, due: unknown): void {
  if (!Object.is(got, due)) throw new Error(`own objects: ${what} is ${String(got)}, not ${String(due)}`);
}
