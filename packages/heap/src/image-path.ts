/** How an object is reached from the roots of an image, in words, for who is told that it cannot be saved. */
import { Layout as L } from "@ungil/kernel";
import { type Heap, structsByName } from "./heap.js";
import { bytesOf, PAGE_WORDS, type Shape, valuesStart } from "./image-objects.js";
import type { ImageSource } from "./image-source.js";
import { signatureOf } from "./signature.js";

/** Where an object was found first: in what, and at which of its words. */
interface Found {
  readonly by: number;
  readonly word: number;
}

/** A shortest path to `target`, such as `roots.jobs[3].current`. O(heap), and only when something is wrong. */
export function pathTo(
  source: ImageSource,
  shapes: ReadonlyMap<number, Shape>,
  heap: Heap,
  roots: Readonly<Record<string, number>>,
  target: number,
): string {
  const names = new Map(Object.entries(roots).map(([name, address]) => [address, name]));
  const found = new Map<number, Found | null>();
  for (const root of names.keys()) found.set(root, null);
  const memory = new Memory(source, shapes);
  for (const address of found.keys()) {
    if (found.has(target)) break;
    // The map grows while it is walked.
    for (const [child, word] of memory.references(address))
      if (!found.has(child)) found.set(child, { by: address, word });
  }
  let path = "";
  let at = target;
  for (let step = found.get(at); step; at = step.by, step = found.get(at))
    path = memory.nameOf(heap, step, found.get(step.by) ?? null) + path;
  return `roots.${names.get(at) ?? "?"}${path}`;
}

class Memory {
  constructor(
    readonly source: ImageSource,
    readonly shapes: ReadonlyMap<number, Shape>,
  ) {}

  /** A word of an object, which may be a run. */
  word(address: number, n: number): number {
    const at = ((address & L.PAGE_MASK) >>> 2) + n;
    return this.source.page((address >>> L.PAGE_SHIFT) + Math.floor(at / PAGE_WORDS))?.words[at % PAGE_WORDS] ?? 0;
  }

  typeOf(address: number): number {
    return this.word(address, 0) & L.TYPE_MASK;
  }

  *references(address: number): Generator<readonly [child: number, word: number]> {
    const type = this.typeOf(address);
    for (const n of this.shapes.get(type)?.references ?? [])
      if (this.word(address, n)) yield [this.word(address, n), n];
    const start = valuesStart(type) >>> 2;
    if (start === 0) return;
    const head = [0, 1, 2, 3, 4, 5].map((n) => this.word(address, n));
    const words = bytesOf(Uint32Array.from(head), 0, this.shapes) >>> 2;
    for (let n = start; n < words; n += 2)
      if (this.word(address, n + 1) >>> 16 === L.BOX_REF) yield [this.word(address, n), n];
  }

  /** What follows the path of `step.by`, itself found by `above`. */
  nameOf(heap: Heap, { by, word }: Found, above: Found | null): string {
    const type = this.typeOf(by);
    if (type >= L.TYPE_FIRST_USER) return `.${this.#fieldOf(heap, type, 4 * word)}`;
    if (type === L.TYPE_TABLE) return `[${this.#key(by, word - 2)}]`;
    if (type !== L.TYPE_VALUES) return "";
    if (above && this.typeOf(above.by) === L.TYPE_RECORD) return `[${this.#key(by, word - 2)}]`;
    return `[${(word - (L.VALUES_DATA >>> 2)) / 2}]`;
  }

  #fieldOf(heap: Heap, type: number, offset: number): string {
    const { name, schema } = heap.batch(() => heap.typeText(type));
    const layout = structsByName.get(name)?.find((one) => signatureOf(one).text === schema);
    return layout?.fields.find((field) => field.offset === offset)?.name ?? "?";
  }

  /** A key, a value as it stands in memory. */
  #key(address: number, word: number): string {
    const [low, high] = [this.word(address, word), this.word(address, word + 1)];
    if (high >>> 16 !== L.BOX_REF) return String(new Float64Array(Uint32Array.of(low, high).buffer)[0]);
    const length = Math.min(this.word(low, L.STR_LENGTH >>> 2), 40);
    const isWide = (this.word(low, 0) & L.HEADER_WIDE) !== 0;
    const bytes = new Uint8Array(
      Uint32Array.from({ length: 24 }, (_, n) => this.word(low, (L.STR_DATA >>> 2) + n)).buffer,
    );
    return JSON.stringify(Buffer.from(bytes).toString(isWide ? "utf16le" : "latin1", 0, isWide ? 2 * length : length));
  }
}
