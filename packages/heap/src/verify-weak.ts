/** The verifier's part for weak cells: the table that leads to them, and the queue of those whose coroutines are due. */
import { Layout as L } from "@ungil/kernel";
import type { ThreadLists } from "./verify-objects.js";
import { add, type Counts, hex, type Objects, type Reader } from "./verify-reader.js";

/** Fills `counts` with what table and queue count. */
export function checkWeak(reader: Reader, objects: Objects, counts: Counts, lists: ThreadLists): void {
  const linked = checkTable(reader, objects, counts);
  const due = checkQueue(reader, objects, counts);
  for (const address of objects.keys()) {
    const type = reader.at(address, 0) & L.TYPE_MASK;
    if (type !== L.TYPE_WEAK && type !== L.TYPE_FINALIZER) continue;
    const state = reader.at(address, L.WEAK_STATE);
    const target = reader.at(address, L.WEAK_TARGET);
    if ((target !== 0) !== linked.has(address))
      reader.violation(
        "weak",
        `cell ${hex(address)} leads to ${hex(target)}, and is ${linked.has(address) ? "" : "not "}found from there`,
      );
    if (((state & L.WEAK_LINKED) !== 0) !== linked.has(address) || ((state & L.WEAK_DUE) !== 0) !== due.has(address))
      reader.violation("weak", `cell ${hex(address)} has state ${state}, and stands elsewhere`);
    if (target !== 0) checkTarget(reader, address, target, objects, lists);
  }
  if (reader.word(L.CB + L.CB_WEAK_DUE_LOCK)) reader.violation("lock", "the queue of weak cells is locked");
}

/** Cells found from objects. */
function checkTable(reader: Reader, objects: Objects, counts: Counts): Set<number> {
  const linked = new Set<number>();
  const buckets = reader.kernel.control(L.CB_WEAK_BUCKETS);
  for (let n = 0; n < buckets; n++) {
    const bucket = reader.kernel.control(L.CB_WEAK) + n * L.WEAK_BUCKET_SIZE;
    const head = reader.word(bucket + L.BUCKET_CELLS);
    if (head & 1) reader.violation("weak-lock", `bucket ${n} of weak cells is locked`);
    let previous = 0;
    for (let cell = (head & ~1) >>> 0; cell; cell = reader.at(cell, L.WEAK_NEXT)) {
      const type = reader.at(cell, 0) & L.TYPE_MASK;
      const isCell = objects.has(cell) && (type === L.TYPE_WEAK || type === L.TYPE_FINALIZER);
      const hash = Math.imul(reader.at(cell, L.WEAK_TARGET) >>> 4, 0x9e3779b1) >>> 8;
      if (
        !isCell ||
        linked.has(cell) ||
        reader.at(cell, L.WEAK_PREVIOUS) !== previous ||
        (hash & (buckets - 1)) !== n
      ) {
        reader.violation("weak", `bucket ${n}: ${hex(cell)} does not belong there`);
        break;
      }
      linked.add(cell);
      if (type === L.TYPE_FINALIZER) add(counts, cell);
      previous = cell;
    }
  }
  return linked;
}

/** Cells that are due. */
function checkQueue(reader: Reader, objects: Objects, counts: Counts): Set<number> {
  const due = new Set<number>();
  let last = 0;
  for (let cell = reader.word(L.CB + L.CB_WEAK_DUE_HEAD); cell; cell = reader.at(cell, L.WEAK_NEXT)) {
    if (!objects.has(cell) || due.has(cell)) {
      reader.violation("weak-queue", `${hex(cell)} does not belong there`);
      break;
    }
    due.add(cell);
    add(counts, cell);
    last = cell;
  }
  if (last !== reader.word(L.CB + L.CB_WEAK_DUE_TAIL))
    reader.violation("weak-queue", `it does not end at ${hex(last)}`);
  return due;
}

/** What a cell leads to is an object that has not died, and knows that it can be reached by its address. */
function checkTarget(reader: Reader, cell: number, target: number, objects: Objects, lists: ThreadLists): void {
  if (!objects.has(target))
    return reader.violation("weak", `cell ${hex(cell)} leads to ${hex(target)}, which is no object`);
  const header = reader.at(target, 0);
  const word = reader.at(target, L.OBJECT_COUNT);
  const isDestructor = (reader.at(cell, L.WEAK_STATE) & L.WEAK_DESTRUCTOR) !== 0;
  if (!(header & L.HEADER_HAS_WEAK) || (isDestructor && !(header & L.HEADER_HAS_DESTRUCTOR)))
    reader.violation("weak", `object ${hex(target)} does not know that it has the cell ${hex(cell)}`);
  if (word & (L.COUNT_NEWBORN | L.COUNT_VIRGIN) || lists.dying.has(target))
    reader.violation("weak", `object ${hex(target)} has the cell ${hex(cell)}, and flags ${word & L.COUNT_FLAGS}`);
}
