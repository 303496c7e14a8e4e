/**
 * How shared objects print. A handle is a new one at each read, so `inspect` cannot see that an object contains itself:
 * the objects on the way down travel in its options. What is read for it lives in a scope of its own.
 */
import { type InspectOptions, inspect } from "node:util";
import type { Heap } from "./heap.js";
import { scope } from "./nested.js";
import { ADDRESS, addressOf, type ClassToken, isWrapper, KIND, SCOPE, slow, type Wrapper } from "./shared.js";

/** In inspect's options, which it hands down if the key is a text: addresses of the objects that are being printed. */
const ANCESTORS = "ungil.ancestors";

type Ancestors = Map<Heap, Set<number>>;
type Options = InspectOptions & { [ANCESTORS]?: Ancestors; stylize?: (text: string, kind: string) => string };

/** Some of the entries of a dict that has `size` of them. */
export class Entries {
  constructor(
    readonly map: Map<unknown, unknown>,
    readonly size: number,
  ) {}
}

/** What an object contains, at most `limit` elements of it if it is a container. */
export type Contents = (wrapper: Wrapper, limit: number) => unknown;

const contentsOf = new WeakMap<ClassToken, Contents>();

/** Shared objects that an object refers to, also in copies of plain arrays and objects. */
export function referents(wrapper: Wrapper): Wrapper[] {
  const contents = contentsOf.get(wrapper[KIND] as ClassToken);
  const seen = new Set<unknown>([contents?.(wrapper, Infinity)]);
  // The set grows while it is walked.
  for (const part of seen) {
    if (typeof part !== "object" || part === null || isWrapper(part)) continue;
    const parts = part instanceof Entries ? [...part.map].flat() : Array.isArray(part) ? part : Object.values(part);
    for (const one of parts) seen.add(one);
  }
  return [...seen].filter(isWrapper);
}

/** The method under `inspect.custom` of a class. */
export function printer(token: ClassToken, contents: Contents) {
  contentsOf.set(token, contents);
  return function (this: Wrapper, depth: number, options: Options, inspector: typeof inspect = inspect): string {
    const name = this.constructor?.name || token.name;
    const special = (text: string) => options.stylize?.(text, "special") ?? text;
    if (depth < 0) return special(`[${name}]`);
    try {
      addressOf(this);
    } catch {
      const scope = this[SCOPE];
      return `${name} (${scope.heap.closed ? "closed" : scope.pauses ? "its coroutine waits" : "released"})`;
    }
    const ancestors: Ancestors = options[ANCESTORS] ?? new Map();
    const { heap } = this[SCOPE];
    let above = ancestors.get(heap);
    if (!above) ancestors.set(heap, (above = new Set()));
    const address = this[ADDRESS];
    if (above.has(address)) return special("[Circular]");
    above.add(address);
    const print = (wrapper: Wrapper) =>
      scope(() => {
        const value = contents(wrapper, limitOf(options));
        return text(value, (part) => inspector(part, { ...options, depth, [ANCESTORS]: ancestors } as InspectOptions));
      });
    try {
      return `${name} ${this[SCOPE].open ? print(this) : slow(this, print)}`;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return special(`[${name}: Inspection interrupted prematurely. Maximum call stack size exceeded.]`);
    } finally {
      above.delete(address);
    }
  };
}

function limitOf({ maxArrayLength = inspect.defaultOptions.maxArrayLength }: Options): number {
  return maxArrayLength === null || maxArrayLength === undefined ? Infinity : Math.max(0, maxArrayLength);
}

/** Text of what an object contains; of some entries of a dict it says how many are left out, as it is said of an array. */
function text(value: unknown, print: (value: unknown) => string): string {
  if (!(value instanceof Entries)) return print(value);
  const { map, size } = value;
  const shown = print(map);
  const hidden = size - map.size;
  if (hidden <= 0) return shown;
  const [body, end] = shown.endsWith("\n}") ? [shown.slice(0, -2), "\n}"] : [shown.slice(0, -1).trimEnd(), " }"];
  const comma = map.size === 0 ? " " : end === " }" ? ", " : ",\n  ";
  return `${body.replace(/\(\d+\)/, `(${size})`)}${comma}... ${hidden} more item${hidden === 1 ? "" : "s"}${end}`;
}
