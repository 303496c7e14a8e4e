/** Values of containers, arguments and results: from JavaScript into the kernel and back. */
import { Layout as L } from "@ungil/kernel";
import { copyIn, copyOut } from "./copy.js";
import { ForeignObjectError, NotShareableError } from "./errors.js";
import type { Heap } from "./heap.js";
import { innermost, type Scope } from "./scope.js";
import { addressOf, isWrapper, nameOf, SCOPE } from "./shared.js";

/** What a value is as it crosses: three arguments of a kernel call. */
export interface Crossing {
  tag: number;
  ref: number;
  number: number;
}

/** The last value that `valueIn` converted: read it before converting another one. */
export const crossing: Crossing = { tag: 0, ref: 0, number: 0 };

/** Converts a value into `crossing`. `path` names it in errors. Strings and copies live until the end of the step at least. */
export function valueIn(scope: Scope, value: unknown, path: string): void {
  crossing.ref = 0;
  crossing.number = 0;
  switch (typeof value) {
    case "number":
      crossing.tag = L.TAG_NUMBER;
      crossing.number = value;
      return;
    case "string":
      crossing.tag = L.TAG_REF;
      crossing.ref = scope.heap.strings.address(value);
      return;
    case "boolean":
      crossing.tag = value ? L.TAG_TRUE : L.TAG_FALSE;
      return;
    case "undefined":
      crossing.tag = L.TAG_UNDEFINED;
      return;
    case "object":
      if (value === null) {
        crossing.tag = L.TAG_NULL;
        return;
      }
      crossing.ref = isWrapper(value) ? sharedIn(scope, value, path) : copyIn(scope, value, path);
      crossing.tag = L.TAG_REF;
      crossing.number = 0;
      return;
    case "bigint":
      crossing.ref = copyIn(scope, value, path);
      crossing.tag = L.TAG_REF;
      crossing.number = 0;
      return;
    default:
      throw new NotShareableError(path, value);
  }
}

function sharedIn(scope: Scope, value: Parameters<typeof addressOf>[0], path: string): number {
  const address = addressOf(value);
  if (value[SCOPE].x !== scope.x) throw new ForeignObjectError(`${path}, a ${nameOf(value)},`);
  return address;
}

/** The value that a kernel call has handed out; `tag` is what the call returned and not negative. */
export function valueOut(heap: Heap, tag: number): unknown {
  switch (tag) {
    case L.TAG_NUMBER:
      return heap.kernel.f64[heap.kernel.outNumber];
    case L.TAG_REF:
      return refOut(
        heap,
        heap.kernel.i32[heap.kernel.outRef] as number,
        heap.kernel.u32[heap.kernel.outType] as number,
      );
    case L.TAG_NULL:
      return null;
    case L.TAG_FALSE:
      return false;
    case L.TAG_TRUE:
      return true;
    default:
      return undefined;
  }
}

/** What a reference is in JavaScript: text, a copy, or a handle in the running scope. */
export function refOut(heap: Heap, address: number, type: number): unknown {
  if (type === L.TYPE_STR) return heap.strings.read(address);
  if (type === L.TYPE_ARRAY || type === L.TYPE_RECORD || type === L.TYPE_BIGINT) return copyOut(heap, address, type);
  return new (heap.wrapOf(type))(address, innermost(heap));
}
