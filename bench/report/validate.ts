// Says what is wrong with a report: every way in which a value can miss the shape, named by path.
// Suites check their own report before they write it, and the tests check that this can fail.
import { median } from "./numbers.js";
import { UNITS } from "./shape.js";

const MODE = /^(gil|free|js|peer:[a-z0-9][a-z0-9.+-]*)$/;
const ISO_8601 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
const LATENCY = ["p50", "p99", "max"];

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isText = (value: unknown): value is string => typeof value === "string" && value.length > 0;
const isCount = (value: unknown): value is number => isNumber(value) && Number.isInteger(value) && value >= 1;
const isSamples = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every((sample) => isNumber(sample));

/** The list of faults; empty when `value` is a report. */
export function validateReport(value: unknown): string[] {
  const faults: string[] = [];
  const need = (good: boolean, path: string, what: string): void => {
    if (!good) faults.push(`${path}: ${what}`);
  };
  if (!isFields(value)) return ["report: must be an object"];
  unknownFields(value, ["machine", "node", "date", "rows"], "report", faults);
  const machine = isFields(value.machine) ? value.machine : {};
  need(isFields(value.machine), "machine", "must be an object");
  need(isText(machine.cpu), "machine.cpu", "must be a text");
  need(isCount(machine.cores), "machine.cores", "must be a whole number above 0");
  need(isCount(machine.memory), "machine.memory", "must be a number of bytes");
  need(
    typeof value.node === "string" && /^v\d+\.\d+\.\d+/.test(value.node),
    "node",
    "must be a version such as v20.20.2",
  );
  need(typeof value.date === "string" && ISO_8601.test(value.date), "date", "must be ISO 8601");
  need(Array.isArray(value.rows) && value.rows.length > 0, "rows", "must be an array with at least one row");
  if (!Array.isArray(value.rows)) return faults;
  const names = new Map<unknown, Set<unknown>>();
  for (const row of value.rows) {
    if (!isFields(row)) continue;
    if (!names.has(row.suite)) names.set(row.suite, new Set());
    names.get(row.suite)!.add(row.name);
  }
  value.rows.forEach((row, index) => {
    if (isFields(row)) validateRow(row, `rows[${index}]`, names.get(row.suite)!, need, faults);
    else faults.push(`rows[${index}]: must be an object`);
  });
  return faults;
}

function validateRow(
  row: Fields,
  at: string,
  names: Set<unknown>,
  need: (good: boolean, path: string, what: string) => void,
  faults: string[],
): void {
  const known = ["suite", "name", "mode", "threads", "params", "unit", "better", "samples", "median", "floor"];
  unknownFields(row, [...known, "gilWait", "counters", "checksum", ...LATENCY], at, faults);
  need(isText(row.suite), `${at}.suite`, "must be a text");
  need(isText(row.name), `${at}.name`, "must be a text");
  need(typeof row.mode === "string" && MODE.test(row.mode), `${at}.mode`, 'must be "gil", "free", "js" or "peer:NAME"');
  need(isCount(row.threads), `${at}.threads`, "must be a whole number above 0");
  const params = isFields(row.params) ? Object.values(row.params) : [Symbol()];
  const plain = (value: unknown): boolean => isNumber(value) || typeof value === "string" || typeof value === "boolean";
  need(params.every(plain), `${at}.params`, "must be an object of numbers, texts and booleans");
  need((UNITS as readonly unknown[]).includes(row.unit), `${at}.unit`, `must be one of ${UNITS.join(", ")}`);
  need(row.better === "lower" || row.better === "higher", `${at}.better`, 'must be "lower" or "higher"');
  need(isSamples(row.samples), `${at}.samples`, "must be an array of at least one finite number");
  if (isSamples(row.samples))
    need(row.median === median(row.samples), `${at}.median`, "must be the median of the samples");
  need(
    row.floor === null || names.has(row.floor),
    `${at}.floor`,
    "must be null or the name of a row of the same suite",
  );
  need(isNumber(row.gilWait) && row.gilWait >= 0 && row.gilWait <= 1, `${at}.gilWait`, "must be a share, 0 to 1");
  const counters = isFields(row.counters) ? Object.values(row.counters) : [Symbol()];
  need(
    counters.every((value) => isNumber(value) || (Array.isArray(value) && value.every(isNumber))),
    `${at}.counters`,
    "must be an object of numbers, or of one number for each thread",
  );
  need(row.checksum === null || isText(row.checksum), `${at}.checksum`, "must be null or a text");
  const latency = LATENCY.filter((field) => row[field] !== undefined);
  need(latency.length === 0 || latency.length === LATENCY.length, at, "a latency row has p50, p99 and max, all three");
  for (const field of latency) need(isNumber(row[field]), `${at}.${field}`, "must be a finite number");
}

function unknownFields(value: Fields, known: readonly string[], at: string, faults: string[]): void {
  for (const field of Object.keys(value)) if (!known.includes(field)) faults.push(`${at}.${field}: unknown field`);
}
