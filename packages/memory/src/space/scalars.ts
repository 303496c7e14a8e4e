/** Numbers in memory: little-endian, of any alignment. */
import { VirtualMemoryError } from "../errors.js";

export type Scalar = "u8" | "u16" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64" | "f32" | "f64";

export type ScalarValue<T extends Scalar> = T extends "u64" | "i64" ? bigint : number;

interface Codec {
  readonly size: number;
  get(view: DataView, at: number): number | bigint;
  set(view: DataView, at: number, value: never): void;
  readonly least: number | bigint;
  readonly most: number | bigint;
}

const unsigned = (bits: number) => ({ least: 0, most: 2 ** bits - 1 });
const signed = (bits: number) => ({ least: -(2 ** (bits - 1)), most: 2 ** (bits - 1) - 1 });
const real = { least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY };

const codecs: Readonly<Record<Scalar, Codec>> = {
  u8: {
    size: 1,
    get: (view, at) => view.getUint8(at),
    set: (view, at, value) => view.setUint8(at, value),
    ...unsigned(8),
  },
  u16: {
    size: 2,
    get: (view, at) => view.getUint16(at, true),
    set: (view, at, value) => view.setUint16(at, value, true),
    ...unsigned(16),
  },
  u32: {
    size: 4,
    get: (view, at) => view.getUint32(at, true),
    set: (view, at, value) => view.setUint32(at, value, true),
    ...unsigned(32),
  },
  u64: {
    size: 8,
    get: (view, at) => view.getBigUint64(at, true),
    set: (view, at, value) => view.setBigUint64(at, value, true),
    least: 0n,
    most: 2n ** 64n - 1n,
  },
  i8: { size: 1, get: (view, at) => view.getInt8(at), set: (view, at, value) => view.setInt8(at, value), ...signed(8) },
  i16: {
    size: 2,
    get: (view, at) => view.getInt16(at, true),
    set: (view, at, value) => view.setInt16(at, value, true),
    ...signed(16),
  },
  i32: {
    size: 4,
    get: (view, at) => view.getInt32(at, true),
    set: (view, at, value) => view.setInt32(at, value, true),
    ...signed(32),
  },
  i64: {
    size: 8,
    get: (view, at) => view.getBigInt64(at, true),
    set: (view, at, value) => view.setBigInt64(at, value, true),
    least: -(2n ** 63n),
    most: 2n ** 63n - 1n,
  },
  f32: {
    size: 4,
    get: (view, at) => view.getFloat32(at, true),
    set: (view, at, value) => view.setFloat32(at, value, true),
    ...real,
  },
  f64: {
    size: 8,
    get: (view, at) => view.getFloat64(at, true),
    set: (view, at, value) => view.setFloat64(at, value, true),
    ...real,
  },
};

/** VirtualMemoryError if there is no such type. */
export function codecOf(type: Scalar): Codec {
  const codec = codecs[type];
  if (codec === undefined)
    throw new VirtualMemoryError(`there is no type ${String(type)}: there are ${Object.keys(codecs).join(", ")}`);
  return codec;
}

/** VirtualMemoryError if a value is not of its type. Any number is an f32 or f64. */
export function checkValue(type: Scalar, { least, most }: Codec, value: unknown): void {
  if (typeof value !== typeof least)
    throw new VirtualMemoryError(`${String(value)} is no ${type}: a ${typeof least} is asked for`);
  if (least === Number.NEGATIVE_INFINITY) return;
  const fits = (value as number) >= least && (value as number) <= most;
  if (!fits || (typeof value === "number" && !Number.isInteger(value)))
    throw new VirtualMemoryError(`${String(value)} is no ${type}: a whole number from ${least} to ${most} is`);
}
