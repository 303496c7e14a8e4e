/** Numbers in memory: little-endian, of any alignment. */
import { VirtualMemoryError } from "../errors.js";

export type Scalar = "u8" | "u16" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64" | "f32" | "f64";

export type ScalarValue<T extends Scalar> = T extends "u64" | "i64" ? bigint : number;

/** In bytes. VirtualMemoryError if there is no such type. */
export function sizeOf(type: Scalar): number {
  switch (type) {
    case "u8":
    case "i8":
      return 1;
    case "u16":
    case "i16":
      return 2;
    case "u32":
    case "i32":
    case "f32":
      return 4;
    case "u64":
    case "i64":
    case "f64":
      return 8;
    default: {
      const types = "u8, u16, u32, u64, i8, i16, i32, i64, f32, f64";
      throw new VirtualMemoryError(`there is no type ${String(type)}: there are ${types}`);
    }
  }
}

export function get(view: DataView, at: number, type: Scalar): number | bigint {
  switch (type) {
    case "u8":
      return view.getUint8(at);
    case "u16":
      return view.getUint16(at, true);
    case "u32":
      return view.getUint32(at, true);
    case "u64":
      return view.getBigUint64(at, true);
    case "i8":
      return view.getInt8(at);
    case "i16":
      return view.getInt16(at, true);
    case "i32":
      return view.getInt32(at, true);
    case "i64":
      return view.getBigInt64(at, true);
    case "f32":
      return view.getFloat32(at, true);
    case "f64":
      return view.getFloat64(at, true);
  }
}

/** The value has been checked. Signed and unsigned numbers of one size are the same bytes. */
export function set(view: DataView, at: number, type: Scalar, value: number | bigint): void {
  switch (type) {
    case "u8":
    case "i8":
      return view.setInt8(at, value as number);
    case "u16":
    case "i16":
      return view.setInt16(at, value as number, true);
    case "u32":
    case "i32":
      return view.setInt32(at, value as number, true);
    case "u64":
    case "i64":
      return view.setBigInt64(at, value as bigint, true);
    case "f32":
      return view.setFloat32(at, value as number, true);
    case "f64":
      return view.setFloat64(at, value as number, true);
  }
}

/** VirtualMemoryError if a value is not of its type. Any number is an f32 or f64. */
export function checkValue(type: Scalar, value: unknown): void {
  if (typeof value === "number" ? numberFits(type, value) : typeof value === "bigint" && bigintFits(type, value))
    return;
  const bits = 8 * sizeOf(type);
  const isBig = bits === 64 && type !== "f64";
  const range = type.startsWith("f")
    ? ""
    : type.startsWith("u")
      ? ` from 0 to 2^${bits} - 1`
      : ` from -2^${bits - 1} to 2^${bits - 1} - 1`;
  throw new VirtualMemoryError(`${String(value)} is no ${type}: a ${isBig ? "bigint" : "number"}${range} is`);
}

function numberFits(type: Scalar, value: number): boolean {
  switch (type) {
    case "u8":
      return (value & 0xff) === value;
    case "u16":
      return (value & 0xffff) === value;
    case "u32":
      return value >>> 0 === value;
    case "i8":
      return (value << 24) >> 24 === value;
    case "i16":
      return (value << 16) >> 16 === value;
    case "i32":
      return (value | 0) === value;
    default:
      return type === "f64" || type === "f32";
  }
}

function bigintFits(type: Scalar, value: bigint): boolean {
  return (
    (type === "u64" && BigInt.asUintN(64, value) === value) || (type === "i64" && BigInt.asIntN(64, value) === value)
  );
}
