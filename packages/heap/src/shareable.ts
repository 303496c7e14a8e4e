/**
 * What TypeScript can know of which values may be shared. It cannot tell an instance of a class without methods from a plain
 * object; what it lets through is refused when the program runs.
 */
import type { Dict } from "./dict.js";
import type { List } from "./list.js";
import type { Shared } from "./shared.js";

type Scalar = number | string | boolean | bigint | null | undefined | void;
// biome-ignore-start lint/suspicious/noExplicitAny: matches every collection
type Closed =
  | Map<any, any>
  | Set<any>
  | WeakMap<any, any>
  | WeakSet<any>
  | Date
  | RegExp
  | Promise<any>
  | Error
  | ArrayBuffer
  | ArrayBufferView;
// biome-ignore-end lint/suspicious/noExplicitAny: matches every collection
// biome-ignore lint/complexity/noBannedTypes: any function is what it means
type Code = Function | symbol;

/** How deep a type is looked through: types may refer to themselves, and checking must stay quick. */
type Deep = [1, 1, 1, 1, 1];

/** The part of a type that cannot be shared: `never` if all of it can, as far as types tell. */
export type Unshareable<T, Depth extends readonly unknown[] = []> = 0 extends 1 & T
  ? never // any
  : Depth extends Deep
    ? never
    : T extends Scalar
      ? never
      : T extends Code | Closed
        ? T
        : T extends Shared
          ? UnshareableInside<T, [...Depth, 1]>
          : T extends readonly (infer E)[]
            ? Unshareable<E, [...Depth, 1]>
            : T extends object
              ? { [K in keyof T]-?: Unshareable<T[K], [...Depth, 1]> }[keyof T]
              : never;

/** Of a shared object: a List or a Dict holds what its type says, a struct checks each field itself. */
type UnshareableInside<T, Depth extends readonly unknown[]> =
  T extends List<infer E>
    ? Unshareable<E, Depth>
    : T extends Dict<string | number, infer V>
      ? Unshareable<V, Depth>
      : never;
