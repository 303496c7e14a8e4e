/** Sizes as people write them. */
const units: Record<string, number> = {
  "": 1,
  B: 1,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
};

/** A number of bytes, or a text such as "256MiB"; NaN if it is neither, or below 0. */
export function bytesOf(size: unknown): number {
  const [, number, unit = ""] = (typeof size === "string" && /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(size)) || [];
  const bytes = number === undefined ? size : Math.floor(Number(number) * (units[unit.toUpperCase()] ?? Number.NaN));
  return typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : Number.NaN;
}
