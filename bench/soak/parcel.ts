// A parcel is an object that can be checked by whoever meets it: everything in it follows from its number. Parcels go
// from thread to thread, so most of them are freed by another thread than the one that made them.
import { type Class, f64, List, list, ref, str, struct, u32 } from "ungil";

export class Parcel extends struct("soak.Parcel", {
  number: u32,
  weight: f64,
  label: str,
  items: list<number>(),
  inner: ref((): Class<Parcel> => Parcel),
}) {}

export function makeParcel(number: number, depth = number % 3): Parcel {
  return new Parcel({
    number,
    weight: number / 7,
    label: labelOf(number),
    items: number % 2 === 0 ? new List(itemsOf(number)) : null,
    inner: depth === 0 ? null : makeParcel(number + 1, depth - 1),
  });
}

/** What is wrong with a parcel, or null. A thread that reads a freed or half-made object finds out here. */
export function parcelFault(parcel: Parcel, depth = parcel.number % 3): string | null {
  const { number, weight, label, items, inner } = parcel;
  const is = (what: string, got: unknown, due: unknown): string | null =>
    Object.is(got, due) ? null : `parcel ${number}: ${what} is ${String(got)}, not ${String(due)}`;
  const fault =
    is("weight", weight, number / 7) ??
    is("label", label, labelOf(number)) ??
    is("items", items === null ? "none" : items.toArray().join(), number % 2 === 0 ? itemsOf(number).join() : "none") ??
    is("inner", inner === null, depth === 0);
  if (fault !== null || inner === null) return fault;
  return is("number of inner", inner.number, number + 1) ?? parcelFault(inner, depth - 1);
}

// Labels of all kinds: short and interned, beyond Latin-1, too long to be interned.
function labelOf(number: number): string {
  if (number % 97 === 0) return `${number} `.repeat(80);
  return number % 5 === 0 ? `Päckchen № ${number} 📦` : `parcel ${number % 64}`;
}

function itemsOf(number: number): number[] {
  return Array.from({ length: number % 9 }, (_, at) => number + at / 2);
}
