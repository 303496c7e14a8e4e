/**
 * Pages that the pager's policy wants to leave memory, in that order. Whoever evicts, the pager or a thread that needs a frame,
 * takes the next ones of this list before it looks for others. It is a table of CB_VICTIMS, and two indexes that belong to the
 * holder of CB_EVICT_LOCK; the pager writes the table while the list is empty.
 */
import * as L from "../layout";
import { control } from "../machine/registers";

/** The page that is to leave next, 0 if none is named. It may have left, or be another one by now. */
export function victimTake(): u32 {
  const next = load<u32>(control() + L.CB_VICTIM_NEXT);
  if (next == load<u32>(control() + L.CB_VICTIM_END)) return 0;
  store<u32>(control() + L.CB_VICTIM_NEXT, next + 1);
  return load<u32>(<usize>load<u32>(control() + L.CB_VICTIMS) + (<usize>next << 2));
}

/** The first `count` of the table are named. */
export function victimsName(count: u32): void {
  store<u32>(control() + L.CB_VICTIM_NEXT, 0);
  store<u32>(control() + L.CB_VICTIM_END, count);
}

/** None is named any more. How many had been taken. */
export function victimsTakeBack(): u32 {
  const taken = load<u32>(control() + L.CB_VICTIM_NEXT);
  victimsName(0);
  return taken;
}
