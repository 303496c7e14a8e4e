/** What containers are made from. */
import { OptionError } from "./errors.js";

/** The items given to a constructor; none is none. */
export function itemsIn<T>(what: string, expected: string, items: Iterable<T> | null | undefined): Iterable<T> {
  if (items === undefined || items === null) return [];
  if (typeof items[Symbol.iterator] !== "function") throw new OptionError(what, "its argument", expected, items);
  return items;
}
